//! Volumes: buckets that the machines mount. The host reads what users write; here is what Batch makes of it.

use serde_json::{Value, json};
use xqute_plugin::{
    Error, Lookup,
    mounts::{self, Mount},
};

use crate::document::Document;
use crate::options::bad;

/// Where named volumes and the folder for `volume-as-cwd` are mounted.
const ROOT: &str = "/mnt/disks";

/// Where machines have a workdir that is in a bucket, if users do not say it.
pub(crate) const WORKDIR: &str = "/mnt/disks/xqute-workdir";

/// What the options say of volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mounts {
    volumes: Vec<Mount>,
    /// Variables that are set in the job: names of volumes, and where they are.
    names: Vec<(String, String)>,
    /// Where jobs start.
    pub(crate) cwd: Option<String>,
}

impl Mounts {
    /// Reads `volumes` (or `mount`) and `volume-as-cwd` (or `mount-as-cwd`).
    ///
    /// # Errors
    /// `InvalidOptions`, when one is no volume, or two are in the same place.
    pub(crate) fn read(options: &[(String, String)]) -> Result<Self, Error> {
        let volumes = either(options, "volumes", "mount")?;
        let cwd = either(options, "volume-as-cwd", "mount-as-cwd")?;
        let texts: Vec<String> = options.values(volumes).map(str::to_owned).collect();
        for (text, source) in texts.iter().zip(mounts::sources(&texts)?) {
            check_bucket(volumes, text, &source)?;
        }
        let place = format!("{ROOT}/.cwd");
        let folder = options.value(cwd).map(|url| Mount {
            source: url.to_owned(),
            target: place.clone(),
            read_only: false,
        });
        if let Some(Mount { source, .. }) = &folder {
            check_bucket(cwd, source, source)?;
        }
        let cwd = folder.is_some().then_some(place);
        let more: Vec<Mount> = folder.into_iter().collect();
        let mounted = mounts::read(&texts, &more, ROOT, &[])?;
        if let Some(mount) = mounted.mounts.iter().find(|mount| mount.read_only) {
            return Err(bad(format!(
                "`{volumes}` has {} with `:ro`, but volumes of Batch can always be written: leave that away",
                mount.source
            )));
        }
        Ok(Self {
            volumes: mounted.mounts,
            names: mounted.variables,
            cwd,
        })
    }

    /// Puts volumes and variables into a job of Batch.
    pub(crate) fn add_to(&self, document: &mut Document) -> Result<(), Error> {
        for Mount { source, target, .. } in &self.volumes {
            document.push(
                "/taskGroups/0/taskSpec/volumes",
                json!({"gcs": {"remotePath": source.strip_prefix(SCHEME)}, "mountPath": target}),
            )?;
        }
        for (name, path) in &self.names {
            let place = format!("/taskGroups/0/taskSpec/environment/variables/{name}");
            document.put(&place, Value::from(path.as_str()), Some("volumes"))?;
        }
        Ok(())
    }
}

/// Mounts the workdir, which is in a store, unless it is in one of the volumes.
///
/// # Errors
/// `InvalidOptions`, when Batch cannot mount it.
pub(crate) fn add_workdir(document: &mut Document, store: &str, mounted: &str) -> Result<(), Error> {
    if document.mount_paths().iter().any(|folder| is_below(mounted, folder)) {
        return Ok(());
    }
    let Some(bucket) = store.strip_prefix(SCHEME) else {
        return Err(bad(format!(
            "the machines of Batch cannot mount the workdir {store}: they mount buckets of Google Cloud Storage, gs://"
        )));
    };
    document.push(
        "/taskGroups/0/taskSpec/volumes",
        json!({"gcs": {"remotePath": bucket}, "mountPath": mounted}),
    )
}

/// What buckets start with. Batch wants them without it.
const SCHEME: &str = "gs://";

/// The one of two names under which an option was given.
fn either<'a>(options: &[(String, String)], name: &'a str, alias: &'a str) -> Result<&'a str, Error> {
    match (options.value(name), options.value(alias)) {
        (Some(_), Some(_)) => Err(bad(format!("`{name}` and `{alias}` are the same: use one of them"))),
        (None, Some(_)) => Ok(alias),
        _ => Ok(name),
    }
}

