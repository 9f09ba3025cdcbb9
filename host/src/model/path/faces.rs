//! One place with two faces: as the host sees it (*spec*) and as a job sees it (*mounted*).
//!
//! Both faces travel together, so that code which joins a name to a directory cannot forget one of them. Above the place where
//! something is mounted a job sees nothing of the host, so nobody can go up there: a mounted path without a spec cannot be made.

use std::fmt;

use serde::{Deserialize, Serialize, de};

use super::location::{BadLocation, Location};

/// A place as the host sees it, that also knows how the job sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecPath {
    spec: Location,
    /// `None`: the job sees the same. Most runs are like that, and a run may hold a million paths.
    mounted: Option<Mounted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mounted {
    location: Location,
    /// How many names at the end of both faces are below what is mounted.
    below: u32,
}

/// The same the other way round: a place as a job sees it, that also knows how the host sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MountedPath(SpecPath);

impl SpecPath {
    /// A place that host and job see as the same.
    pub fn same(spec: impl Into<Location>) -> Self {
        Self {
            spec: spec.into(),
            mounted: None,
        }
    }

    /// A place that the job sees elsewhere: there it is mounted.
    pub fn mounted_at(spec: impl Into<Location>, mounted: impl Into<Location>) -> Self {
        let (spec, location) = (spec.into(), mounted.into());
        let mounted = (location != spec).then_some(Mounted { location, below: 0 });
        Self { spec, mounted }
    }

    /// As the host sees it.
    pub const fn spec(&self) -> &Location {
        &self.spec
    }

    /// As the job sees it.
    pub fn seen_by_job(&self) -> &Location {
        self.mounted.as_ref().map_or(&self.spec, |mounted| &mounted.location)
    }

    /// The other face first.
    pub fn mounted(&self) -> MountedPath {
        MountedPath(self.clone())
    }

    /// Whether the job sees it elsewhere than the host.
    pub const fn is_mounted(&self) -> bool {
        self.mounted.is_some()
    }

    /// A place below this one, on both sides.
    ///
    /// # Errors
    /// When that would not be below, or is no name at all.
    pub fn join(&self, below: &str) -> Result<Self, BadLocation> {
        self.spec.join(below)?;
        self.seen_by_job().join(below)?;
        Ok(self.below(below))
    }

    /// The same for names that xqute gives itself.
    pub(crate) fn below(&self, names: &str) -> Self {
        let count = u32::try_from(names.split('/').count()).unwrap_or(u32::MAX);
        let mounted = self.mounted.as_ref().map(|mounted| Mounted {
            location: mounted.location.below(names),
            below: mounted.below.saturating_add(count),
        });
        Self {
            spec: self.spec.below(names),
            mounted,
        }
    }

    /// What it lies in, on both sides; none at the top, and none above what is mounted.
    pub fn parent(&self) -> Option<Self> {
        let up = |mounted: &Mounted| {
            Some(Mounted {
                below: mounted.below.checked_sub(1)?,
                location: mounted.location.parent()?,
            })
        };
        let mounted = match &self.mounted {
            Some(mounted) => Some(up(mounted)?),
            None => None,
        };
        Some(Self {
            spec: self.spec.parent()?,
            mounted,
        })
    }

    /// The last name of the host's face; none at the top.
    pub fn file_name(&self) -> Option<&str> {
        self.spec.file_name()
    }

    /// What lies beside it under this name; none where it has no parent.
    ///
    /// # Errors
    /// When it is no name.
    pub fn with_name(&self, name: &str) -> Result<Option<Self>, BadLocation> {
        self.parent().map(|parent| parent.join(name)).transpose()
    }

    /// What is left of it below another place that both faces agree on; empty for that place itself.
    pub fn relative_to(&self, other: &Self) -> Option<&str> {
        let here = self.spec.relative_to(&other.spec)?;
        let there = self.seen_by_job().relative_to(other.seen_by_job())?;
        (here == there).then_some(here)
    }
}

/// Shows the host's face.
impl fmt::Display for SpecPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl MountedPath {
    /// The host's face first.
    pub const fn spec(&self) -> &SpecPath {
        &self.0
    }

    /// As the job sees it.
    pub fn location(&self) -> &Location {
        self.0.seen_by_job()
    }

