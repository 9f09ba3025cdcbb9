//! `xqute plugin build [DIR] [-o FILE]`. How each language is built is known to the crate `xqute-build`.

use camino::Utf8Path;
use xqute::adapters::clock::Clock;
use xqute_build::Project;

use crate::cli::{
    error::{Failure, Result},
    exit::Exit,
    out,
    screen::{Screen, printable_line},
};

/// Builds the project's component. The steps are told on stderr, the result on stdout.
pub(super) fn build(dir: &Utf8Path, output: Option<&Utf8Path>, here: &Utf8Path, screen: &Screen) -> Result<Exit> {
    let clock = Clock::start();
    let project = open(&here.join(dir))?;
    let file = output.map_or_else(|| project.component(), |output| here.join(output).into());
    screen.note(&format!(
        "building the plugin `{}`, in {}",
        printable_line(&project.name),
        project.language
    ));
    let mut tell = |step: &str| screen.note(&printable_line(step));
    let built = project
        .build(&file, &mut tell)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let exports: Vec<&str> = built.interfaces.exports.iter().filter_map(|name| ours(name)).collect();
    out::print(&format!(
        "{} ({} KB, exports {}) in {:.1} s\n",
        built.path.display(),
        built.bytes.div_ceil(1024),
        exports.join(", "),
        clock.elapsed().as_secs_f64()
    ))?;
    Ok(Exit::Success)
}

/// The project in this folder.
pub(super) fn open(folder: &Utf8Path) -> Result<Project> {
    Project::open(folder.as_std_path()).map_err(|error| {
        Failure::new(Exit::Usage, error).help("`xqute plugin new DIR --lang rust|python|javascript` makes a project")
    })
}

/// `xqute:plugin/observer@0.1.0` as `observer`. Some tools export more than the contract.
fn ours(interface: &str) -> Option<&str> {
    let name = interface.strip_prefix("xqute:plugin/")?;
    name.split('@').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_have_short_names() {
        assert_eq!(ours("xqute:plugin/observer@0.1.0"), Some("observer"));
        assert_eq!(ours("exports"), None);
    }
}
