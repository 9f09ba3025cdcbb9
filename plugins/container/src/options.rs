//! Options that users give, checked and turned into `Settings`. Pure functions; whether what they name exists is found out
//! in `check`.

use xqute_plugin::{About, Error, Lookup};

use crate::engine::Engine;

/// What the options of a job say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) engine: Engine,
    pub(crate) image: String,
    /// The words that run a bash.
    pub(crate) entrypoint: Vec<String>,
    /// Mounts as the user wrote them.
    pub(crate) volumes: Vec<String>,
    /// The folder that is mounted for jobs to start in.
    pub(crate) folder: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) remove: bool,
    pub(crate) pull: Pull,
    pub(crate) variables: Vec<String>,
    pub(crate) more: Vec<String>,
}

/// When the image is fetched, once for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pull {
    Missing,
    Never,
    Always,
}

/// Documents the options.
pub(crate) fn describe(about: About) -> About {
    about
        .option(
            "image",
            "the image that jobs run in; `docker://` in front is understood; needed",
        )
        .option_or(
            "bin",
            "docker",
            "the program that runs containers: docker, podman, apptainer or singularity",
        )
        .any_of(
            "entrypoint",
            "/bin/bash",
            "the bash of the image; several words: one option for each",
        )
        .list_option(
            "volumes",
            "a mount: HOST:CONTAINER, HOST:CONTAINER:ro, or NAME=HOST, which sets the variable NAME in jobs",
        )
        .list_option("mount", "the same as volumes")
        .option("volume-as-cwd", "a folder that is mounted and that jobs start in")
        .option("mount-as-cwd", "the same as volume-as-cwd")
        .option(
            "user",
            "who jobs run as, USER or UID:GID; not with apptainer [default: you]",
        )
        .option_or(
            "remove",
            "true",
            "whether ended containers are removed; not with apptainer",
        )
        .option_or(
            "pull",
            "missing",
            "when the image is pulled, once before the first job: missing, never or always",
        )
        .list_option("env", "a variable K=V that the container has from the start")
        .list_option(
            "bin-args",
            "one more argument of `run` (of `exec` with apptainer), before the image",
        )
        .list_option("container-args", "the same as bin-args")
}

trait AnyOf {
    fn any_of(self, name: &str, default: &str, summary: &str) -> Self;
}

impl AnyOf for About {
    /// A list has no default of its own: it is said in the summary.
    fn any_of(self, name: &str, default: &str, summary: &str) -> Self {
        self.list_option(name, &format!("{summary} [default: {default}]"))
    }
}

impl Settings {
    /// Reads the options of the run, or those of a job, which have the run's in them.
    pub(crate) fn read(options: &[(String, String)]) -> Result<Self, Error> {
        for (name, value) in options {
            check_text(name, value)?;
        }
        let volumes = either(options, "volumes", "mount")?;
        let folder = either(options, "volume-as-cwd", "mount-as-cwd")?;
        let engine = Engine::read(options.value("bin").unwrap_or("docker"))?;
        let mut entrypoint: Vec<_> = options.values("entrypoint").map(str::to_owned).collect();
        if entrypoint.is_empty() {
            entrypoint.push("/bin/bash".to_owned());
        }
        let settings = Self {
            engine,
            image: image(engine, options.value("image").unwrap_or_default())?,
            entrypoint,
            volumes: volumes.into_iter().map(str::to_owned).collect(),
            folder: folder.last().map(|folder| (*folder).to_owned()),
            user: options.value("user").map(str::to_owned),
            remove: flag(options, "remove")?,
            pull: pull(options)?,
            variables: variables(options)?,
            more: more(engine, &either(options, "bin-args", "container-args")?)?,
        };
        settings.fits(options)
    }