/// Whether it is a bucket that is to be mounted, or a folder in one.
fn check_bucket(option: &str, text: &str, source: &str) -> Result<(), Error> {
    let Some(path) = source.strip_prefix(SCHEME) else {
        return Err(bad(format!(
            "`{option}` has {text:?}, but volumes of Batch are buckets, gs://BUCKET/FOLDER"
        )));
    };
    let name = path.split('/').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if (3..=222).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(bad(format!(
        "`{option}` has {text:?}, but {name:?} is no bucket: 3 or more small letters, digits, `-`, `_` and `.`"
    )))
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
    use xqute_plugin::{
        mounts::Mounted,
        testing::{Host, mount},
    };

    /// A host that knows a mount.
    fn host(text: &str, source: &str, target: &str, variable: Option<&str>) -> Host {
        let host = Host::new();
        know(&host, text, &mount(source, target), variable);
        host
    }

    fn know(host: &Host, text: &str, mount: &Mount, variable: Option<&str>) {
        let variables = variable.map(|name| (name.to_owned(), mount.target.clone()));
        let mounted = Mounted {
            variables: variables.into_iter().collect(),
            mounts: vec![mount.clone()],
        };
        host.on_mount(text, &mount.source, mounted);
    }

    fn given(options: &[(&str, &str)]) -> Result<Mounts, String> {
        let options: Vec<_> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Mounts::read(&options).map_err(|error| error.message().into_owned())
    }

    #[test]
    fn a_workdir_in_a_bucket_is_mounted_unless_it_is_already() {
        let mut document = Document::read(None).unwrap();
        add_workdir(&mut document, "gs://bucket/my run", WORKDIR).unwrap();
        let volumes = json!([{"gcs": {"remotePath": "bucket/my run"}, "mountPath": WORKDIR}]);
        assert_eq!(
            document.value().pointer("/taskGroups/0/taskSpec/volumes"),
            Some(&volumes)
        );
        add_workdir(&mut document, "gs://bucket/my run", WORKDIR).unwrap();
        assert_eq!(document.mount_paths().len(), 1);
        let refused = add_workdir(&mut Document::read(None).unwrap(), "s3://bucket/run", WORKDIR).unwrap_err();
        assert!(
            refused.message().contains("cannot mount the workdir s3://bucket/run"),
            "{refused:?}"
        );
    }

    #[test]
    fn volumes_are_mounted_and_named_ones_are_told_to_the_job() {
        let host = host("gs://data-1/in:/mnt/data/", "gs://data-1/in", "/mnt/data", None);
        let place = "/mnt/disks/NAMED_MOUNTS/REF";
        know(&host, "REF=gs://ref", &mount("gs://ref", place), Some("REF"));
        let mounts = given(&[
            ("mount", "gs://data-1/in:/mnt/data/"),
            ("mount", "REF=gs://ref"),
            ("volume-as-cwd", "gs://here"),
        ]);
        let mut document = Document::read(None).unwrap();
        let mounts = mounts.unwrap();
        mounts.add_to(&mut document).unwrap();
        let expected = json!({"taskGroups": [{"taskSpec": {
            "volumes": [
                {"gcs": {"remotePath": "data-1/in"}, "mountPath": "/mnt/data"},
                {"gcs": {"remotePath": "ref"}, "mountPath": place},
                {"gcs": {"remotePath": "here"}, "mountPath": "/mnt/disks/.cwd"},
            ],
            "environment": {"variables": {"REF": place}},
        }}]});
        assert_eq!(document.value(), &expected);
        assert_eq!(mounts.cwd.as_deref(), Some("/mnt/disks/.cwd"));
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for (option, text, source, said) in [
            ("mount", "/data:/mnt/data", "/data", "volumes of Batch are buckets"),
            ("volumes", "REF=/data", "/data", "volumes of Batch are buckets"),
            ("mount", "s3://b/x:/mnt/x", "s3://b/x", "volumes of Batch are buckets"),
            ("mount", "gs://B:/mnt", "gs://B", "\"B\" is no bucket"),
            (
                "mount-as-cwd",
                "bucket",
                "",
                "`mount-as-cwd` has \"bucket\", but volumes of Batch are buckets",
            ),
        ] {
            let _host = host(text, source, "/mnt/x", None);
            let error = given(&[(option, text)]).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_batch_cannot_do_is_refused() {
        let host = Host::new();
        let read_only = Mount {
            read_only: true,
            ..mount("gs://one", "/mnt/a")
        };
        know(&host, "gs://one:/mnt/a:ro", &read_only, None);
        let error = given(&[("mount", "gs://one:/mnt/a:ro")]).unwrap_err();
        assert!(error.contains("volumes of Batch can always be written"), "{error}");
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
