//! Places with two faces: as the host sees them (*spec*) and as the job sees them (*mounted*).
//!
//! Both faces travel together, so that code which joins a file name to a directory cannot forget one of them. Paths are
//! UTF-8, because plugins get them as text.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

/// A path as the host sees it, that also knows how the job sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecPath {
    spec: Utf8PathBuf,
    /// `None`: the job sees the same path. Most runs are like that, and a run may hold a million paths.
    mounted: Option<Utf8PathBuf>,
}

impl SpecPath {
    /// A place that host and job see under the same path.
    pub fn same(path: impl Into<Utf8PathBuf>) -> Self {
        Self {
            spec: path.into(),
            mounted: None,
        }
    }

    /// A place that the job sees under another path than the host.
    pub fn mounted_at(spec: impl Into<Utf8PathBuf>, mounted: impl Into<Utf8PathBuf>) -> Self {
        let (spec, mounted) = (spec.into(), mounted.into());
        let mounted = (mounted != spec).then_some(mounted);
        Self { spec, mounted }
    }

    /// The path as the host sees it.
    pub fn spec(&self) -> &Utf8Path {
        &self.spec
    }

    /// The path as the job sees it.
    pub fn mounted(&self) -> &Utf8Path {
        self.mounted.as_deref().unwrap_or(&self.spec)
    }

    /// A place below this one, on both sides.
    pub fn join(&self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self {
            spec: self.spec.join(name),
            mounted: self.mounted.as_ref().map(|mounted| mounted.join(name)),
        }
    }
}

/// Shows the host's face.
impl fmt::Display for SpecPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_joined() {
        let place = SpecPath::mounted_at("/data/run", "/mnt/run").join("7").join("job.rc");
        assert_eq!(place.spec(), "/data/run/7/job.rc");
        assert_eq!(place.mounted(), "/mnt/run/7/job.rc");
    }

    #[test]
    fn one_face_serves_for_both() {
        let place = SpecPath::same("/data/run").join("7");
        assert_eq!(place.spec(), place.mounted());
        assert_eq!(SpecPath::mounted_at("/a", "/a"), SpecPath::same("/a"));
    }
}
