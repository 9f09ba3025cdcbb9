//! Volumes: buckets that the machines mount. Pure functions.

use serde_json::{Value, json};
use xqute_plugin::{Error, Lookup};

use crate::document::Document;
use crate::options::bad;

/// Where named volumes and the folder for `volume-as-cwd` are mounted.
const ROOT: &str = "/mnt/disks";

/// What the options say of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mounts {
    volumes: Vec<Volume>,
    /// Variables that are set in the job: names of volumes, and where they are.
    names: Vec<(String, String)>,
    /// Where jobs start.
    pub(crate) cwd: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Volume {
    bucket: String,
    path: String,
}

impl Mounts {
    /// Reads `volumes` (or `mount`) and `volume-as-cwd` (or `mount-as-cwd`).
    ///
    /// # Errors
    /// `InvalidOptions`, when one is no volume, or two are in the same place.
    pub(crate) fn read(options: &[(String, String)]) -> Result<Self, Error> {
        let volumes = either(options, "volumes", "mount")?;
        let cwd = either(options, "volume-as-cwd", "mount-as-cwd")?;
        let mut mounts = Self::default();
        if let Some(url) = options.value(cwd) {
            let path = format!("{ROOT}/.cwd");
            let bucket = bucket(cwd, url)?;
            mounts.volumes.push(Volume {
                bucket,
                path: path.clone(),
            });
            mounts.cwd = Some(path);
        }
        for text in options.values(volumes) {
            mounts.add(volumes, text)?;
        }
        let paths = mounts.volumes.iter().enumerate();
        for (place, Volume { path, .. }) in paths {
            if mounts.volumes.iter().skip(place + 1).any(|other| other.path == *path) {
                return Err(bad(format!("`{volumes}` has two volumes for {path}")));
            }
        }
        Ok(mounts)
    }

    fn add(&mut self, option: &str, text: &str) -> Result<(), Error> {
        if let Some((name, url)) = text.split_once('=').filter(|(name, _)| is_name(name)) {
            let path = format!("{ROOT}/{name}");
            self.names.push((name.to_owned(), path.clone()));
            self.volumes.push(Volume {
                bucket: bucket(option, url)?,
                path,
            });
            return Ok(());
        }
        let Some((url, path)) = text.rsplit_once(':').filter(|(_, path)| !path.starts_with("//")) else {
            return Err(bad(format!(
                "`{option}` has {text:?}, but a volume is gs://BUCKET/FOLDER:/PATH or NAME=gs://BUCKET/FOLDER"
            )));
        };
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") || path.trim_matches('/').is_empty() {
            return Err(bad(format!(
                "`{option}` has {text:?}, but {path:?} is no path from the top, such as /mnt/disks/data"
            )));
        }
        let path = path.trim_end_matches('/').to_owned();
        self.volumes.push(Volume {
            bucket: bucket(option, url)?,
            path,
        });
        Ok(())
    }

    /// Puts volumes and variables into a job of Batch.
    pub(crate) fn add_to(&self, document: &mut Document) -> Result<(), Error> {
        for Volume { bucket, path } in &self.volumes {
            document.push(
                "/taskGroups/0/taskSpec/volumes",
                json!({"gcs": {"remotePath": bucket}, "mountPath": path}),
            )?;
        }
        for (name, path) in &self.names {
            let place = format!("/taskGroups/0/taskSpec/environment/variables/{name}");
            document.put(&place, Value::from(path.as_str()), Some("volumes"))?;
        }
        Ok(())
    }
}

/// The one of two names under which an option was given.
fn either<'a>(options: &[(String, String)], name: &'a str, alias: &'a str) -> Result<&'a str, Error> {
    match (options.value(name), options.value(alias)) {
        (Some(_), Some(_)) => Err(bad(format!("`{name}` and `{alias}` are the same: use one of them"))),
        (None, Some(_)) => Ok(alias),
        _ => Ok(name),
    }
}

