//! How jobs come to the run's directory: from what users say and what schedulers can do, to both faces of it.
//!
//! A folder of this machine is seen by jobs as it is, or where it is mounted. With a workdir in a store there are three ways:
//! jobs use the host's own files, which are copied to the store; the store is mounted where they run; or each job is brought to
//! a folder of its machine, and what it leaves is taken back.

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    options::Options,
    path::{Location, SpecPath},
};

/// Where jobs see the workdir.
const MOUNTED_WORKDIR: &str = "mounted-workdir";
/// Where on their machines they are brought to.
const STAGE_DIR: &str = "stage-dir";
/// What xqute is called there.
const STAGE_WITH: &str = "stage-with";

/// How jobs come to the run's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// They see the host's own files. Those of a workdir in a store are copied there by the host.
    Shared,
    /// The store is mounted where they run.
    Mounted,
    /// They see nothing of it. These words, before the path of a job's script, bring the job there and take back what it leaves.
    Staged {
        /// A program and its first arguments.
        carrier: Vec<String>,
    },
}

/// What a scheduler can do for jobs whose workdir is in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// It starts jobs by [`Access::Staged`]'s words, if it is told to.
    pub carries: bool,
    /// It mounts the workdir here by itself.
    pub mounts_at: Option<Utf8PathBuf>,
}

/// Why jobs cannot come to the workdir in the way that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccess {
    /// Two ways at once.
    #[error(
        "the options `{MOUNTED_WORKDIR}` and `{STAGE_DIR}` are two ways for jobs to see the workdir: give one of them"
    )]
    Both,
    /// No place on a machine.
    #[error("the option `{option}` has `{path}`, which is not an absolute path without `.` and `..`")]
    Path {
        /// Which option.
        option: &'static str,
        /// What it says.
        path: String,
    },
    /// What is here need not be brought anywhere.
    #[error("the option `{STAGE_DIR}` is for workdirs in stores, and `{workdir}` is a folder of this machine")]
    Here {
        /// The workdir.
        workdir: Location,
    },
    /// The scheduler has no way to do it.
    #[error("the scheduler `{scheduler}` cannot start jobs by way of the option `{STAGE_DIR}`")]
    Scheduler {
        /// Which.
        scheduler: String,
    },
    /// Nothing is to be brought anywhere.
    #[error("the option `{STAGE_WITH}` says nothing without `{STAGE_DIR}`")]
    Alone,
}

/// What tells how jobs come to a run's directory.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The run's directory.
    pub workdir: &'a Location,
    /// Where the host keeps its files.
    pub home: &'a Utf8Path,
    /// The run's tag.
    pub tag: &'a str,
    /// The scheduler.
    pub scheduler: &'a str,
    /// What that can do.
    pub reach: &'a Reach,
    /// What xqute is called where jobs run, if users do not say it.
    pub program: &'a str,
}

impl Question<'_> {
    /// Both faces of the run's directory, and how jobs come to it. The options that say it are taken out.
    ///
    /// # Errors
    /// When what the options say makes no sense.
    pub fn answer(&self, options: &mut Options) -> Result<(SpecPath, Access), BadAccess> {
        let mounted = path(options, MOUNTED_WORKDIR)?;
        let stage = path(options, STAGE_DIR)?;
        let with = options.take(STAGE_WITH);
        if stage.is_none() && with.is_some() {
            return Err(BadAccess::Alone);
        }
        let workdir = self.workdir.clone();
        let Location::Stored(place) = self.workdir else {
            return match (mounted, stage) {
                (_, Some(_)) => Err(BadAccess::Here { workdir }),
                (Some(mounted), None) => Ok((SpecPath::mounted_at(workdir, mounted), Access::Shared)),
                (None, None) => Ok((SpecPath::same(workdir), Access::Shared)),
            };
        };
        let own_mount = || self.reach.mounts_at.clone();
        match (mounted, stage) {
            (Some(_), Some(_)) => Err(BadAccess::Both),
            (None, Some(_)) if !self.reach.carries => Err(BadAccess::Scheduler {
                scheduler: self.scheduler.to_owned(),
            }),
            (None, Some(stage)) => {
                let dir = stage.join(format!("xqute-{}", self.tag));
                let program = with.unwrap_or_else(|| self.program.to_owned());
                let carrier = [program, "run-staged".to_owned(), place.to_string(), dir.to_string()];
                let carrier = carrier.into();
                Ok((SpecPath::mounted_at(workdir, dir), Access::Staged { carrier }))
            }
            (mounted, None) => Ok(match mounted.or_else(own_mount) {
                Some(mounted) => (SpecPath::mounted_at(workdir, mounted), Access::Mounted),
                None => (SpecPath::mounted_at(workdir, self.home), Access::Shared),
            }),
        }
    }
}

