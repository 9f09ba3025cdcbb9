//! What is mounted where for jobs: what users write, checked, and both faces of any place that follow from it.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    faces::SpecPath,
    location::{BadLocation, Location},
};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What the host sees.
    pub source: Location,
    /// Where jobs see it: an absolute path without `.` and `..`, and with no slash at its end.
    pub target: Utf8PathBuf,
    /// Whether jobs cannot write there.
    pub read_only: bool,
}

/// Mounts of jobs, no two of which contradict each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    mounts: Vec<Mount>,
    /// Names that users gave to mounts, and where jobs find what they stand for.
    variables: Vec<(String, Location)>,
}

/// What a mount's source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, or one object.
    File,
    /// A folder, or objects whose names begin alike.
    Folder,
}

/// Why something cannot be mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMount {
    /// It has none of the forms.
    #[error(
        "`{0}` is no mount: write SOURCE:PATH, SOURCE:PATH:ro, or NAME=SOURCE, which sets the variable NAME to its place"
    )]
    Form(String),
    /// Its source is nowhere.
    #[error("cannot mount `{text}`: {why}")]
    Source {
        /// What was written.
        text: String,
        /// What is wrong.
        why: BadLocation,
    },
    /// Its source is a path that depends on where one is.
    #[error("cannot mount `{0}`: its source is not an absolute path")]
    Relative(String),
    /// Its target is no place to mount something at.
    #[error("cannot mount `{0}`: its target is not an absolute path below `/`, without `.` and `..`")]
    Target(String),
    /// Two are at one place.
    #[error("`{one}` and `{other}` cannot both be mounted at `{target}`; give one of them another place")]
    Twice {
        /// What is there.
        one: Location,
        /// What was to be there.
        other: Location,
        /// Where.
        target: Utf8PathBuf,
    },
    /// One is mounted at one place, to be written and not.
    #[error("`{what}` is mounted at `{target}` twice, once to be written and once not; give it once")]
    Mode {
        /// What.
        what: Location,
        /// Where.
        target: Utf8PathBuf,
    },
    /// One name stands for two things.
    #[error("the variable `{0}` is given to two mounts; give one of them another name")]
    Name(String),
}

/// One mount as a user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    source: Location,
    place: Place,
    read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    At(Utf8PathBuf),
    /// Wherever it suits; this variable tells the job where.
    Named(String),
}

impl Wanted {
    fn read(text: &str) -> Result<Self, BadMount> {
        if let Some((name, source)) = text.split_once('=').filter(|(name, _)| is_variable(name)) {
            return Ok(Self {
                source: read_source(text, source)?,
                place: Place::Named(name.to_owned()),
                read_only: false,
            });
        }
        let (rest, read_only) = match text.rsplit_once(':') {
            Some((rest, "ro")) => (rest, true),
            Some((rest, "rw")) => (rest, false),
            _ => (text, false),
        };
        let parts = rest
            .rsplit_once(':')
            .filter(|(source, target)| !source.is_empty() && !target.starts_with("//"));
        let (source, target) = parts.ok_or_else(|| BadMount::Form(text.to_owned()))?;
        Ok(Self {
            source: read_source(text, source)?,
            place: Place::At(read_target(target).ok_or_else(|| BadMount::Target(text.to_owned()))?),
            read_only,
        })
    }
}

fn read_source(text: &str, source: &str) -> Result<Location, BadMount> {
    let tidy = match source.trim_end_matches('/') {
        "" => source,
        tidy => tidy,
    };
    match tidy.parse() {
        Ok(Location::Local(path)) if !path.is_absolute() => Err(BadMount::Relative(text.to_owned())),
        Ok(Location::Local(path)) => Ok(Location::Local(lexical(&path))),
        Ok(stored) => Ok(stored),
        Err(why) => Err(BadMount::Source {
            text: text.to_owned(),
            why,
        }),
    }
}

/// Without slashes that mean nothing.
fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    path.components().collect()
}

fn read_target(target: &str) -> Option<Utf8PathBuf> {
    let path = Utf8Path::new(target);
    let plain = !target.split('/').any(|name| matches!(name, "." | ".."));
    (path.is_absolute() && plain && path.file_name().is_some() && !target.contains('\0')).then(|| lexical(path))
}

