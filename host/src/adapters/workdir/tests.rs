//! The run's directory on a real file system.

use std::{fs, os::unix::fs::symlink, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    lookout::{Lookout, Notice, Sign},
    *,
};
use crate::model::{
    access::Access,
    job::{Attempt, JobIndex, JobSpec},
    outcome::{CancelReason, FailureCause, Outcome},
    path::SpecPath,
    run::{JobAttempt, JobRef, Run},
    settings::Settings,
    state::State,
};

struct Place {
    temp: tempfile::TempDir,
}

fn place() -> Place {
    Place {
        temp: tempfile::tempdir().unwrap(),
    }
}

impl Place {
    fn path(&self) -> Utf8PathBuf {
        Utf8Path::from_path(self.temp.path()).unwrap().join("run")
    }

    fn open(&self, existing: Existing) -> Result<Workdir, WorkdirError> {
        Workdir::open(&self.path(), &self.path().into(), existing)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn message(&self, existing: Existing) -> String {
        self.open(existing)
            .unwrap_err()
            .to_string()
            .replace(self.path().as_str(), "RUN")
    }
}

/// Of a run that is in whatever workdir it is prepared in.
fn attempt(index: u32, attempt: Attempt) -> JobAttempt {
    let run = Run {
        tag: "0".repeat(16),
        workdir: SpecPath::same(Utf8Path::new("/w")),
        home: "/w".into(),
        access: Access::Shared,
        scheduler: "local".to_owned(),
        settings: Settings::default(),
    };
    run.attempt(JobIndex(index), attempt, Arc::new(JobSpec::from("true")))
}

#[test]
fn two_runs_do_not_share_a_workdir() {
    let place = place();
    let first = place.open(Existing::Refuse).unwrap();
    let pid = std::process::id();
    let busy = format!(
        "the workdir `RUN` is in use by another xqute (process {pid}); wait for its end or choose another folder with `-w DIR`"
    );
    assert_eq!(place.message(Existing::Refuse), busy);
    assert_eq!(place.message(Existing::Overwrite), busy);
    drop(first);
    // A run that had no jobs leaves nothing that could be lost.
    let second = place.open(Existing::Refuse).unwrap();
    second.prepare(&attempt(0, Attempt::FIRST), b"script").unwrap();
    drop(second);
    insta::assert_snapshot!(place.message(Existing::Refuse), @"the workdir `RUN` already holds a run; go on with it by `--resume`, remove it with `--overwrite`, or choose another folder with `-w DIR`");
}

#[test]
fn overwriting_touches_nothing_foreign() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    workdir.prepare(&attempt(0, Attempt::FIRST), b"script").unwrap();
    fs::create_dir(place.path().join("1")).unwrap();
    symlink(place.temp.path(), place.path().join("2")).unwrap();
    fs::write(place.path().join("notes"), "mine").unwrap();
    fs::write(place.temp.path().join("outside"), "mine").unwrap();
    // Somebody was killed when he had just moved the files of an attempt aside.
    fs::create_dir_all(place.path().join("3/job.retry/1")).unwrap();
    drop(workdir);
    let mut workdir = place.open(Existing::Overwrite).unwrap();
    let left = |name: &&str| place.path().join(name).is_symlink() || place.path().join(name).exists();
    assert!(["0", "1", "2", "3"].iter().all(left));
    workdir.clear().unwrap();
    assert!(!["0", "1", "2", "3"].iter().any(left));
    assert_eq!(place.read("notes"), "mine");
    assert!(place.temp.path().join("outside").exists());
    drop(workdir);
    fs::create_dir(place.path().join("2024")).unwrap();
    fs::write(place.path().join("2024/data"), "mine").unwrap();
    insta::assert_snapshot!(place.message(Existing::Overwrite), @"the workdir `RUN` has a `2024` that is not a job directory of xqute's; choose another folder with `-w DIR`");
    assert_eq!(place.read("2024/data"), "mine");
}

