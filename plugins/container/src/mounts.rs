//! What a container sees of the host's files: the options `volumes` and `volume-as-cwd` → mounts. Pure functions; whether a
//! path exists is found out in `check`.

use std::collections::BTreeSet;

use xqute_plugin::Error;

/// Where named mounts and the working folder are put, as Python xqute does.
const ROOT: &str = "/mnt/disks";

/// One mount as a user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// On the host.
    pub(crate) source: String,
    place: Place,
    read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    At(String),
    /// Wherever it suits; this variable tells the job where.
    Named(String),
}

/// One mount as an engine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) read_only: bool,
}

/// Mounts, and the variables that tell where the named ones are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) mounts: Vec<Mount>,
    pub(crate) variables: Vec<(String, String)>,
}

impl Wanted {
    /// Reads `HOST:CONTAINER`, `HOST:CONTAINER:ro` or `NAME=HOST`.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        if let Some((name, source)) = text.split_once('=')
            && is_variable(name)
        {
            return Ok(Self {
                source: host_path(text, source)?,
                place: Place::Named(name.to_owned()),
                read_only: false,
            });
        }
        let (rest, read_only) = match text.rsplit_once(':') {
            Some((rest, "ro")) => (rest, true),
            Some((rest, "rw")) => (rest, false),
            _ => (text, false),
        };
        let Some((source, target)) = rest.rsplit_once(':').filter(|(source, _)| !source.is_empty()) else {
            return Err(bad(
                text,
                "it is neither HOST:CONTAINER nor HOST:CONTAINER:ro nor NAME=HOST",
            ));
        };
        Ok(Self {
            source: host_path(text, source)?,
            place: Place::At(container_path(text, target)?),
            read_only,
        })
    }

    /// The folder that jobs start in.
    pub(crate) fn working_folder(text: &str) -> Result<Self, Error> {
        Ok(Self {
            source: host_path(text, text)?,
            place: Place::At(working_folder()),
            read_only: false,
        })
    }
}

/// Where the working folder is, inside.
pub(crate) fn working_folder() -> String {
    format!("{ROOT}/.cwd")
}

/// Gives each mount its place. Of a named file the folder is mounted, for what lies beside it (an index, say).
pub(crate) fn place(wanted: &[Wanted], files: &BTreeSet<String>) -> Result<Placed, Error> {
    let mut placed = Placed::default();
    for Wanted {
        source,
        place,
        read_only,
    } in wanted
    {
        let (source, target) = match place {
            Place::At(target) => (source.as_str(), target.clone()),
            Place::Named(name) => {
                let top = format!("{ROOT}/NAMED_MOUNTS/{name}");
                let (folder, target, value) = match source.rsplit_once('/').filter(|_| files.contains(source)) {
                    Some((folder, file)) => {
                        let target = format!("{top}/{}", folder.rsplit('/').next().unwrap_or_default());
                        let target = target.trim_end_matches('/').to_owned();
                        let value = format!("{target}/{file}");
                        (if folder.is_empty() { "/" } else { folder }, target, value)
                    }
                    None => (source.as_str(), top.clone(), top),
                };
                placed.variables.push((name.clone(), value));
                (folder, target)
            }
        };
        placed.add(Mount {
            source: source.to_owned(),
            target,
            read_only: *read_only,
        })?;
    }
    Ok(placed)
}

impl Placed {
    /// Adds a mount, unless it is there already; refuses two different ones at one place.
    pub(crate) fn add(&mut self, mount: Mount) -> Result<(), Error> {
        match self.mounts.iter().find(|other| other.target == mount.target) {
            None => self.mounts.push(mount),
            Some(same) if *same == mount => {}
            Some(other) if other.source == mount.source => {
                return Err(Error::InvalidOptions(format!(
                    "`{}` is mounted at `{}` twice, once to be written and once not; give it once",
                    mount.source, mount.target
                )));
            }
            Some(other) => {
                return Err(Error::InvalidOptions(format!(
                    "`{}` and `{}` cannot both be mounted at `{}`; give one of them another place",
                    other.source, mount.source, mount.target
                )));
            }
        }
        Ok(())
    }
}

impl Mount {
    /// The value of `--mount`, which is CSV: unlike `--volume` it takes any path and creates no missing folder.
    pub(crate) fn csv(&self) -> String {
        let field = |name: &str, value: &str| {
            let text = format!("{name}={value}");
            if text.contains([',', '"']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text
            }
        };
        let end = if self.read_only { ",readonly" } else { "" };
        format!(
            "type=bind,{},{}{end}",
            field("source", &self.source),
            field("target", &self.target)
        )
    }

    /// The value of apptainer's `--bind`, which has no way to quote.
    pub(crate) fn bind(&self) -> Result<String, Error> {
        if let Some(path) = [&self.source, &self.target]
            .into_iter()
            .find(|path| path.contains([',', ':']))
        {
            return Err(Error::InvalidOptions(format!(
                "apptainer cannot mount `{path}`: it has a comma or a colon in it; choose another path"
            )));
        }
        let end = if self.read_only { ":ro" } else { "" };
        Ok(format!("{}:{}{end}", self.source, self.target))
    }
}

