//! What a container sees of the host's files: what the options `volumes` and `volume-as-cwd` ask for, as the host reads it,
//! and how engines are told. Whether a path exists is found out in `check`.

use xqute_plugin::{
    Error, RunInfo,
    mounts::{self, Mount, Mounted},
};

use crate::options::Settings;

/// Where named mounts and the working folder are put, as Python xqute does.
const ROOT: &str = "/mnt/disks";

/// Where the working folder is, inside.
pub(crate) fn working_folder() -> String {
    format!("{ROOT}/.cwd")
}

/// What the options want to be mounted. All of it must be paths of this machine.
pub(crate) fn sources(settings: &Settings) -> Result<Vec<String>, Error> {
    let Settings { volumes, folder, .. } = settings;
    if let Some((text, name)) = volumes.iter().find_map(|text| Some((text, engines_volume(text)?))) {
        return Err(bad(
            text,
            &format!(
                "`{name}` is not an absolute path on the host; a volume that the engine keeps can be given with \
                 container-args=--volume=..."
            ),
        ));
    }
    let mut sources = mounts::sources(volumes)?;
    sources.extend(folder.clone());
    let texts = volumes.iter().chain(folder);
    match texts.zip(&sources).find(|(_, source)| !source.starts_with('/')) {
        None => Ok(sources),
        Some((text, _)) if text.contains("://") => Err(bad(text, "only files of this machine can be mounted")),
        Some((text, source)) => Err(bad(text, &format!("`{source}` is not an absolute path on the host"))),
    }
}

/// The name of a volume that docker and podman would keep themselves, if that is meant.
fn engines_volume(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once(':')?;
    (!name.is_empty() && !name.contains(['/', '=']) && !rest.starts_with("//")).then_some(name)
}

/// Gives each mount its place; `files` are those of the sources that are no folders. The run's directory is mounted where
/// the host has it, so that both see the same paths.
pub(crate) fn place(settings: &Settings, run: &RunInfo, files: &[String]) -> Result<Mounted, Error> {
    let writable = |source: &str, target: &str| Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only: false,
    };
    let folder = settings
        .folder
        .as_ref()
        .map(|folder| writable(folder, &working_folder()));
    let run = writable(&run.workdir.spec, &run.workdir.mounted);
    let more: Vec<Mount> = folder.into_iter().chain([run]).collect();
    mounts::read(&settings.volumes, &more, ROOT, files)
}

/// The value of `--mount`, which is CSV: unlike `--volume` it takes any path and creates no missing folder.
pub(crate) fn csv(mount: &Mount) -> String {
    let field = |name: &str, value: &str| {
        let text = format!("{name}={value}");
        if text.contains([',', '"']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    let end = if mount.read_only { ",readonly" } else { "" };
    format!(
        "type=bind,{},{}{end}",
        field("source", &mount.source),
        field("target", &mount.target)
    )
}

/// The value of apptainer's `--bind`, which has no way to quote.
pub(crate) fn bind(mount: &Mount) -> Result<String, Error> {
    if let Some(path) = [&mount.source, &mount.target]
        .into_iter()
        .find(|path| path.contains([',', ':']))
    {
        return Err(Error::InvalidOptions(format!(
            "apptainer cannot mount `{path}`: it has a comma or a colon in it; choose another path"
        )));
    }
    let end = if mount.read_only { ":ro" } else { "" };
    Ok(format!("{}:{}{end}", mount.source, mount.target))
}

fn bad(text: &str, why: &str) -> Error {
    Error::InvalidOptions(format!("`{text}` cannot be mounted: {why}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::options::tests::given;
    use xqute_plugin::{
        run,
        testing::{Host, mount},
    };

    /// A host that knows a few mounts.
    pub(crate) fn host() -> Host {
        let host = Host::new();
        for (source, target) in [("/a,b", "/c"), ("/no/such", "/x"), ("gs://bucket", "/data")] {
            let mounted = Mounted {
                mounts: vec![mount(source, target)],
                variables: Vec::new(),
            };
            host.on_mount(&format!("{source}:{target}"), source, mounted);
        }
        let target = "/mnt/disks/NAMED_MOUNTS/REF";
        let mounted = Mounted {
            mounts: vec![mount("/ref", target)],
            variables: vec![("REF".to_owned(), target.to_owned())],
        };
        host.on_mount("REF=/ref", "/ref", mounted);
        host
    }

    fn settings(options: &[(&str, &str)]) -> Settings {
        Settings::read(&given(&[&[("image", "x")], options].concat())).unwrap()
    }

    #[test]
    fn the_run_and_the_working_folder_are_mounted_with_what_users_ask_for() {
        let _host = host();
        let settings = settings(&[("volumes", "REF=/ref"), ("volume-as-cwd", "/project")]);
        assert_eq!(sources(&settings).unwrap(), ["/ref", "/project"]);
        let placed = place(&settings, &run::info(), &[]).unwrap();
        let expected = [
            mount("/ref", "/mnt/disks/NAMED_MOUNTS/REF"),
            mount("/project", "/mnt/disks/.cwd"),
            mount("/data/.xqute", "/data/.xqute"),
        ];
        assert_eq!(placed.mounts, expected);
        assert_eq!(placed.variables.len(), 1);
    }

    #[test]
    fn what_is_elsewhere_is_refused() {
        let _host = host();
        for (option, text, why) in [
            (
                "volumes",
                "gs://bucket:/data",
                "only files of this machine can be mounted",
            ),
            (
                "volume-as-cwd",
                "s3://bucket",
                "only files of this machine can be mounted",
            ),
            ("volume-as-cwd", "data", "`data` is not an absolute path on the host"),
            (
                "volumes",
                "data:/data",
                "`data` is not an absolute path on the host; a volume",
            ),
        ] {
            let said = sources(&settings(&[(option, text)])).unwrap_err();
            let said = said.message();
            assert!(
                said.starts_with(&format!("`{text}` cannot be mounted: {why}")),
                "{said}"
            );
        }
    }

    #[test]
    fn engines_are_told_in_their_words() {
        assert_eq!(csv(&mount("/a:b", "/x")), "type=bind,source=/a:b,target=/x");
        let odd = Mount {
            read_only: true,
            ..mount(r#"/a,"b""#, "/x y")
        };
        assert_eq!(csv(&odd), r#"type=bind,"source=/a,""b""",target=/x y,readonly"#);
        let plain = Mount {
            read_only: true,
            ..mount("/a b", "/x")
        };
        assert_eq!(bind(&plain).unwrap(), "/a b:/x:ro");
        assert!(bind(&mount("/a:b", "/x")).is_err(), "apptainer would misread it");
    }
}
