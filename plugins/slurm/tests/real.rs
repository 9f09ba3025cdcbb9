//! The plugin's native half against a real Slurm: the one that `SLURM_CONF` names, such as `tests/services/slurm.sh up`
//! starts. Without one these tests say loudly that they were skipped, and fail where `CI` is `true`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test, helpers included"
)]

use std::path::PathBuf;
use std::time::Duration;

use xqute_plugin::prelude::*;
use xqute_plugin::testing::{Call, Host, job, path, real};
use xqute_slurm::Slurm;

/// A run of its own: a tag, a folder, and a host that starts real programs. Its jobs are cancelled at the end.
struct Run {
    host: Host,
    info: RunInfo,
    dir: PathBuf,
}

impl Run {
    /// None if there is no Slurm here.
    fn new() -> Option<Self> {
        real::backend("SLURM_CONF", "Slurm, see tests/services/slurm.sh")?;
        let tag = real::tag();
        // Letters that Slurm could take for something else.
        let dir = std::env::temp_dir().join(format!("xqute slurm 50% [{tag}]"));
        std::fs::create_dir(&dir).unwrap();
        let host = Host::new();
        for program in ["sbatch", "squeue", "scancel", "sacct", "sinfo", "grep"] {
            host.on_program(program, real::start);
        }
        let info = RunInfo {
            tag,
            workdir: path(dir.to_str().unwrap()),
            ..run::info()
        };
        host.set_run(info.clone());
        Some(Self { host, info, dir })
    }

    /// A job with a script as the host would write it.
    fn job(&self, index: u32, line: &str, options: &[(&str, &str)]) -> Job {
        let dir = self.dir.join(index.to_string());
        std::fs::create_dir(&dir).unwrap();
        let script = dir.join("job.wrapped.slurm");
        let mut job = job(index, line);
        job.dir = path(dir.to_str().unwrap());
        job.script = path(script.to_str().unwrap());
        job.options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.write(&job, line);
        job
    }

    fn write(&self, job: &Job, line: &str) {
        let wrapping = Slurm::wrap(std::slice::from_ref(job)).remove(0).unwrap();
        let text = format!("#!/bin/bash\n{}\n{line}\n", wrapping.directives.join("\n"));
        std::fs::write(&job.script.spec, text).unwrap();
    }

    /// How often `squeue` was started.
    fn questions(&self) -> usize {
        let calls = self.host.calls();
        calls.iter().filter(|call| call.program == "squeue").count()
    }

    /// Asks again and again until the observations are as wanted.
    fn wait(&self, refs: &[JobRef], wanted: impl Fn(&[Observation]) -> bool) -> Vec<Observation> {
        let mut seen = Vec::new();
        for _ in 0..600 {
            let before = self.questions();
            seen = Slurm::poll(refs).expect("Slurm must answer: SLURM_CONF is set");
            assert_eq!(self.questions(), before + 1, "one process for all jobs");
            if wanted(&seen) {
                return seen;
            }
            // Only so as not to flood the controller with questions.
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("not what was waited for: {seen:?}");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Ok(refs) = Slurm::find(&self.info.tag) {
            Slurm::cancel(&refs);
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
            _ => run.job(index, "exit 0", &[("hold", "true")]),
        });
    }
    let refs = real::accepted(&jobs, &Slurm::submit(&jobs));

    let mut found = Slurm::find(&run.info.tag).unwrap();
    found.sort_by_key(|found| found.index);
    assert_eq!(found, refs);

    let expected = |index: usize| match index % 4 {
        0 => Observation::Succeeded,
        1 => Observation::Failed(FailureCause::ExitCode(3)),
        2 => Observation::Running,
        _ => Observation::Queued(Some("JobHeldUser".to_owned())),
    };
    run.wait(&refs, |seen| {
        seen.iter().enumerate().all(|(index, seen)| *seen == expected(index))
    });

    let other = JobRef {
        index: 99,
        ..refs[2].clone()
    };
    assert_eq!(
        Slurm::poll(&[other]).unwrap(),
        [Observation::Unknown],
        "the id is that of job 2"
    );

    assert!(Slurm::cancel(&refs).iter().all(Result::is_ok));
    run.wait(&refs, |seen| {
        seen.iter().enumerate().all(|(index, seen)| match index % 4 {
            0 | 1 => *seen == expected(index),
            _ => *seen == Observation::Cancelled,
        })
    });
    assert!(
        Slurm::cancel(&refs).iter().all(Result::is_ok),
        "to cancel what has ended is a success"
    );
}

#[test]
fn tasks_of_an_array_find_their_own_places() {
    let Some(run) = Run::new() else { return };
    let line = "echo \"$SLURM_JOB_NAME ${SLURM_ARRAY_TASK_ID-alone}\"; exit $((SLURM_ARRAY_TASK_ID % 2))";
    let indices = [998, 1000, 1003, 1042, 1043, 999, 1999, 12_000];
    let jobs: Vec<Job> = indices.map(|index| run.job(index, line, &[])).into();
    let refs = real::accepted(&jobs, &Slurm::submit(&jobs));
    // Five of them have the same thousand in front; the others are too few.
    assert_eq!(run.host.calls().len(), 4);
    let found = |task: &str| refs.iter().filter(|found| found.backend_id.ends_with(task)).count();
    assert_eq!(
        [found("_0"), found("_3"), found("_42"), found("_43"), found("_999")],
        [1; 5]
    );

    let expected = |index: u32| match index {
        1003 | 1043 | 1999 => Observation::Failed(FailureCause::ExitCode(1)),
        _ => Observation::Succeeded,
    };
    run.wait(&refs, |seen| {
        jobs.iter().zip(seen).all(|(job, seen)| *seen == expected(job.index))
    });
    for job in &jobs {
        let log = std::fs::read_to_string(format!("{}/job.slurm", job.dir.spec)).unwrap();
        let task = match job.index {
            998 | 999 | 12_000 => "alone".to_owned(),
            index => (index - 1000).to_string(),
        };
        assert_eq!(log, format!("{} {task}\n", job.name));
    }
    let mut found = Slurm::find(&run.info.tag).unwrap();
    found.sort_by_key(|found| found.index);
    let mut refs = refs;
    refs.sort_by_key(|submitted| submitted.index);
    assert_eq!(found, refs);
}

