//! What is mounted where for jobs: what users write, checked, and both faces of any place that follow from it. How one mount
//! is written, and what can be wrong with it, is in `written`.

mod written;

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

use super::{faces::SpecPath, location::Location};

pub use written::BadMount;
use written::{Place, Wanted, lexical, mount_point, read_source, read_target};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    source: Location,
    target: Utf8PathBuf,
    read_only: bool,
}

/// Mounts of jobs, no two of which contradict each other, and none of which comes before the one that it lies inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    mounts: Vec<Mount>,
    /// Names that users gave to mounts, and where jobs find what they stand for.
    variables: Vec<(String, Utf8PathBuf)>,
}

/// A mount that is to be judged.
struct Candidate {
    mount: Mount,
    /// Whether it can be left out where another one shows the same.
    may_go: bool,
}

impl Mount {
    /// A mount whose two ends are known.
    ///
    /// # Errors
    /// When the source is no place, or the target no absolute path below `/`.
    pub fn new(source: &str, target: &str, read_only: bool) -> Result<Self, BadMount> {
        let text = format!("{source}:{target}");
        Ok(Self {
            source: read_source(&text, source)?,
            target: read_target(&text, target)?,
            read_only,
        })
    }

    /// What the host sees.
    pub const fn source(&self) -> &Location {
        &self.source
    }

    /// Where jobs see it: an absolute path without `.` and `..`, and with no slash at its end.
    pub fn target(&self) -> &Utf8Path {
        &self.target
    }

    /// Whether jobs cannot write there.
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether one sees at the place of `inner` the same as what is mounted there.
    fn shows(&self, inner: &Self) -> bool {
        let below = below(inner.target.as_str(), self.target.as_str());
        self.read_only == inner.read_only && below.is_some() && inner.source.relative_to(&self.source) == below
    }
}

/// What is left of a path below another one, both without slashes that mean nothing; empty for that place itself.
fn below<'a>(path: &'a str, top: &str) -> Option<&'a str> {
    match path.strip_prefix(top)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// What each text names on the host or in a store, in the same order.
///
/// # Errors
/// When one of them is no mount.
pub fn sources<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Location>, BadMount> {
    texts
        .into_iter()
        .map(|text| Wanted::read(text).map(|wanted| wanted.source))
        .collect()
}

