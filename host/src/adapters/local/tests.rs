//! The native scheduler with real processes.

use std::{fs, time::Duration};

use camino::Utf8Path;

use super::*;
use crate::model::{
    access::Access,
    job::{Command, JobExtras, JobSpec},
    path::SpecPath,
    run::Run,
    settings::Settings,
};

mod adopted;

struct Bench {
    dir: tempfile::TempDir,
    run: Arc<Run>,
}

fn bench_with(settings: Settings) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let run = Run {
        // Processes are looked for by it.
        tag: dir.path().file_name().unwrap().to_str().unwrap().to_owned(),
        workdir: SpecPath::same(Utf8Path::from_path(dir.path()).unwrap()),
        home: Utf8Path::from_path(dir.path()).unwrap().to_owned(),
        access: Access::Shared,
        scheduler: NAME.to_owned(),
        settings,
    };
    Bench {
        dir,
        run: Arc::new(run),
    }
}

fn bench_with_grace(kill_grace: Duration) -> Bench {
    bench_with(Settings {
        kill_grace,
        ..Settings::default()
    })
}

fn bench() -> Bench {
    bench_with_grace(Duration::MAX)
}

impl Bench {
    fn scheduler(&self) -> LocalScheduler {
        LocalScheduler::new(self.run.clone(), Starting::ByScript)
    }

    fn direct(&self) -> LocalScheduler {
        LocalScheduler::new(self.run.clone(), Starting::Direct)
    }

    fn job(&self, index: u32, script: &str) -> JobAttempt {
        let attempt = self.direct_job(index, JobSpec::from("true"));
        fs::write(attempt.script_at_home(), script).unwrap();
        attempt
    }

    fn direct_job(&self, index: u32, spec: impl Into<JobSpec>) -> JobAttempt {
        let attempt = self.run.attempt(JobIndex(index), Attempt::FIRST, Arc::new(spec.into()));
        fs::create_dir(&attempt.home).unwrap();
        attempt
    }

    /// How a direct job ends, and what it prints.
    async fn ends(&self, index: u32, spec: impl Into<JobSpec>) -> (Observation, Vec<u8>, String) {
        let job = self.direct_job(index, spec);
        let scheduler = self.direct();
        let refs = submit(&scheduler, std::slice::from_ref(&job)).await;
        let (end, usage) = scheduler.wait(&refs[0]).await;
        assert!(usage.is_some_and(|usage| usage.peak_memory > 0));
        let read = |name: &str| fs::read(job.home.join(name)).unwrap();
        let stderr = String::from_utf8(read("job.stderr")).unwrap();
        (end, read("job.stdout"), stderr)
    }
}

async fn submit(scheduler: &LocalScheduler, jobs: &[JobAttempt]) -> Vec<JobRef> {
    let ids = scheduler.submit(jobs).await;
    let refs = jobs.iter().zip(ids).map(|(job, id)| JobRef {
        job: job.job,
        attempt: job.attempt,
        id: id.unwrap(),
    });
    refs.collect()
}

/// Waits until a job has made this file.
async fn has_started(bench: &Bench, mark: &str) {
    while !bench.dir.path().join(mark).exists() {
        tokio::task::yield_now().await;
    }
}

fn ended(outcome: Outcome) -> Observation {
    Observation::Ended(outcome)
}

