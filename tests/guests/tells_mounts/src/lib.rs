//! Has the host read mounts, and tells in the log what becomes of them. Nothing is mounted.

use xqute_plugin::{mounts::Mount, prelude::*};

/// Tells what becomes of mounts.
pub struct TellsMounts;

#[export]
impl Plugin for TellsMounts {
    fn about(about: About) -> About {
        about.list_option("mount", "a mount; files are those sources that end with `.txt`")
    }
}

#[export]
impl Observer for TellsMounts {
    fn on_init() {
        let texts: Vec<String> = run::options().values("mount").map(str::to_owned).collect();
        if let Err(error) = tell(&texts, &run::info().workdir.spec) {
            log::info!("refused: {}", error.message());
        }
    }
}

/// Says what is mounted where, together with the run's directory, and where jobs would see something in that.
fn tell(texts: &[String], workdir: &str) -> Result<(), Error> {
    let mut files = mounts::sources(texts)?;
    files.retain(|source| source.ends_with(".txt"));
    let run = Mount {
        source: workdir.to_owned(),
        target: "/run".to_owned(),
        read_only: false,
    };
    let mounted = mounts::read(texts, &[run], "/named", &files)?;
    for mount in &mounted.mounts {
        let mode = if mount.read_only { ", read-only" } else { "" };
        log::info!("{} is at {}{mode}", mount.source, mount.target);
    }
    for (name, place) in &mounted.variables {
        log::info!("{name}={place}");
    }
    if let Some(path) = mounts::seen(&mounted.mounts, &format!("{workdir}/0"))? {
        log::info!("{} is seen as {}", path.spec, path.mounted);
    }
    if let Some(path) = mounts::meant(&mounted.mounts, "/run/7")? {
        log::info!("{} is meant by {}", path.spec, path.mounted);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use xqute_plugin::{
        Path,
        mounts::Mounted,
        testing::{Host, mount},
    };

    use super::*;

    #[test]
    fn what_the_host_answers_is_told() {
        let host = Host::new();
        let mounted = Mounted {
            mounts: vec![mount("/ref", "/x")],
            variables: vec![("REF".to_owned(), "/x/a.txt".to_owned())],
        };
        host.on_mount("REF=/ref/a.txt", "/ref/a.txt", mounted);
        let path = |spec: &str, mounted: &str| Path {
            spec: spec.to_owned(),
            mounted: mounted.to_owned(),
        };
        host.add_place(path("/data/.xqute/0", "/run/0"));
        host.add_place(path("/data/.xqute/7", "/run/7"));
        host.option("mount", "REF=/ref/a.txt");
        TellsMounts::on_init();
        assert_eq!(
            host.log_text(),
            "/ref is at /x\n/data/.xqute is at /run\nREF=/x/a.txt\n/data/.xqute/0 is seen as /run/0\n/data/.xqute/7 is meant by \
             /run/7\n"
        );
        host.option("mount", "/ref");
        TellsMounts::on_init();
        assert!(host.log_text().contains("refused: "));
    }
}