impl Mounts {
    /// Reads what users wrote: `SOURCE:PATH`, `SOURCE:PATH:ro` or `NAME=SOURCE`, which is mounted below `root`. Of a named file
    /// the folder is mounted, for what lies beside it, such as an index. A mount that shows only what another one shows anyway
    /// is left out; those of `own`, which nobody wrote, never are.
    ///
    /// # Errors
    /// When one of them is no mount, or two of them contradict each other.
    pub fn read<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        own: impl IntoIterator<Item = Mount>,
        root: &str,
        is_file: impl Fn(&Location) -> bool,
    ) -> Result<Self, BadMount> {
        let root = mount_point(root).ok_or_else(|| BadMount::Root(root.to_owned()))?;
        let mut mounts = Self::default();
        let mut candidates = Vec::new();
        for text in texts {
            let wanted = Wanted::read(text)?;
            let (source, target) = match wanted.place {
                Place::At(target) => (wanted.source, target),
                Place::Named(name) => {
                    let is_file = is_file(&wanted.source);
                    mounts.name(name, wanted.source, is_file, &root)?
                }
            };
            let read_only = wanted.read_only;
            let mount = Mount {
                source,
                target,
                read_only,
            };
            candidates.push(Candidate { mount, may_go: true });
        }
        candidates.extend(own.into_iter().map(|mount| Candidate { mount, may_go: false }));
        mounts.mounts = settle(candidates)?;
        Ok(mounts)
    }

    /// These mounts.
    ///
    /// # Errors
    /// When two of them contradict each other.
    pub fn of(mounts: impl IntoIterator<Item = Mount>) -> Result<Self, BadMount> {
        let candidates = mounts.into_iter().map(|mount| Candidate { mount, may_go: false });
        Ok(Self {
            mounts: settle(candidates.collect())?,
            variables: Vec::new(),
        })
    }

    /// Finds a place for a mount that has only a name, and tells what is mounted there.
    fn name(
        &mut self,
        name: String,
        source: Location,
        is_file: bool,
        root: &Utf8Path,
    ) -> Result<(Location, Utf8PathBuf), BadMount> {
        let top = root.join("NAMED_MOUNTS").join(&name);
        let (source, target, place) = match (source.parent(), source.file_name()) {
            (Some(folder), Some(file)) if is_file => {
                let target = folder.file_name().map_or_else(|| top.clone(), |last| top.join(last));
                let place = target.join(file);
                (folder, target, place)
            }
            _ => (source, top.clone(), top),
        };
        match self.variables.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if *other != place => return Err(BadMount::Name(name)),
            Some(_) => {}
            None => self.variables.push((name, place)),
        }
        Ok((source, target))
    }

    /// The mounts; none comes before the one that it lies inside.
    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter()
    }

    /// Names that users gave to mounts, and where jobs find what they stand for.
    pub fn variables(&self) -> &[(String, Utf8PathBuf)] {
        &self.variables
    }

    /// Both faces of a place of the host; none where jobs do not see it.
    pub fn seen(&self, spec: &Location) -> Option<SpecPath> {
        let mut holding: Vec<(&Mount, &str)> = self
            .mounts
            .iter()
            .filter_map(|mount| Some((mount, spec.relative_to(&mount.source)?)))
            .collect();
        // The one that shows the least of the rest is the closest.
        holding.sort_by_key(|(_, below)| below.len());
        holding.into_iter().find_map(|(mount, below)| {
            let faces = faces(mount, below)?;
            // Another mount may lie on top of it.
            (self.mount_over(faces.seen_by_job().local()?.as_str())? == mount).then_some(faces)
        })
    }

    /// Both faces of a path of jobs; none where nothing is mounted.
    pub fn meant(&self, mounted: &Utf8Path) -> Option<SpecPath> {
        let mounted = lexical(mounted);
        let mount = self.mount_over(mounted.as_str())?;
        faces(mount, below(mounted.as_str(), mount.target.as_str())?)
    }

    /// The innermost mount that a path of jobs is in.
    fn mount_over(&self, mounted: &str) -> Option<&Mount> {
        let over = self
            .mounts
            .iter()
            .filter(|mount| below(mounted, mount.target.as_str()).is_some());
        over.max_by_key(|mount| mount.target.as_str().len())
    }
}

/// Refuses what contradicts another one, leaves out what shows nothing new, and puts what is inside behind what is around it.
fn settle(candidates: Vec<Candidate>) -> Result<Vec<Mount>, BadMount> {
    let mut sorted: Vec<(usize, Candidate)> = candidates.into_iter().enumerate().collect();
    // What lies inside a place follows it directly, because paths are compared name by name. Of two that are the same, the one
    // that stays comes first.
    sorted.sort_by(|(_, one), (_, other)| {
        let target = one.mount.target.cmp(&other.mount.target);
        target.then(one.may_go.cmp(&other.may_go))
    });
    let mut around: Vec<Mount> = Vec::new();
    let mut kept = Vec::new();
    for (at, Candidate { mount, may_go }) in sorted {
        while let Some(outer) = around.last()
            && below(mount.target.as_str(), outer.target.as_str()).is_none()
        {
            around.pop();
        }
        match around.last() {
            Some(there) if there.target == mount.target && *there == mount => continue,
            Some(there) if there.target == mount.target => return Err(contradiction(there, mount)),
            // Only the next one outside counts: one between them would hide it.
            Some(outer) if may_go && outer.shows(&mount) => {}
            _ => kept.push((mount.target.components().count(), at, mount.clone())),
        }
        around.push(mount);
    }
    kept.sort_by_key(|(depth, at, _)| (*depth, *at));
    Ok(kept.into_iter().map(|(_, _, mount)| mount).collect())
}

fn contradiction(there: &Mount, mount: Mount) -> BadMount {
    let (one, other, target) = (there.source.to_string(), mount.source.to_string(), mount.target);
    if one == other {
        return BadMount::Mode { what: one, target };
    }
    BadMount::Twice { one, other, target }
}

fn faces(mount: &Mount, below: &str) -> Option<SpecPath> {
    let root = SpecPath::mounted_at(mount.source.clone(), mount.target.clone());
    match below {
        "" => Some(root),
        below => root.join(below).ok(),
    }
}

/// As users write it.
impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.read_only { ":ro" } else { "" };
        write!(f, "{}:{}{end}", self.source, self.target)
    }
}

#[cfg(test)]
mod tests;
