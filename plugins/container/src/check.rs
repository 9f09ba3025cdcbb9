//! What is asked before the first job, so that a run that cannot work does not start: do the mounted paths exist, is the
//! image there? Pure functions: arguments, and what the answers mean.

use std::collections::BTreeSet;

use xqute_plugin::{Error, Output};

use crate::{
    options::Settings,
    trouble::{self, Trouble},
};

/// The arguments of `stat`, `sources` being what is to be mounted; none if no path is named.
pub(crate) fn paths_argv(settings: &Settings, sources: &[String]) -> Option<Vec<String>> {
    let paths = paths(settings, sources);
    let start = ["--dereference", "--format=%F:%n", "--"].map(str::to_owned);
    (!paths.is_empty()).then(|| start.into_iter().chain(paths).collect())
}

/// Which of the paths are files, all being there.
pub(crate) fn files(settings: &Settings, sources: &[String], output: &Output) -> Result<Vec<String>, Error> {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let found: Vec<(&str, &str)> = stdout.lines().filter_map(|line| line.split_once(':')).collect();
    for path in paths(settings, sources) {
        if !found.iter().any(|(_, name)| *name == path) {
            let mentions = |line: &&str| line.contains(&path);
            let why = stderr.lines().find(mentions).unwrap_or("stat said nothing about it");
            let why = why.rsplit(": ").next().unwrap_or_default();
            return Err(Error::InvalidOptions(format!(
                "there is no `{path}` on this machine ({why}); write the path of something that exists"
            )));
        }
    }
    let is_folder = |kind: &str| kind == "directory";
    Ok(found
        .into_iter()
        .filter(|(kind, _)| !is_folder(kind))
        .map(|(_, name)| name.to_owned())
        .collect())
}

/// All paths of the host that the settings name.
fn paths(settings: &Settings, sources: &[String]) -> BTreeSet<String> {
    let mut paths: BTreeSet<_> = sources.iter().cloned().collect();
    if !settings.engine.keeps_containers() && !settings.image.contains("://") {
        paths.insert(settings.image.clone());
    }
    paths
}

/// The arguments that ask for an image.
pub(crate) fn image_argv(settings: &Settings) -> Vec<String> {
    [
        "image",
        "inspect",
        "--format",
        "{{json .Config.Entrypoint}}",
        &settings.image,
    ]
    .map(str::to_owned)
    .into()
}

/// What is known of an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// It is there, and runs what it is given.
    Plain,
    /// It is there, with a program of its own (JSON) in front of what it is given.
    Wraps(String),
    /// It is not there; the engine says so in these words.
    Missing(String),
}

/// Reads what `image inspect` answered.
pub(crate) fn image(output: &Output) -> Result<Image, Error> {
    match trouble::of(output) {
        Some(Trouble::Unreachable(said)) => Err(Error::Unavailable(said)),
        Some(Trouble::NoProgram(said) | Trouble::Refusal(said)) => Ok(Image::Missing(said)),
        None => Ok(match output.stdout_text().trim() {
            "" | "null" | "[]" => Image::Plain,
            entrypoint => Image::Wraps(entrypoint.to_owned()),
        }),
    }
}

/// Reads what `pull` answered.
pub(crate) fn pulled(settings: &Settings, output: &Output) -> Result<(), Error> {
    match trouble::of(output) {
        None => Ok(()),
        Some(Trouble::Unreachable(said)) => Err(Error::Unavailable(said)),
        Some(Trouble::NoProgram(said) | Trouble::Refusal(said)) => Err(Error::InvalidOptions(format!(
            "{} has no image `{}` and cannot pull it: {said}; check its name, or make it available first",
            settings.engine.program(),
            settings.image
        ))),
    }
}

/// What to say of an image that may not be pulled.
pub(crate) fn missing(settings: &Settings, said: &str) -> Error {
    Error::InvalidOptions(format!(
        "{program} has no image `{image}` ({said}) and pull=never was given; run `{program} pull {image}` first, or leave \
         out `pull`",
        program = settings.engine.program(),
        image = settings.image
    ))
}