#[test]
fn a_task_that_ended_is_not_run_again() {
    let Some(run) = Run::new() else { return };
    let jobs: Vec<Job> = (0..4).map(|index| run.job(index, "echo ran; exit 3", &[])).collect();
    // As if the controller had forgotten how two of them ended; one of these was stopped so that it starts again.
    for (job, code) in jobs.iter().zip(["5\n", "143\n"]) {
        std::fs::write(format!("{}/job.rc", job.dir.spec), code).unwrap();
    }
    let refs = real::accepted(&jobs, &Slurm::submit(&jobs));
    let code = |code| Observation::Failed(FailureCause::ExitCode(code));
    run.wait(&refs, |seen| *seen == [code(5), code(3), code(3), code(3)]);
}

#[test]
fn a_killed_task_that_never_ran_is_cancelled() {
    let Some(run) = Run::new() else { return };
    let jobs: Vec<Job> = (0..5)
        .map(|index| run.job(index, "true", &[("hold", "true")]))
        .collect();
    let refs = real::accepted(&jobs, &Slurm::submit(&jobs));
    assert!(Slurm::cancel(&refs[1..3]).iter().all(Result::is_ok));
    let held = Observation::Queued(Some("JobHeldUser".to_owned()));
    let cancelled = [
        held.clone(),
        Observation::Cancelled,
        Observation::Cancelled,
        held.clone(),
        held,
    ];
    run.wait(&refs, |seen| *seen == cancelled);
    let [first, .., fourth, fifth] = &refs[..] else {
        panic!("{refs:?}")
    };
    let rest = [first.clone(), fourth.clone(), fifth.clone()];
    assert!(Slurm::cancel(&rest).iter().all(Result::is_ok));
    run.wait(&rest, |seen| *seen == [const { Observation::Cancelled }; 3]);
}

#[test]
fn options_are_tried_without_submitting_anything() {
    let Some(run) = Run::new() else { return };
    let open = |name: &str, value: &str| Slurm::open(&[(name.to_owned(), value.to_owned())], &run.info);
    for (name, value) in [
        ("partition", "no-such-partition"),
        ("cpus-per-task", "99999"),
        ("time", "soon"),
    ] {
        let error = open(name, value).unwrap_err();
        assert!(matches!(error, Error::InvalidOptions(_)), "{error:?}");
    }
    assert_eq!(open("time", "5"), Ok(()));
    assert_eq!(Slurm::find(&run.info.tag).unwrap(), []);
}

#[test]
fn slurm_understands_the_script_alone_as_well_as_the_command_line() {
    let Some(run) = Run::new() else { return };
    let mut job = run.job(
        0,
        "",
        &[
            ("comment", r#"a b 'c' #d "e" \ %j"#),
            ("time", "1"),
            ("exclusive", "false"),
        ],
    );
    job.cwd = Some(path(run.dir.to_str().unwrap()));
    run.write(&job, "pwd > seen; echo said by the job");
    let refs = real::accepted(std::slice::from_ref(&job), &Slurm::submit(std::slice::from_ref(&job)));
    run.wait(&refs, |seen| *seen == [Observation::Succeeded]);
    assert_eq!(
        std::fs::read_to_string(run.dir.join("seen")).unwrap().trim_end(),
        run.dir.to_str().unwrap()
    );
    let log = std::path::Path::new(&job.dir.spec).join("job.slurm");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "said by the job\n");

    // Submitted by hand, as a user would repeat it, the script means the same: found once more under the same name.
    std::fs::remove_file(&log).unwrap();
    let by_hand = real::start(&Call {
        program: "sbatch".into(),
        args: vec![job.script.spec.clone()],
        stdin: vec![],
    })
    .unwrap();
    assert!(by_hand.succeeded(), "{by_hand:?}");
    let found = Slurm::find(&run.info.tag).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    run.wait(&found, |seen| seen.iter().all(|seen| *seen == Observation::Succeeded));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "said by the job\n");
}

#[test]
fn refusals_and_unknown_jobs_are_told_apart_from_trouble() {
    let Some(run) = Run::new() else { return };
    let refused = |index, name, value| {
        let job = run.job(index, "exit 0", &[(name, value)]);
        Slurm::submit(&[job]).remove(0).unwrap_err()
    };
    let no_partition = refused(0, "partition", "no-such-partition");
    assert!(
        matches!(&no_partition, Error::Rejected(said) if said.contains("Invalid partition")),
        "{no_partition:?}"
    );
    let bad_time = refused(1, "time", "soon");
    assert!(
        matches!(&bad_time, Error::InvalidOptions(said) if said.contains("Invalid --time")),
        "{bad_time:?}"
    );

    let unknown = [JobRef {
        index: 0,
        attempt: 1,
        backend_id: "67000000".to_owned(),
    }];
    assert_eq!(Slurm::poll(&unknown).unwrap(), [Observation::Unknown]);
    assert_eq!(Slurm::cancel(&unknown), [Ok(())]);
    assert_eq!(Slurm::find(&run.info.tag).unwrap(), []);
}