/// Whether this can be a variable of a shell.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(fits)
}

/// `gs://BUCKET/FOLDER` → `BUCKET/FOLDER`, as Batch wants it.
fn bucket(option: &str, url: &str) -> Result<String, Error> {
    let path = url.strip_prefix("gs://").map(|path| path.trim_end_matches('/'));
    let name = path.and_then(|path| path.split('/').next()).unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    match path {
        Some(path) if (3..=222).contains(&name.len()) && name.chars().all(fits) => Ok(path.to_owned()),
        Some(_) => Err(bad(format!(
            "`{option}` has {url:?}, but {name:?} is no bucket: 3 or more small letters, digits, `-`, `_` and `.`"
        ))),
        None => Err(bad(format!(
            "`{option}` has {url:?}, but volumes of Batch are buckets, gs://BUCKET/FOLDER"
        ))),
    }
}

/// Whether a path is that of a folder, or of something in it.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(options: &[(&str, &str)]) -> Result<Mounts, String> {
        let options: Vec<_> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Mounts::read(&options).map_err(|error| error.message().into_owned())
    }

    #[test]
    fn volumes_are_mounted_and_named_ones_are_told_to_the_job() {
        let mounts = given(&[
            ("mount", "gs://data-1/in:/mnt/data/"),
            ("mount", "REF=gs://ref"),
            ("volume-as-cwd", "gs://here/"),
        ]);
        let mut document = Document::read(None).unwrap();
        let mounts = mounts.unwrap();
        mounts.add_to(&mut document).unwrap();
        let expected = json!({"taskGroups": [{"taskSpec": {
            "volumes": [
                {"gcs": {"remotePath": "here"}, "mountPath": "/mnt/disks/.cwd"},
                {"gcs": {"remotePath": "data-1/in"}, "mountPath": "/mnt/data"},
                {"gcs": {"remotePath": "ref"}, "mountPath": "/mnt/disks/REF"},
            ],
            "environment": {"variables": {"REF": "/mnt/disks/REF"}},
        }}]});
        assert_eq!(document.value(), &expected);
        assert_eq!(mounts.cwd.as_deref(), Some("/mnt/disks/.cwd"));
    }

    #[test]
    fn what_is_no_volume_is_refused() {
        for (option, text, said) in [
            (
                "mount",
                "gs://bucket",
                "a volume is gs://BUCKET/FOLDER:/PATH or NAME=gs://BUCKET/FOLDER",
            ),
            ("mount", "/data:/mnt/data", "volumes of Batch are buckets"),
            ("volumes", "REF=/data", "volumes of Batch are buckets"),
            ("mount", "gs://bucket:mnt", "no path from the top"),
            ("mount", "gs://bucket:/", "no path from the top"),
            ("mount", "gs://bucket:/a/../b", "no path from the top"),
            ("mount", "gs://B:/mnt", "\"B\" is no bucket"),
            (
                "mount-as-cwd",
                "bucket",
                "`mount-as-cwd` has \"bucket\", but volumes of Batch are buckets",
            ),
        ] {
            let error = given(&[(option, text)]).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let twice = given(&[("mount", "gs://one:/mnt/a"), ("mount", "gs://two:/mnt/a/")]).unwrap_err();
        assert_eq!(twice, "`mount` has two volumes for /mnt/a");
        let both = given(&[("mount", "gs://one:/mnt/a"), ("volumes", "gs://two:/mnt/b")]).unwrap_err();
        assert_eq!(both, "`volumes` and `mount` are the same: use one of them");
    }

    #[test]
    fn a_folder_holds_itself_and_what_is_in_it() {
        assert!(is_below("/mnt/a", "/mnt/a/"));
        assert!(is_below("/mnt/a/b", "/mnt/a"));
        assert!(!is_below("/mnt/ab", "/mnt/a"));
    }
}