    /// A place below this one, on both sides.
    ///
    /// # Errors
    /// As for [`SpecPath::join`].
    pub fn join(&self, below: &str) -> Result<Self, BadLocation> {
        self.0.join(below).map(Self)
    }

    /// What it lies in, on both sides; none at the top, and none above what is mounted.
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(Self)
    }

    /// The last name of the job's face; none at the top.
    pub fn file_name(&self) -> Option<&str> {
        self.location().file_name()
    }

    /// What lies beside it under this name; none where it has no parent.
    ///
    /// # Errors
    /// When it is no name.
    pub fn with_name(&self, name: &str) -> Result<Option<Self>, BadLocation> {
        Ok(self.0.with_name(name)?.map(Self))
    }

    /// What is left of it below another place that both faces agree on; empty for that place itself.
    pub fn relative_to(&self, other: &Self) -> Option<&str> {
        self.0.relative_to(&other.0)
    }
}

/// Shows the job's face.
impl fmt::Display for MountedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location().fmt(f)
    }
}

/// As text where both faces are the same.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Same(Location),
    Mounted {
        spec: Location,
        mounted: Location,
        below: u32,
    },
}

impl Serialize for SpecPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let spec = self.spec.clone();
        let written = match self.mounted.clone() {
            None => Written::Same(spec),
            Some(Mounted { location, below }) => Written::Mounted {
                spec,
                mounted: location,
                below,
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SpecPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Same(spec) => Ok(Self::same(spec)),
            Written::Mounted { spec, mounted, below } => common_tail(&spec, &mounted, below).ok_or_else(|| {
                de::Error::custom(format!("{spec} and {mounted} do not share their last {below} names"))
            }),
        }
    }
}

/// The two faces, if as many names at their ends are the same.
fn common_tail(spec: &Location, mounted: &Location, below: u32) -> Option<SpecPath> {
    if below == 0 {
        return Some(SpecPath::mounted_at(spec.clone(), mounted.clone()));
    }
    let name = spec.file_name().filter(|name| mounted.file_name() == Some(*name))?;
    common_tail(&spec.parent()?, &mounted.parent()?, below - 1)?
        .join(name)
        .ok()
}

impl Serialize for MountedPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MountedPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SpecPath::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Location {
        text.parse().unwrap()
    }

    fn run() -> SpecPath {
        SpecPath::mounted_at(at("gs://bucket/run"), at("/mnt/x"))
    }

    #[test]
    fn both_faces_go_down_and_up() {
        let rc = run().join("7/job.rc").unwrap();
        assert_eq!(
            (rc.to_string(), rc.mounted().to_string()),
            ("gs://bucket/run/7/job.rc".into(), "/mnt/x/7/job.rc".into())
        );
        assert_eq!(rc.parent().unwrap(), run().join("7").unwrap());
        assert_eq!(
            rc.with_name("job.status").unwrap(),
            Some(run().join("7").unwrap().join("job.status").unwrap())
        );
        assert_eq!(rc.relative_to(&run()), Some("7/job.rc"));
        assert_eq!(rc.mounted().spec(), &rc);
    }

    #[test]
    fn nobody_goes_above_what_is_mounted() {
        assert_eq!(run().parent(), None);
        assert_eq!(run().with_name("other").unwrap(), None);
        let free = SpecPath::same(at("/data/run"));
        assert_eq!(free.parent(), Some(SpecPath::same(at("/data"))));
        assert_eq!(free.mounted().to_string(), "/data/run");
        assert_eq!(SpecPath::mounted_at(at("/a"), at("/a")), SpecPath::same(at("/a")));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for path in [
            run(),
            run().join("7").unwrap().join("x y").unwrap(),
            SpecPath::same(at("s3://b/100%")),
        ] {
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<SpecPath>(&json).unwrap(), path, "{json}");
            let json = serde_json::to_string(&path.mounted()).unwrap();
            assert_eq!(
                serde_json::from_str::<MountedPath>(&json).unwrap(),
                path.mounted(),
                "{json}"
            );
        }
        assert_eq!(serde_json::to_string(&SpecPath::same(at("/a"))).unwrap(), "\"/a\"");
        let lie = r#"{"spec": "/data/7", "mounted": "/mnt/8", "below": 1}"#;
        assert!(serde_json::from_str::<SpecPath>(lie).is_err());
    }
}