/// Whether bash takes it as the name of a variable.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Mounts {
    /// Reads what users wrote: `SOURCE:PATH`, `SOURCE:PATH:ro` or `NAME=SOURCE`, which is mounted below `root`. Of a named file
    /// the folder is mounted, for what lies beside it, such as an index.
    ///
    /// # Errors
    /// When one of them is no mount, or two of them contradict each other.
    pub fn read<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        root: &Utf8Path,
        kind: impl Fn(&Location) -> Kind,
    ) -> Result<Self, BadMount> {
        let mut mounts = Self::default();
        for text in texts {
            let Wanted {
                source,
                place,
                read_only,
            } = Wanted::read(text)?;
            match place {
                Place::At(target) => mounts.add(Mount {
                    source,
                    target,
                    read_only,
                })?,
                Place::Named(name) => {
                    let kind = kind(&source);
                    mounts.add_named(name, source, kind, root)?;
                }
            }
        }
        mounts.drop_superfluous();
        Ok(mounts)
    }

    fn add_named(&mut self, name: String, source: Location, kind: Kind, root: &Utf8Path) -> Result<(), BadMount> {
        let top = root.join("NAMED_MOUNTS").join(&name);
        let parts = (source.parent(), source.file_name());
        let (mount, place) = match (kind, parts) {
            (Kind::File, (Some(folder), Some(file))) => {
                let target = folder.file_name().map_or_else(|| top.clone(), |last| top.join(last));
                let place = target.join(file);
                (Self::plain(folder, target), place)
            }
            _ => (Self::plain(source, top.clone()), top),
        };
        let place = Location::Local(place);
        match self.variables.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if *other != place => return Err(BadMount::Name(name)),
            Some(_) => {}
            None => self.variables.push((name, place)),
        }
        self.add(mount)
    }

    const fn plain(source: Location, target: Utf8PathBuf) -> Mount {
        Mount {
            source,
            target,
            read_only: false,
        }
    }

    /// Adds a mount, unless it is there already.
    ///
    /// # Errors
    /// When something else is mounted at its place.
    pub fn add(&mut self, mount: Mount) -> Result<(), BadMount> {
        let Some(there) = self.mounts.iter().find(|there| there.target == mount.target) else {
            self.mounts.push(mount);
            return Ok(());
        };
        if *there == mount {
            return Ok(());
        }
        let (target, other) = (mount.target, mount.source);
        if there.source == other {
            return Err(BadMount::Mode { what: other, target });
        }
        Err(BadMount::Twice {
            one: there.source.clone(),
            other,
            target,
        })
    }

    /// A mount inside another one that shows what is there anyway is none.
    fn drop_superfluous(&mut self) {
        let all = std::mem::take(&mut self.mounts);
        let shows = |outer: &Mount, inner: &Mount| {
            let below = inner.target.strip_prefix(&outer.target).ok().map(Utf8Path::as_str);
            outer != inner
                && outer.read_only == inner.read_only
                && below.is_some()
                && inner.source.relative_to(&outer.source) == below
        };
        let needed = |inner: &&Mount| {
            // What shows through the next one outside: any between them would hide it.
            let around = all
                .iter()
                .filter(|outer| *outer != *inner && inner.target.starts_with(&outer.target));
            let next = around.max_by_key(|outer| outer.target.as_str().len());
            !next.is_some_and(|outer| shows(outer, inner))
        };
        self.mounts = all.iter().filter(needed).cloned().collect();
    }

    /// The mounts, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter()
    }

    /// Names that users gave to mounts, and where jobs find what they stand for.
    pub fn variables(&self) -> &[(String, Location)] {
        &self.variables
    }

    /// Both faces of a place of the host; none where jobs do not see it.
    pub fn seen(&self, spec: &Location) -> Option<SpecPath> {
        let mut holding: Vec<&Mount> = self
            .mounts
            .iter()
            .filter(|mount| spec.relative_to(&mount.source).is_some())
            .collect();
        holding.sort_by_key(|mount| std::cmp::Reverse(mount.source.to_string().len()));
        holding.into_iter().find_map(|mount| {
            let faces = faces(mount, spec.relative_to(&mount.source)?)?;
            // Another mount may lie on top of it.
            (self.mount_over(faces.seen_by_job().local()?)? == mount).then_some(faces)
        })
    }

    /// Both faces of a path of jobs; none where nothing is mounted.
    pub fn meant(&self, mounted: &Utf8Path) -> Option<SpecPath> {
        let mount = self.mount_over(mounted)?;
        faces(mount, mounted.strip_prefix(&mount.target).ok()?.as_str())
    }

    /// The innermost mount that a path of jobs is in.
    fn mount_over(&self, mounted: &Utf8Path) -> Option<&Mount> {
        let over = self.mounts.iter().filter(|mount| mounted.starts_with(&mount.target));
        over.max_by_key(|mount| mount.target.as_str().len())
    }
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
mod tests {
    use super::*;