#[tokio::test]
async fn ends_are_observed() {
    let bench = bench();
    let scheduler = bench.scheduler();
    let jobs = [
        bench.job(0, "exit 0"),
        bench.job(1, "exit 3"),
        bench.job(2, "kill -9 $$"),
    ];
    let refs = submit(&scheduler, &jobs).await;
    assert_eq!(scheduler.wait(&refs[0]).await.0, ended(Outcome::Succeeded));
    assert_eq!(
        scheduler.wait(&refs[1]).await.0,
        ended(Outcome::Failed(FailureCause::ExitCode(3)))
    );
    assert_eq!(
        scheduler.wait(&refs[2]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
    // Whoever asks for it again learns that it is over.
    let lost = ended(Outcome::Failed(FailureCause::Lost));
    assert_eq!(scheduler.wait(&refs[0]).await, (lost, None));
    assert_eq!(scheduler.cancel(&refs, Cancel::AtOnce).await, [Ok(()), Ok(()), Ok(())]);
}

#[tokio::test]
async fn what_was_submitted_is_not_started_twice() {
    let bench = bench();
    let scheduler = bench.scheduler();
    let jobs = [bench.job(0, "sleep 1000")];
    let refs = submit(&scheduler, &jobs).await;
    assert_eq!(submit(&scheduler, &jobs).await, refs);
    assert_eq!(scheduler.poll(&refs).await.unwrap(), [Observation::Running]);
    scheduler.cancel(&refs, Cancel::AtOnce).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
}

#[tokio::test]
async fn a_job_may_end_in_good_order() {
    let bench = bench();
    let scheduler = bench.scheduler();
    let mark = bench.dir.path().join("mark");
    let script = format!("trap 'exit 143' TERM; : >{}; sleep 1000", mark.display());
    let refs = submit(&scheduler, &[bench.job(0, &script)]).await;
    has_started(&bench, "mark").await;
    scheduler.cancel(&refs, Cancel::Gracefully).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::ExitCode(143)))
    );
}

#[tokio::test]
async fn a_job_that_does_not_listen_is_killed() {
    let bench = bench_with_grace(Duration::from_millis(1));
    let scheduler = bench.scheduler();
    let mark = bench.dir.path().join("mark");
    let script = format!("trap '' TERM; : >{}; sleep 1000", mark.display());
    let refs = submit(&scheduler, &[bench.job(0, &script)]).await;
    has_started(&bench, "mark").await;
    scheduler.cancel(&refs, Cancel::Gracefully).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
}

