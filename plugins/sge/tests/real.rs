//! The plugin's native half against a real Grid Engine: the one that `SGE_ROOT` names, such as `tests/services/sge.sh up`
//! starts. Without one these tests say loudly that they were skipped, and fail where `CI` is `true`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, helpers included"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xqute_plugin::prelude::*;
use xqute_plugin::testing::{Call, Host, job, path, real};
use xqute_sge::Sge;

/// A run of its own: a tag, a folder, and a host that starts real programs. Its jobs are deleted at the end.
struct Run {
    host: Host,
    info: RunInfo,
    dir: PathBuf,
}

impl Run {
    /// None if there is no Grid Engine here.
    fn new() -> Option<Self> {
        real::backend("SGE_ROOT", "Grid Engine, see tests/services/sge.sh")?;
        let tag = real::tag();
        // Letters that Grid Engine could take for something else.
        let dir = std::env::temp_dir().join(format!("xqute sge: 50%, [$HOME {tag}]"));
        std::fs::create_dir(&dir).unwrap();
        let host = Host::new();
        for program in ["qsub", "qstat", "qacct", "qdel"] {
            host.on_program(program, real::start);
        }
        let info = RunInfo {
            tag,
            workdir: path(dir.to_str().unwrap()),
            scheduler: "sge".to_owned(),
            ..run::info()
        };
        host.set_run(info.clone());
        Some(Self { host, info, dir })
    }