fn host_path(text: &str, source: &str) -> Result<String, Error> {
    if source.contains("://") {
        return Err(bad(text, "only files of this machine can be mounted"));
    }
    if !source.starts_with('/') {
        return Err(bad(
            text,
            &format!(
                "`{source}` is not an absolute path on the host; a volume that the engine keeps can be given with \
                 container-args=--volume=..."
            ),
        ));
    }
    Ok(tidy(source))
}

fn container_path(text: &str, target: &str) -> Result<String, Error> {
    if !target.starts_with('/') {
        return Err(bad(
            text,
            &format!("`{target}` is not an absolute path in the container"),
        ));
    }
    match tidy(target) {
        target if target == "/" => Err(bad(text, "nothing can be mounted over `/`")),
        target => Ok(target),
    }
}

/// Without slashes at the end.
fn tidy(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

/// Whether bash takes it as the name of a variable.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn bad(text: &str, why: &str) -> Error {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let hint = if !name.is_empty() && !name.contains('/') && !is_variable(name) {
        format!(" (`{name}` cannot be the name of a variable: use letters, digits and `_`)")
    } else {
        String::new()
    };
    Error::InvalidOptions(format!("`{text}` cannot be mounted: {why}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(texts: &[&str], files: &[&str]) -> Result<Placed, Error> {
        let wanted: Result<Vec<_>, _> = texts.iter().map(|text| Wanted::read(text)).collect();
        place(&wanted?, &files.iter().map(|file| (*file).to_owned()).collect())
    }

    fn csv(texts: &[&str]) -> Vec<String> {
        placed(texts, &[]).unwrap().mounts.iter().map(Mount::csv).collect()
    }

    fn refusal(texts: &[&str]) -> String {
        placed(texts, &[]).unwrap_err().message().into_owned()
    }

    #[test]
    fn places_are_given() {
        assert_eq!(
            csv(&["/data:/data", "/a:b/:/c/:ro", "/d:/e:rw", "/data:/data"]),
            [
                "type=bind,source=/data,target=/data",
                "type=bind,source=/a:b,target=/c,readonly",
                "type=bind,source=/d,target=/e",
            ]
        );
        assert_eq!(csv(&[r#"/a,"b":/x y"#]), [r#"type=bind,"source=/a,""b""",target=/x y"#]);
    }

    #[test]
    fn names_become_variables() {
        let placed = placed(
            &["REF=/ref/genome", "BAM=/in/x/reads.bam", "TOP=/top.txt"],
            &["/in/x/reads.bam", "/top.txt"],
        );
        let Placed { mounts, variables } = placed.unwrap();
        let at = |mount: &Mount| (mount.source.clone(), mount.target.clone());
        let expected = [
            ("/ref/genome", "/mnt/disks/NAMED_MOUNTS/REF"),
            ("/in/x", "/mnt/disks/NAMED_MOUNTS/BAM/x"),
            ("/", "/mnt/disks/NAMED_MOUNTS/TOP"),
        ];
        assert_eq!(
            mounts.iter().map(at).collect::<Vec<_>>(),
            expected.map(|(source, target)| (source.to_owned(), target.to_owned()))
        );
        let expected = [
            ("REF", "/mnt/disks/NAMED_MOUNTS/REF"),
            ("BAM", "/mnt/disks/NAMED_MOUNTS/BAM/x/reads.bam"),
            ("TOP", "/mnt/disks/NAMED_MOUNTS/TOP/top.txt"),
        ];
        assert_eq!(
            variables,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn refusals_say_why() {
        for (texts, why) in [
            (
                &["/data"][..],
                "`/data` cannot be mounted: it is neither HOST:CONTAINER nor",
            ),
            (&["data:/data"], "`data` is not an absolute path on the host; a volume"),
            (&["/data:data"], "`data` is not an absolute path in the container"),
            (&["/data:/"], "nothing can be mounted over `/`"),
            (&["gs://bucket:/data"], "only files of this machine can be mounted"),
            (&["REF=gs://bucket"], "only files of this machine can be mounted"),
            (&["REF=data"], "`data` is not an absolute path on the host"),
            (
                &["MY-REF=/data"],
                "(`MY-REF` cannot be the name of a variable: use letters, digits and `_`)",
            ),
            (
                &["/a:/x", "/b:/x/"],
                "`/a` and `/b` cannot both be mounted at `/x`; give one of them another place",
            ),
            (
                &["A=/a", "A=/b"],
                "`/a` and `/b` cannot both be mounted at `/mnt/disks/NAMED_MOUNTS/A`",
            ),
            (
                &["/a:/x", "/a:/x:ro"],
                "`/a` is mounted at `/x` twice, once to be written and once not",
            ),
        ] {
            let said = refusal(texts);
            assert!(said.contains(why), "{texts:?}: {said}");
        }
    }

    #[test]
    fn apptainer_is_not_given_what_it_would_misread() {
        let mount = |source: &str| Mount {
            source: source.to_owned(),
            target: "/x".to_owned(),
            read_only: true,
        };
        assert_eq!(mount("/a b").bind().unwrap(), "/a b:/x:ro");
        assert!(mount("/a:b").bind().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_placed_or_refused(text in "[A-Z=:/a-z,\" ]{0,20}") {
            let _answer = placed(&[&text], &[&text]);
        }
    }
}