    /// apptainer has fewer features; what it cannot do is refused and not left out.
    fn fits(self, options: &[(String, String)]) -> Result<Self, Error> {
        let program = self.engine.program();
        if let Some(word) = self.entrypoint.iter().find(|word| word.is_empty()) {
            return refuse(format!(
                "{word:?} is not a word of an entrypoint; leave it out for /bin/bash"
            ));
        }
        if self.engine.keeps_containers() {
            return Ok(self);
        }
        if self.user.is_some() {
            return refuse(format!(
                "`user` cannot be given for {program}: it always runs jobs as you"
            ));
        }
        if options.value("remove").is_some() {
            return refuse(format!(
                "`remove` cannot be given for {program}: it keeps no containers"
            ));
        }
        if self.pull != Pull::Missing {
            return refuse(format!(
                "`pull` cannot be given for {program}: it decides itself when to fetch an image"
            ));
        }
        Ok(self)
    }
}

/// The values of an option that has two names, of which only one may be used.
fn either<'a>(options: &'a [(String, String)], name: &'a str, other: &'a str) -> Result<Vec<&'a str>, Error> {
    let (values, others): (Vec<_>, Vec<_>) = (options.values(name).collect(), options.values(other).collect());
    if !values.is_empty() && !others.is_empty() {
        return refuse(format!("`{name}` and `{other}` are the same; use only one of them"));
    }
    Ok(if values.is_empty() { others } else { values })
}

fn image(engine: Engine, text: &str) -> Result<String, Error> {
    if text.is_empty() {
        return refuse("no image: say which one jobs run in with --opt image=NAME".to_owned());
    }
    if text.starts_with('-') || text.contains(char::is_whitespace) && engine.keeps_containers() {
        return refuse(format!("`{text}` cannot be the name of an image"));
    }
    if !engine.keeps_containers() {
        return Ok(text.to_owned());
    }
    let name = text.strip_prefix("docker://").unwrap_or(text);
    if name.is_empty() || name.contains("://") {
        return refuse(format!(
            "{} cannot run the image `{text}`; write NAME or docker://NAME",
            engine.program()
        ));
    }
    Ok(name.to_owned())
}

fn flag(options: &[(String, String)], name: &str) -> Result<bool, Error> {
    match options.value(name) {
        None | Some("" | "true" | "yes") => Ok(true),
        Some("false" | "no") => Ok(false),
        Some(other) => refuse(format!("`{name}` is either true or false, not `{other}`")),
    }
}

fn pull(options: &[(String, String)]) -> Result<Pull, Error> {
    match options.value("pull") {
        None | Some("missing") => Ok(Pull::Missing),
        Some("never") => Ok(Pull::Never),
        Some("always") => Ok(Pull::Always),
        Some(other) => refuse(format!("`pull` is missing, never or always, not `{other}`")),
    }
}

fn variables(options: &[(String, String)]) -> Result<Vec<String>, Error> {
    let good = |text: &str| text.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    match options.values("env").find(|text| !good(text)) {
        None => Ok(options.values("env").map(str::to_owned).collect()),
        Some(bad) => refuse(format!("`env` is written NAME=VALUE, not `{bad}`")),
    }
}

/// Arguments that would break what xqute does with its containers, and what to do instead.
const REFUSED: [(&str, &str); 13] = [
    ("--name", "xqute finds its containers by their names"),
    ("--replace", "a container of this name is the job itself"),
    ("--rm", "use `remove`, which is true if not given"),
    ("--restart", "use --error-strategy retry"),
    ("--detach", "xqute always does it"),
    ("-d", "xqute always does it"),
    ("--interactive", "a job has nobody to talk to"),
    ("-i", "a job has nobody to talk to"),
    ("--tty", "a job has no terminal"),
    ("-t", "a job has no terminal"),
    ("-it", "a job has no terminal"),
    ("--cidfile", "all jobs would write the same file"),
    ("--pull", "use `pull`"),
];

fn more(engine: Engine, arguments: &[&str]) -> Result<Vec<String>, Error> {
    if let Some(first) = arguments.first().filter(|first| !first.starts_with('-')) {
        return refuse(format!(
            "`{first}` would be taken for the image: arguments start with `-`, as in bin-args=--memory=2g"
        ));
    }
    for argument in arguments {
        let name = argument.split_once('=').map_or(*argument, |(name, _)| name);
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
        if let Some((_, instead)) = refused.filter(|_| engine.keeps_containers()) {
            return refuse(format!("the argument `{name}` cannot be given: {instead}"));
        }
        if *argument == "--" {
            return refuse("the argument `--` cannot be given: what follows would be taken for the image".to_owned());
        }
    }
    Ok(arguments.iter().map(|argument| (*argument).to_owned()).collect())
}