    /// A job with a script that keeps its exit code as that of the host does.
    fn job(&self, index: u32, line: &str, options: &[(&str, &str)]) -> Job {
        let dir = self.dir.join(index.to_string());
        std::fs::create_dir(&dir).unwrap();
        let script = dir.join("job.wrapped.sge");
        let mut job = job(index, line);
        job.dir = path(dir.to_str().unwrap());
        job.script = path(script.to_str().unwrap());
        job.options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let wrapping = Sge::wrap(std::slice::from_ref(&job)).remove(0).unwrap();
        let rc = xqute_plugin::quote(&format!("{}/job.rc", job.dir.spec));
        let text = format!(
            "#!/bin/bash\n{}\nulimit -c 0\ntrap 'echo $? >{rc}' EXIT\n{line}\n",
            wrapping.directives.join("\n"),
            rc = rc.replace('\'', "'\\''")
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        job
    }

    /// Asks again and again until the observations are as wanted. Who has ended is not asked about any more, as by the host.
    fn wait(&self, refs: &[JobRef], wanted: impl Fn(&[Observation]) -> bool) -> Vec<Observation> {
        let goes_on = |seen: &Observation| {
            matches!(
                seen,
                Observation::Queued(_) | Observation::Running | Observation::Unknown
            )
        };
        let mut seen = vec![Observation::Unknown; refs.len()];
        for _ in 0..1200 {
            let places: Vec<usize> = (0..refs.len()).filter(|place| goes_on(&seen[*place])).collect();
            let asked: Vec<JobRef> = places.iter().map(|place| refs[*place].clone()).collect();
            let answers = Sge::poll(&asked).expect("Grid Engine must answer: SGE_ROOT is set");
            for (place, answer) in places.into_iter().zip(answers) {
                seen[place] = answer;
            }
            if wanted(&seen) {
                return seen;
            }
            // Only so as not to flood the qmaster with questions.
            std::thread::sleep(Duration::from_millis(100));
            self.host.advance(Duration::from_millis(100));
        }
        panic!("not what was waited for: {seen:?}");
    }

    fn submit(&self, jobs: &[Job]) -> Vec<JobRef> {
        real::accepted(jobs, &Sge::submit(jobs))
    }

    fn calls(&self, program: &str) -> usize {
        self.host.calls().iter().filter(|call| call.program == program).count()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Ok(refs) = Sge::find(&self.info.tag) {
            Sge::cancel(&refs);
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn twenty_jobs_are_submitted_watched_found_and_cancelled() {
    let Some(run) = Run::new() else { return };
    let mut jobs = Vec::new();
    for index in 0..20 {
        jobs.push(match index % 4 {
            0 => run.job(index, "exit 0", &[]),
            1 => run.job(index, "exit 3", &[]),
            2 => run.job(index, "sleep 300", &[]),
            _ => run.job(index, "exit 0", &[("h", "true")]),
        });
    }
    let refs = run.submit(&jobs);
    assert_eq!(run.calls("qsub"), 2, "one array for each set of options");

    let found = Sge::find(&run.info.tag).unwrap();
    assert!(
        refs.iter()
            .filter(|job| job.index % 4 > 1)
            .all(|job| found.contains(job))
    );

    let held = Observation::Queued(Some("it is held; qrls releases it".to_owned()));
    let expected = |index: usize| match index % 4 {
        0 => Observation::Succeeded,
        1 => Observation::Failed(FailureCause::ExitCode(3)),
        2 => Observation::Running,
        _ => held.clone(),
    };
    run.wait(&refs, |seen| {
        seen.iter().enumerate().all(|(index, seen)| *seen == expected(index))
    });

    assert!(Sge::cancel(&refs).iter().all(Result::is_ok));
    run.wait(&refs, |seen| {
        seen.iter().enumerate().all(|(index, seen)| match index % 4 {
            0 | 1 => *seen == expected(index),
            _ => *seen == Observation::Cancelled,
        })
    });
    assert!(
        Sge::cancel(&refs).iter().all(Result::is_ok),
        "to cancel what has ended is a success"
    );
}

#[test]
fn every_end_has_its_cause() {
    use FailureCause::{ExitCode, OutOfMemory, Signal, TimedOut};
    let Some(run) = Run::new() else { return };
    let eats = "for i in 1 2 3 4; do python3 -c 'x = bytearray(100 << 20); import time; time.sleep(60)' & done; wait";
    let rows = [
        ("exit 99", ("", ""), ExitCode(1)),
        ("exit 100", ("", ""), ExitCode(1)),
        ("exit 139", ("", ""), ExitCode(139)),
        ("kill -9 $$", ("", ""), Signal(9)),
        ("trap - EXIT; kill -ABRT $$", ("", ""), Signal(6)),
        ("sleep 300", ("l", "h_rt=2"), TimedOut),
        ("sleep 300", ("l", "s_rt=2"), TimedOut),
        ("sleep 300", ("l", "short=1"), TimedOut),
        ("while :; do :; done", ("l", "h_cpu=2"), TimedOut),
        ("while :; do :; done", ("l", "s_cpu=2"), TimedOut),
        (eats, ("l", "h_vmem=250M"), OutOfMemory),
    ];
    let job = |(index, (line, option, _)): (u32, &(&str, (&str, &str), FailureCause))| {
        let options = [*option];
        run.job(index, line, if option.0.is_empty() { &[] } else { &options })
    };
    let jobs: Vec<Job> = (0..).zip(&rows).map(job).collect();
    let refs = run.submit(&jobs);
    let wanted: Vec<Observation> = rows.iter().map(|row| Observation::Failed(row.2.clone())).collect();
    run.wait(&refs, |seen| seen == wanted);
}

#[test]
fn what_cannot_be_started_says_why_and_does_not_stay() {
    let Some(run) = Run::new() else { return };
    let mut nowhere = run.job(0, "true", &[("p", "-1")]);
    nowhere.cwd = Some(path("/no/such/folder"));
    let mut one_of_two = run.job(1, "true", &[]);
    one_of_two.cwd = Some(path("/no/such/folder"));
    let jobs = [nowhere, one_of_two, run.job(2, "true", &[])];
    let refs = run.submit(&jobs);
    let ended = |seen: &Observation| matches!(seen, Observation::Failed(_) | Observation::Succeeded);
    let seen = run.wait(&refs, |seen| seen.iter().all(ended));
    let never = |seen: &Observation, word: &str| matches!(seen, Observation::Failed(FailureCause::NeverStarted(why)) if why.contains(word));
    assert!(
        never(&seen[0], "/no/such/folder") || never(&seen[0], "working directory"),
        "{seen:?}"
    );
    assert!(never(&seen[1], "working directory"), "{seen:?}");
    assert_eq!(seen[2], Observation::Succeeded);
    assert_eq!(Sge::find(&run.info.tag).unwrap(), []);
    let said = std::fs::read_to_string(Path::new(&jobs[1].dir.spec).join("job.sge")).unwrap();
    assert!(said.contains("/no/such/folder"), "{said}");
}

#[test]
fn grid_engine_understands_the_script_alone_as_well() {
    let Some(run) = Run::new() else { return };
    let job = run.job(0, "exit 3", &[("notify", "true"), ("l", "h_rt=60")]);
    let by_hand = real::start(&Call {
        program: "qsub".into(),
        args: ["-terse", "-t", "1", &job.script.spec].map(str::to_owned).into(),
        stdin: vec![],
    })
    .unwrap();
    assert!(by_hand.succeeded(), "{by_hand:?}");
    let printed = by_hand.stdout_text();
    let (id, _) = printed.split_once('-').expect("qsub prints ID.1-1:1");
    let refs = [JobRef {
        index: 0,
        attempt: 1,
        backend_id: id.to_owned(),
    }];
    run.wait(&refs, |seen| *seen == [Observation::Failed(FailureCause::ExitCode(3))]);
}

#[test]
fn refusals_and_unknown_jobs_are_told_apart_from_trouble() {
    let Some(run) = Run::new() else { return };
    let refused = |index, name, value| {
        let job = run.job(index, "exit 0", &[(name, value)]);
        Sge::submit(&[job]).remove(0).unwrap_err()
    };
    for (index, name, value, word) in [
        (0, "q", "no-such-queue", "unknown queue"),
        (1, "l", "no_such_resource=1", "unknown resource"),
        (2, "pe", "smp 100000", "no queue of Grid Engine could ever run it"),
        (3, "project", "no-such-project", "does not exist"),
    ] {
        let error = refused(index, name, value);
        assert!(
            matches!(&error, Error::Rejected(said) if said.contains(word)),
            "{error:?}"
        );
        let options = [(name.to_owned(), value.to_owned())];
        let error = Sge::open(&options, &run.info).unwrap_err();
        assert!(
            matches!(&error, Error::InvalidOptions(said) if said.contains(word)),
            "{error:?}"
        );
    }
    let bad = refused(4, "p", "5000");
    assert!(
        matches!(&bad, Error::InvalidOptions(said) if said.contains("priority")),
        "{bad:?}"
    );
    assert_eq!(Sge::open(&[], &run.info), Ok(()));

    let unknown = [JobRef {
        index: 0,
        attempt: 1,
        backend_id: "6700000.1".to_owned(),
    }];
    assert_eq!(Sge::poll(&unknown).unwrap(), [Observation::Unknown]);
    assert_eq!(Sge::cancel(&unknown), [Ok(())]);
    assert_eq!(Sge::find(&run.info.tag).unwrap(), []);
}

#[test]
fn names_that_grid_engine_refuses_are_tamed() {
    let Some(run) = Run::new() else { return };
    let names = [
        "1st",
        "a b",
        "a/b:c@d",
        "none",
        "*?\\",
        "α",
        "it's \"so\"",
        "-x",
        "a|b&c<d>(e)[f]!g",
    ];
    let jobs: Vec<Job> = (0..)
        .zip(names)
        .map(|(index, name)| {
            // Options that differ make an array of each.
            let mut job = run.job(index, "exit 0", &[("p", &format!("-{}", index + 1))]);
            name.clone_into(&mut job.name);
            job
        })
        .collect();
    let refs = run.submit(&jobs);
    assert_eq!(run.calls("qsub"), names.len());
    run.wait(&refs, |seen| seen.iter().all(|seen| *seen == Observation::Succeeded));
}