/// The path that an option has, without slashes at its end.
fn path(options: &mut Options, option: &'static str) -> Result<Option<Utf8PathBuf>, BadAccess> {
    let Some(path) = options.take(option) else {
        return Ok(None);
    };
    let bad = || BadAccess::Path {
        option,
        path: path.escape_debug().to_string(),
    };
    plain_path(&path).map(Some).ok_or_else(bad)
}

/// An absolute path below the top that says where it is: without `.`, `..` and control characters.
pub fn plain_path(path: &str) -> Option<Utf8PathBuf> {
    let odd = path.split('/').any(|name| matches!(name, "." | "..")) || path.chars().any(char::is_control);
    let path = Utf8Path::new(path);
    (!odd && path.is_absolute() && path.file_name().is_some()).then(|| path.components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(workdir: &str, reach: &Reach, options: &[(&str, &str)]) -> Result<(String, Access), String> {
        let workdir = workdir.parse().unwrap();
        let home = match &workdir {
            Location::Local(path) => path.clone(),
            Location::Stored(_) => "/state/run".into(),
        };
        let question = Question {
            workdir: &workdir,
            home: &home,
            tag: "abc",
            scheduler: "slurm",
            reach,
            program: "xqute",
        };
        let mut given: Options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let answer = question.answer(&mut given);
        assert!(answer.is_err() || given.iter().next().is_none(), "an option is left");
        let (faces, access) = answer.map_err(|error| error.to_string())?;
        assert_eq!(faces.spec(), &workdir);
        Ok((faces.mounted().to_string(), access))
    }

    fn carries() -> Reach {
        Reach {
            carries: true,
            mounts_at: None,
        }
    }

    #[test]
    fn a_folder_is_seen_as_it_is_or_where_it_is_mounted() {
        let none = Reach::default();
        assert_eq!(answer("/run", &none, &[]), Ok(("/run".into(), Access::Shared)));
        let mounted = answer("/run", &none, &[("mounted_workdir", "/mnt//x/")]);
        assert_eq!(mounted, Ok(("/mnt/x".into(), Access::Shared)));
    }

    #[test]
    fn a_store_is_seen_in_three_ways() {
        let store = "s3://bucket/run";
        assert_eq!(
            answer(store, &carries(), &[]),
            Ok(("/state/run".into(), Access::Shared))
        );
        assert_eq!(
            answer(store, &carries(), &[("mounted-workdir", "/mnt/x")]),
            Ok(("/mnt/x".into(), Access::Mounted))
        );
        let (seen, access) = answer(
            store,
            &carries(),
            &[("stage-dir", "/tmp"), ("stage-with", "/opt/xqute")],
        )
        .unwrap();
        assert_eq!(seen, "/tmp/xqute-abc");
        let words = ["/opt/xqute", "run-staged", store, "/tmp/xqute-abc"];
        let carrier = words.map(str::to_owned).into();
        assert_eq!(access, Access::Staged { carrier });
        let mounts = Reach {
            carries: false,
            mounts_at: Some("/mnt/disks/run".into()),
        };
        assert_eq!(
            answer(store, &mounts, &[]),
            Ok(("/mnt/disks/run".into(), Access::Mounted))
        );
    }

    #[test]
    fn refusals_say_why() {
        let store = "gs://bucket/run";
        for (workdir, options, why) in [
            (store, &[("mounted-workdir", "/a"), ("stage-dir", "/b")][..], "two ways"),
            (store, &[("mounted-workdir", "mnt")], "not an absolute path"),
            (store, &[("mounted-workdir", "/a/../b")], "not an absolute path"),
            (
                store,
                &[("stage-dir", "/a\nb")],
                "`/a\\nb`, which is not an absolute path",
            ),
            (store, &[("stage-with", "/b")], "says nothing without `stage-dir`"),
            ("/run", &[("stage-dir", "/b")], "`/run` is a folder of this machine"),
        ] {
            let said = answer(workdir, &carries(), options).unwrap_err();
            assert!(said.contains(why), "{options:?}: {said}");
        }
        let said = answer(store, &Reach::default(), &[("stage-dir", "/b")]).unwrap_err();
        assert!(said.contains("the scheduler `slurm` cannot start jobs"), "{said}");
    }
}