fn check_text(name: &str, value: &str) -> Result<(), Error> {
    match value.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => refuse(format!(
            "the value of `{name}` has the control character {c:?}; it must be one line"
        )),
    }
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::InvalidOptions(why))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn given(options: &[(&str, &str)]) -> Vec<(String, String)> {
        options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn refusal(options: &[(&str, &str)]) -> String {
        match Settings::read(&given(options)) {
            Err(Error::InvalidOptions(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_an_image_is_needed() {
        let settings = Settings::read(&given(&[("image", "docker://debian:12")])).unwrap();
        let expected = Settings {
            engine: Engine::Docker,
            image: "debian:12".to_owned(),
            entrypoint: vec!["/bin/bash".to_owned()],
            volumes: Vec::new(),
            folder: None,
            user: None,
            remove: true,
            pull: Pull::Missing,
            variables: Vec::new(),
            more: Vec::new(),
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn apptainer_keeps_the_prefix() {
        let settings = Settings::read(&given(&[("bin", "apptainer"), ("image", "docker://debian:12")])).unwrap();
        assert_eq!(settings.image, "docker://debian:12");
    }

    #[test]
    fn either_spelling_and_either_name_will_do() {
        let settings = Settings::read(&given(&[
            ("image", "x"),
            ("mount", "/a:/b"),
            ("mount_as_cwd", "/c"),
            ("bin_args", "--memory"),
            ("bin-args", "2g"),
            ("entrypoint", "env"),
            ("entrypoint", "bash"),
            ("remove", "false"),
        ]))
        .unwrap();
        assert_eq!(settings.volumes, ["/a:/b"]);
        assert_eq!(settings.folder.as_deref(), Some("/c"));
        assert!(!settings.remove);
        assert_eq!(settings.more, ["--memory", "2g"]);
        assert_eq!(settings.entrypoint, ["env", "bash"]);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let x = ("image", "x");
        let apptainer = ("bin", "apptainer");
        for (options, why) in [
            (&[][..], "no image: say which one jobs run in with --opt image=NAME"),
            (&[("image", "-x")], "`-x` cannot be the name of an image"),
            (
                &[("image", "gs://x")],
                "docker cannot run the image `gs://x`; write NAME or docker://NAME",
            ),
            (
                &[x, ("mount", "/a:/b"), ("volumes", "/c:/d")],
                "`volumes` and `mount` are the same; use only one of them",
            ),
            (
                &[x, ("mount-as-cwd", "/a"), ("volume_as_cwd", "/b")],
                "`volume-as-cwd` and `mount-as-cwd` are the same; use only one of them",
            ),
            (
                &[x, ("remove", "maybe")],
                "`remove` is either true or false, not `maybe`",
            ),
            (
                &[x, ("pull", "daily")],
                "`pull` is missing, never or always, not `daily`",
            ),
            (&[x, ("env", "A")], "`env` is written NAME=VALUE, not `A`"),
            (
                &[x, ("user", "a\nb")],
                "the value of `user` has the control character '\\n'",
            ),
            (
                &[x, ("bin-args", "--rm")],
                "the argument `--rm` cannot be given: use `remove`",
            ),
            (
                &[x, ("bin-args", "--name=a")],
                "the argument `--name` cannot be given: xqute finds",
            ),
            (&[x, ("bin-args", "2g")], "`2g` would be taken for the image"),
            (
                &[x, ("bin-args", "--init"), ("bin-args", "--")],
                "the argument `--` cannot be given",
            ),
            (&[x, ("entrypoint", "")], "\"\" is not a word of an entrypoint"),
            (
                &[x, apptainer, ("user", "0")],
                "`user` cannot be given for apptainer: it always runs",
            ),
            (
                &[x, apptainer, ("remove", "true")],
                "`remove` cannot be given for apptainer: it keeps",
            ),
            (
                &[x, apptainer, ("pull", "never")],
                "`pull` cannot be given for apptainer: it decides",
            ),
        ] {
            let said = refusal(options);
            assert!(said.contains(why), "{options:?}: {said}");
        }
    }
}