#[tokio::test]
async fn nothing_is_left_when_it_is_dropped() {
    let bench = bench();
    let scheduler = bench.scheduler();
    let jobs = [bench.job(0, "sleep 1000"), bench.job(1, "sleep 1000 & wait")];
    let refs = submit(&scheduler, &jobs).await;
    scheduler.cancel(&refs[..1], Cancel::AtOnce).await;
    drop(scheduler);
    for job in refs {
        let group = rustix::process::Pid::from_raw(job.id.parse().unwrap()).unwrap();
        while rustix::process::test_kill_process_group(group).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_start_is_an_error_of_the_call() {
    let bench = bench_with(Settings {
        wrapper_shell: vec!["/no/such/bash".to_owned()],
        ..Settings::default()
    });
    let scheduler = bench.scheduler();
    let error = scheduler.submit(&[bench.job(0, "")]).await.remove(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start /no/such/bash: No such file or directory (os error 2)"
    );
}

fn code(code: i32) -> Observation {
    match code {
        0 => ended(Outcome::Succeeded),
        code => ended(Outcome::Failed(FailureCause::ExitCode(code))),
    }
}

#[tokio::test]
async fn a_direct_job_needs_no_script() {
    let bench = bench();
    let shown = ["printf", "%s|", "", "a b", "$HOME", "it's", "\n"];
    assert_eq!(
        bench.ends(0, shown).await,
        (code(0), b"|a b|$HOME|it's|\n|".to_vec(), String::new())
    );
    let line = "echo $XQUTE_JOB_INDEX $XQUTE_JOB_ATTEMPT $0 $#; cat; echo err >&2; exit 7";
    assert_eq!(
        bench.ends(1, line).await,
        (code(7), b"1 1 /bin/bash 0\n".to_vec(), "err\n".to_owned())
    );
    assert_eq!(bench.ends(2, ["sh", "-c", "kill -SEGV $$"]).await.0, code(139));
    assert_eq!(bench.ends(3, "kill -TERM $$").await.0, code(143));
    let killed = ended(Outcome::Failed(FailureCause::Signal(9)));
    assert_eq!(bench.ends(4, "kill -KILL $$").await.0, killed);
}

#[tokio::test]
async fn what_is_out_of_the_ordinary_ends_as_bash_has_it() {
    let bench = bench();
    let tool = |name: &str, content: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = bench.dir.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (text, no_shebang) = (
        tool("text", "", 0o644),
        tool("no_shebang", "echo \"$1\"; exit 5", 0o755),
    );
    let bad_shebang = tool("bad_shebang", "#!/no/such/shell\n", 0o755);
    let cases = [
        ([no_shebang.as_str(), "x y"], 5, "x y\n", ""),
        (
            ["no-such-program", "x"],
            127,
            "",
            "xqute: no-such-program: command not found\n",
        ),
        (["cd", "/"], 127, "", "xqute: cd: command not found\n"),
        (["/no/such", "x"], 127, "", "No such file or directory\n"),
        ([bad_shebang.as_str(), "x"], 127, "", "required file not found\n"),
        ([text.as_str(), "x"], 126, "", "Permission denied\n"),
        (["/", "x"], 126, "", "Is a directory\n"),
    ];
    for (index, (args, rc, out, err)) in (0..).zip(cases) {
        let (end, stdout, stderr) = bench.ends(index, args).await;
        assert_eq!(
            (end, stdout.as_slice()),
            (code(rc), out.as_bytes()),
            "{args:?}: {stderr}"
        );
        assert!(stderr.ends_with(err), "{args:?}: {stderr}");
    }
    let huge = "x".repeat(200 << 10);
    let (end, _, stderr) = bench.ends(100, ["echo", &huge]).await;
    assert_eq!(
        (end, stderr),
        (code(126), "xqute: echo: Argument list too long\n".to_owned())
    );
    let (end, stdout, _) = bench
        .ends(101, format!("cat; : {huge}; echo ü $#; exit 3").as_str())
        .await;
    assert_eq!((end, stdout), (code(3), "ü 0\n".into()));
}

#[tokio::test]
async fn a_direct_job_starts_where_it_is_told() {
    let bench = bench();
    fs::create_dir(bench.dir.path().join("sub")).unwrap();
    let at = |cwd: &str| JobExtras {
        cwd: Some(cwd.into()),
        ..JobExtras::default()
    };
    let dir = bench.dir.path().to_str().unwrap();
    let show = || JobSpec::from("pwd; printenv PWD; /bin/pwd -P");
    for (index, cwd) in (0..).zip([
        format!("{dir}/sub"),
        format!("{dir}/./sub//"),
        format!("{dir}/none/../sub/../sub"),
    ]) {
        let (end, stdout, _) = bench.ends(index, show().with(at(&cwd))).await;
        // Bash takes `..` back literally, whether what is before it exists or not; the last one it refuses.
        match index {
            2 => assert_eq!(end, code(1)),
            _ => assert_eq!(String::from_utf8(stdout).unwrap(), format!("{dir}/sub\n").repeat(3)),
        }
    }
    let (end, _, stderr) = bench.ends(10, JobSpec::from(["true"]).with(at("/no/such"))).await;
    assert_eq!(end, code(1));
    assert!(stderr.ends_with("xqute: the job cannot start there\n"), "{stderr}");
    // A program with a path that is not absolute is looked for there.
    fs::copy("/bin/true", bench.dir.path().join("sub/tool")).unwrap();
    let spec = JobSpec::new(Command::argv(["./tool"])).with(at(&format!("{dir}/sub")));
    assert_eq!(bench.ends(11, spec).await.0, code(0));
}

#[test]
fn options_are_refused_by_name() {
    assert_eq!(check_options(&Options::new()), Ok(()));
    let options: Options = [("partition", "short"), ("time", "5")].into_iter().collect();
    assert_eq!(
        check_options(&options).unwrap_err().to_string(),
        "invalid options: the scheduler local takes no options, but got `partition`, `time`"
    );
}