/// What to say of an image without the program that runs scripts.
pub(crate) fn no_bash(settings: &Settings, said: &str) -> String {
    let word = settings.entrypoint.first().map_or("", String::as_str);
    format!(
        "the image `{}` has no {word}; job scripts need a bash: choose an image that has one, or say where it is with --opt \
         entrypoint=PATH ({said})",
        settings.image
    )
}

/// The arguments with which apptainer shows that it can run a bash in the image. It also fetches the image.
pub(crate) fn bash_argv(settings: &Settings) -> Vec<String> {
    let mut argv = vec!["exec".to_owned()];
    argv.extend(settings.more.iter().cloned());
    argv.push(settings.image.clone());
    argv.extend(settings.entrypoint.iter().cloned());
    argv.extend(["-c", "exit 0"].map(str::to_owned));
    argv
}

/// Reads its answer.
pub(crate) fn has_bash(settings: &Settings, output: &Output) -> Result<(), Error> {
    match trouble::of(output) {
        None => Ok(()),
        Some(Trouble::NoProgram(said)) => Err(Error::InvalidOptions(no_bash(settings, &said))),
        Some(Trouble::Unreachable(said) | Trouble::Refusal(said)) => Err(Error::InvalidOptions(format!(
            "{} cannot run `{}` in the image `{}`: {said}",
            settings.engine.program(),
            settings.entrypoint.join(" "),
            settings.image
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::given;
    use xqute_plugin::Exit;

    fn settings(options: &[(&str, &str)]) -> Settings {
        Settings::read(&given(
            &[&[("image", "localhost/none:1"), ("bin", "podman")], options].concat(),
        ))
        .unwrap()
    }

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output {
            exit: Exit::Code(code),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    #[test]
    fn one_question_is_asked_about_all_paths() {
        let settings = settings(&[]);
        assert_eq!(paths_argv(&settings, &[]), None);
        let sources = ["/b", "/a", "/b"].map(str::to_owned);
        assert_eq!(
            paths_argv(&settings, &sources).unwrap(),
            ["--dereference", "--format=%F:%n", "--", "/a", "/b"]
        );
        let output = output(0, "regular empty file:/a\ndirectory:/b\n", "");
        assert_eq!(files(&settings, &sources, &output).unwrap(), ["/a"]);
    }

    #[test]
    fn a_missing_path_is_named() {
        let sources = ["/etc", "/no/such"].map(str::to_owned);
        let stderr = "stat: cannot statx '/no/such': No such file or directory\n";
        assert_eq!(
            files(&settings(&[]), &sources, &output(1, "directory:/etc\n", stderr))
                .unwrap_err()
                .message(),
            "there is no `/no/such` on this machine (No such file or directory); write the path of something that exists"
        );
    }

    #[test]
    fn apptainer_images_are_files() {
        let image = |image| {
            let options = given(&[("bin", "apptainer"), ("image", image)]);
            paths_argv(&Settings::read(&options).unwrap(), &[])
        };
        assert_eq!(image("tools.sif").unwrap().last().unwrap(), "tools.sif");
        assert_eq!(image("docker://debian:12"), None);
    }

    #[test]
    fn images_are_there_or_not() {
        assert_eq!(image(&output(0, "null\n", "")), Ok(Image::Plain));
        assert_eq!(
            image(&output(0, "[\"/entry.sh\"]\n", "")),
            Ok(Image::Wraps("[\"/entry.sh\"]".to_owned()))
        );
        for stderr in [
            include_str!("../fixtures/podman-no-image.stderr"),
            include_str!("../fixtures/docker-no-image.stderr"),
        ] {
            assert!(matches!(image(&output(125, "\n", stderr)), Ok(Image::Missing(_))));
        }
        let stderr = include_str!("../fixtures/docker-ps-no-daemon.stderr");
        assert!(matches!(image(&output(1, "", stderr)), Err(Error::Unavailable(_))));
        let failed = pulled(
            &settings(&[]),
            &output(125, "", include_str!("../fixtures/podman-pull-failed.stderr")),
        );
        let said = failed.unwrap_err().message().into_owned();
        assert!(
            said.starts_with(
                "podman has no image `localhost/none:1` and cannot pull it: initializing source docker://"
            ),
            "{said}"
        );
    }
}