#[test]
fn places_that_cannot_be_used_are_named() {
    let place = place();
    let relative = Workdir::open("run".into(), &Utf8Path::new("run").into(), Existing::Refuse).unwrap_err();
    insta::assert_snapshot!(relative, @"the workdir `run` is not an absolute path");
    fs::write(place.path(), "").unwrap();
    insta::assert_snapshot!(place.message(Existing::Refuse), @"the workdir `RUN` is a file; choose a folder with `-w DIR`");
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    fs::create_dir(place.path().join("7")).unwrap();
    fs::write(place.path().join("7/data"), "mine").unwrap();
    assert!(matches!(
        place.open(Existing::Refuse),
        Err(WorkdirError::Foreign { .. })
    ));
    assert!(!place.path().join("run.lock").exists());
}

#[test]
fn a_retry_leaves_the_earlier_files_as_they_were() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    let first = attempt(7, Attempt::FIRST);
    workdir.prepare(&first, b"one").unwrap();
    assert!(workdir.prepare(&first, b"one").is_err());
    assert_eq!(place.read("7/job.status"), "3\n");
    let job = JobRef {
        job: first.job,
        attempt: first.attempt,
        id: "12345".into(),
    };
    workdir.record_id(&job).unwrap();
    workdir.record_state(first.job, State::Killing).unwrap();
    assert_eq!(
        (place.read("7/job.jid"), place.read("7/job.status")),
        ("12345\n".into(), "5\n".into())
    );
    fs::write(place.path().join("7/job.stdout"), "out").unwrap();
    workdir
        .record_outcome(first.job, &Outcome::Failed(FailureCause::ExitCode(3)))
        .unwrap();
    let second = attempt(7, Attempt::FIRST.next());
    workdir.prepare(&second, b"two").unwrap();
    assert_eq!(place.read("7/job.wrapped.local"), "two");
    assert_eq!(place.read("7/job.status"), "3\n");
    assert_eq!(workdir.reported_rc(JobIndex(7)), None);
    let kept = [
        ("job.wrapped.local", "one"),
        ("job.stdout", "out"),
        ("job.rc", "3\n"),
        ("job.status", "7\n"),
    ];
    for (name, content) in kept {
        assert_eq!(place.read(&format!("7/job.retry/1/{name}")), content);
    }
    workdir.prepare(&attempt(7, second.attempt.next()), b"three").unwrap();
    assert_eq!(place.read("7/job.retry/2/job.wrapped.local"), "two");
}

#[test]
fn outcomes_are_recorded_even_without_a_job_directory() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    let vetoed = Outcome::Cancelled(CancelReason::Vetoed {
        plugin: "gate".to_owned(),
        reason: "not today".to_owned(),
    });
    workdir.record_outcome(JobIndex(3), &vetoed).unwrap();
    assert_eq!(workdir.reported_rc(JobIndex(3)), Some(143));
    assert_eq!(place.read("3/job.status"), "7\n");
    assert_eq!(
        place.read("3/job.stderr"),
        "xqute: plugin gate did not let it start: not today\n"
    );
    // What a job wrote itself is left as it is.
    fs::write(place.path().join("3/job.stderr"), "its own\n").unwrap();
    workdir
        .record_outcome(JobIndex(3), &Outcome::Failed(FailureCause::TimedOut))
        .unwrap();
    assert_eq!(workdir.stderr_tail(JobIndex(3), 5, 100), "its own\n");
    assert_eq!(workdir.reported_rc(JobIndex(3)), Some(124));
}