    fn at(text: &str) -> Location {
        text.parse().unwrap()
    }

    fn read(texts: &[&str]) -> Result<Mounts, BadMount> {
        let kind = |source: &Location| match source.file_name() {
            Some(name) if name.contains('.') => Kind::File,
            _ => Kind::Folder,
        };
        Mounts::read(texts.iter().copied(), Utf8Path::new("/mnt/disks"), kind)
    }

    fn shown(texts: &[&str]) -> Vec<String> {
        read(texts).unwrap().iter().map(Mount::to_string).collect()
    }

    #[test]
    fn places_are_given() {
        assert_eq!(
            shown(&[
                "/data:/data",
                "/a:b/:/c/:ro",
                "/d:/e:rw",
                "/data/:/data",
                "gs://bucket/x:/mnt/y"
            ]),
            ["/data:/data", "/a:b:/c:ro", "/d:/e", "gs://bucket/x:/mnt/y"]
        );
    }

    #[test]
    fn names_become_variables() {
        let mounts = read(&[
            "REF=/ref/genome",
            "BAM=s3://in/x/reads.bam",
            "TOP=/top.txt",
            "ALL=gs://bucket",
        ])
        .unwrap();
        let expected = [
            "/ref/genome:/mnt/disks/NAMED_MOUNTS/REF",
            "s3://in/x:/mnt/disks/NAMED_MOUNTS/BAM/x",
            "/:/mnt/disks/NAMED_MOUNTS/TOP",
            "gs://bucket:/mnt/disks/NAMED_MOUNTS/ALL",
        ];
        assert_eq!(mounts.iter().map(Mount::to_string).collect::<Vec<_>>(), expected);
        let places: Vec<String> = mounts
            .variables()
            .iter()
            .map(|(name, place)| format!("{name}={place}"))
            .collect();
        let expected = [
            "REF=/mnt/disks/NAMED_MOUNTS/REF",
            "BAM=/mnt/disks/NAMED_MOUNTS/BAM/x/reads.bam",
            "TOP=/mnt/disks/NAMED_MOUNTS/TOP/top.txt",
            "ALL=/mnt/disks/NAMED_MOUNTS/ALL",
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_mount_that_shows_nothing_new_is_left_out() {
        assert_eq!(shown(&["/data:/m", "/data/sub:/m/sub"]), ["/data:/m"]);
        assert_eq!(shown(&["/data/sub:/m/sub", "/data:/m"]), ["/data:/m"], "in any order");
        assert_eq!(shown(&["/data:/m", "/other:/m/sub"]).len(), 2);
        assert_eq!(
            shown(&["/data:/m", "/data/sub:/m/sub:ro"]).len(),
            2,
            "there it cannot be written"
        );
        assert_eq!(
            shown(&["/data:/m", "/other:/m/a", "/data/a/b:/m/a/b"]).len(),
            3,
            "it shows through nothing"
        );
    }

    #[test]
    fn refusals_say_why() {
        for (texts, why) in [
            (&["/data"][..], "`/data` is no mount: write SOURCE:PATH"),
            (&["gs://bucket"], "is no mount"),
            (&["data:/data"], "its source is not an absolute path"),
            (&["REF=data"], "its source is not an absolute path"),
            (&["/data:data"], "its target is not an absolute path"),
            (&["/data:/"], "its target is not"),
            (&["/data:/a/../b"], "its target is not"),
            (&["ftp://host/a:/data"], "gs://, s3:// and az://"),
            (&["REF=gs://b//a"], "two slashes in a row"),
            (&["/a:/x", "/b:/x/"], "`/a` and `/b` cannot both be mounted at `/x`"),
            (&["A=/a", "A=/b"], "cannot both be mounted"),
            (&["A=/a/x.fa", "A=/b/y.fa"], "the variable `A` is given to two mounts"),
            (&["/a:/x", "/a:/x:ro"], "`/a` is mounted at `/x` twice"),
        ] {
            let said = read(texts).unwrap_err().to_string();
            assert!(said.contains(why), "{texts:?}: {said}");
        }
    }

    #[test]
    fn what_lies_under_another_mount_is_not_seen() {
        let mounts = read(&["/data:/m", "s3://other/k:/m/x"]).unwrap();
        assert_eq!(mounts.seen(&at("/data/x/f")), None);
        assert_eq!(mounts.seen(&at("/data/xy")).unwrap().mounted().to_string(), "/m/xy");
        assert_eq!(mounts.meant("/m/x/f".into()).unwrap().to_string(), "s3://other/k/f");
        assert_eq!(mounts.meant("/mm".into()), None);
        assert_eq!(mounts.seen(&at("/dat")), None);
    }

    mod properties {
        use proptest::{prelude::*, sample::select};

        use super::*;

        fn name() -> impl Strategy<Value = &'static str> {
            select(&["a", "b", "c d", "ü%"][..])
        }

        fn path() -> impl Strategy<Value = String> {
            prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
        }

        fn source() -> impl Strategy<Value = String> {
            (select(&["/", "/data/", "gs://b/", "s3://b/"][..]), path()).prop_map(|(top, path)| format!("{top}{path}"))
        }

        fn table() -> impl Strategy<Value = Mounts> {
            let mount = (source(), path()).prop_map(|(source, target)| format!("{source}:/{target}"));
            prop::collection::vec(mount, 0..5).prop_filter_map("two at one place", |texts| {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                read(&texts).ok()
            })
        }

        proptest! {
            #[test]
            fn there_and_back_is_the_same_place(mounts in table(), which in any::<prop::sample::Index>(), below in path()) {
                let all: Vec<&Mount> = mounts.iter().collect();
                prop_assume!(!all.is_empty());
                let spec = which.get(&all).source.join(&below).unwrap();
                if let Some(seen) = mounts.seen(&spec) {
                    prop_assert_eq!(seen.spec(), &spec);
                    let back = mounts.meant(seen.seen_by_job().local().unwrap()).unwrap();
                    prop_assert_eq!(back.spec(), &spec);
                    prop_assert_eq!(back.mounted().to_string(), seen.mounted().to_string());
                }
            }

            #[test]
            fn what_jobs_see_is_always_a_place_of_the_host(mounts in table(), path in path()) {
                let mounted = Utf8PathBuf::from(format!("/{path}"));
                let inside = mounts.iter().any(|mount| mounted.starts_with(&mount.target));
                let meant = mounts.meant(&mounted);
                prop_assert_eq!(meant.is_some(), inside);
                if let Some(meant) = meant {
                    let seen = mounts.seen(meant.spec()).unwrap();
                    let again = mounts.meant(seen.seen_by_job().local().unwrap()).unwrap();
                    prop_assert_eq!(again.spec(), meant.spec());
                }
            }

            #[test]
            fn nothing_outside_the_table_is_seen(mounts in table(), spec in source()) {
                let spec = at(&spec);
                let inside = mounts.iter().any(|mount| spec.relative_to(&mount.source).is_some());
                prop_assert!(inside || mounts.seen(&spec).is_none());
            }

            #[test]
            fn without_one_mount_over_another_all_is_seen(source in source(), target in path(), below in path()) {
                let mounts = read(&[&format!("{source}:/{target}")]).unwrap();
                let spec = at(&source).join(&below).unwrap();
                prop_assert_eq!(mounts.seen(&spec).unwrap().mounted().to_string(), format!("/{target}/{below}"));
            }

            #[test]
            fn any_text_is_a_mount_or_refused(text in "[A-Z=:/a-z, .]{0,20}") {
                let _answer = read(&[&text]);
            }
        }
    }
}