#[test]
fn what_jobs_write_is_not_believed() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    workdir.prepare(&attempt(0, Attempt::FIRST), b"").unwrap();
    for (content, rc) in [
        ("0\n", Some(0)),
        (" 7 ", Some(7)),
        ("-3", None),
        ("", None),
        ("x", None),
        ("99999999999", None),
    ] {
        fs::write(place.path().join("0/job.rc"), content).unwrap();
        assert_eq!(workdir.reported_rc(JobIndex(0)), rc, "{content}");
    }
    // A job that puts another directory in the place of its own gets nowhere.
    fs::create_dir(place.temp.path().join("elsewhere")).unwrap();
    fs::write(place.temp.path().join("elsewhere/job.rc"), "0\n").unwrap();
    fs::remove_dir_all(place.path().join("0")).unwrap();
    symlink(place.temp.path().join("elsewhere"), place.path().join("0")).unwrap();
    assert_eq!(workdir.reported_rc(JobIndex(0)), None);
    assert!(workdir.record_outcome(JobIndex(0), &Outcome::Succeeded).is_err());
    assert_eq!(fs::read_dir(place.temp.path().join("elsewhere")).unwrap().count(), 1);
}

#[test]
fn a_script_that_never_came_to_its_command_is_told_from_one_that_did() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    let job = JobIndex(0);
    assert!(!workdir.stopped_before_command(job), "there is no such job");
    workdir.prepare(&attempt(0, Attempt::FIRST), b"").unwrap();
    assert!(
        !workdir.stopped_before_command(job),
        "nothing is known of a script that did not begin"
    );
    workdir.record_state(job, State::Running).unwrap();
    assert!(workdir.stopped_before_command(job));
    fs::write(place.path().join("0/job.stdout"), "").unwrap();
    assert!(!workdir.stopped_before_command(job));
}

#[tokio::test]
async fn what_scripts_do_is_noticed_until_their_job_is_over() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    let lookout = Lookout::open();
    let first = attempt(0, Attempt::FIRST);
    workdir.prepare(&first, b"script").unwrap();
    lookout.watch(&workdir, &first);
    let stderr = fs::File::create(place.path().join("0/job.stderr")).unwrap();
    fs::write(place.path().join("0/job.stdout"), "of no interest").unwrap();
    fs::write(place.path().join("0/job.status"), "4\n").unwrap();
    assert_eq!(
        lookout.next().await,
        Notice::Script(JobIndex(0), Attempt::FIRST, Sign::Wrote)
    );
    assert!(workdir.shows_running(JobIndex(0)));
    drop(stderr);
    assert_eq!(
        lookout.next().await,
        Notice::Script(JobIndex(0), Attempt::FIRST, Sign::Over)
    );
    // The next attempt has the same directory; what the one before it leaves behind is elsewhere.
    let second = attempt(0, Attempt::FIRST.next());
    workdir.prepare(&second, b"script").unwrap();
    lookout.watch(&workdir, &second);
    fs::write(place.path().join("0/job.retry/1/job.stderr"), "late").unwrap();
    fs::write(place.path().join("0/job.stderr"), "").unwrap();
    let seen = [lookout.next().await, lookout.next().await];
    assert!(
        seen.contains(&Notice::Script(JobIndex(0), second.attempt, Sign::Over)),
        "{seen:?}"
    );
    lookout.forget(JobIndex(0));
    fs::write(place.path().join("0/job.stderr"), "").unwrap();
    let third = attempt(1, Attempt::FIRST);
    workdir.prepare(&third, b"script").unwrap();
    lookout.watch(&workdir, &third);
    fs::write(place.path().join("1/job.stderr"), "").unwrap();
    assert_eq!(
        lookout.next().await,
        Notice::Script(JobIndex(1), Attempt::FIRST, Sign::Over)
    );
}

#[test]
fn all_files_of_an_attempt_are_moved_aside() {
    let place = place();
    let workdir = place.open(Existing::Refuse).unwrap();
    workdir.prepare(&attempt(0, Attempt::FIRST), b"one").unwrap();
    fs::write(place.path().join("0/job.backend"), "said").unwrap();
    fs::write(place.path().join("0/results"), "the job's own").unwrap();
    workdir.prepare(&attempt(0, Attempt::FIRST.next()), b"two").unwrap();
    assert_eq!(place.read("0/job.retry/1/job.backend"), "said");
    assert_eq!(place.read("0/job.retry/1/job.wrapped.local"), "one");
    assert_eq!(place.read("0/job.wrapped.local"), "two");
    assert_eq!(place.read("0/results"), "the job's own");
}
