//! The plugin's native half against real servers: `n1` and `n2` of the configuration that `SSH_CONFIG` names, such as
//! `tests/services/sshd.sh up` starts. Without it these tests say loudly that they were skipped, and fail where `CI` is
//! `true`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test, helpers included"
)]

mod using;

use std::fs;
use std::time::Duration;

use using::{Run, is_alive, submit};
use xqute_plugin::prelude::*;
use xqute_plugin::testing::{Call, Host, path};
use xqute_ssh::Ssh;

#[test]
fn twenty_jobs_are_submitted_watched_found_and_cancelled() {
    let Some(run) = Run::new() else { return };
    Ssh::open(&run::options(), &run.info).unwrap();
    let lines = ["true", "(exit 3)", "sleep 300", "kill -9 $$"];
    let jobs: Vec<Job> = (0..20).map(|index| run.job(index, lines[index as usize % 4])).collect();
    let before = run.host.calls().len();
    let refs = submit(&jobs);
    // How the servers are may be asked before, if that is not known any more.
    let starts = |call: &&Call| String::from_utf8_lossy(&call.stdin).contains("\nstart ");
    let calls = &run.host.calls()[before..];
    assert_eq!(calls.iter().filter(starts).count(), 2, "one call for each server");
    // How many each gets depends on what else runs there.
    for server in ["n1/", "n2/"] {
        assert!(refs.iter().any(|job| job.backend_id.starts_with(server)), "{refs:?}");
    }
    let expected = |index: usize| match index % 4 {
        0 => Observation::Succeeded,
        1 => Observation::Failed(FailureCause::ExitCode(3)),
        2 => Observation::Running,
        _ => Observation::Failed(FailureCause::Lost),
    };
    let as_expected = |seen: &[Observation]| seen.iter().enumerate().all(|(index, seen)| *seen == expected(index));
    Run::wait(&refs, as_expected);

    let mut found = Ssh::find(&run.info.tag).unwrap();
    found.sort_by_key(|found| found.index);
    let left: Vec<_> = refs.iter().filter(|job| job.index % 4 > 1).cloned().collect();
    assert_eq!(found, left, "all that left no exit code");

    assert!(Ssh::cancel(&refs).iter().all(Result::is_ok));
    Run::wait(&refs, |seen| !seen.contains(&Observation::Running));
    assert!(Ssh::cancel(&refs).iter().all(Result::is_ok), "once more is a success");
}

#[test]
fn an_attempt_that_is_submitted_by_many_at_once_runs_once() {
    let Some(run) = Run::new() else { return };
    let line = "echo \"$$\" >>\"${0%/*}/ran\"; sleep 2";
    let jobs: Vec<Job> = (0..4).map(|index| run.job(index, line)).collect();
    let answers: Vec<Vec<JobRef>> = std::thread::scope(|scope| {
        let everyone = |at: usize| {
            let (run, jobs) = (&run, &jobs);
            let (info, config, dir) = (run.info.clone(), run.config.clone(), run.dir.clone());
            scope.spawn(move || {
                let host = Host::new();
                let other = Run {
                    host,
                    info,
                    dir,
                    config,
                };
                // Each has another server, or another opinion which is the first.
                other.prepare(&other.host, &[("servers", ["n1", "n2", "n1,n2", "n2,n1"][at])]);
                let mut jobs = jobs.clone();
                jobs.iter_mut().for_each(|job| job.options = run::options());
                let refs = submit(&jobs);
                std::mem::forget(other);
                refs
            })
        };
        let all: Vec<_> = (0..4).map(everyone).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    Run::wait(&answers[0], |seen| {
        seen.iter().all(|seen| *seen == Observation::Succeeded)
    });
    for index in 0..4 {
        let ran = run.read(&format!("{index}/ran"));
        assert_eq!(ran.lines().count(), 1, "{ran}");
        assert!(
            answers[0][index].backend_id.contains(&format!("/{}/", ran.trim())),
            "{answers:?}"
        );
    }
}

#[test]
fn nobody_in_the_session_of_a_job_outlives_its_cancellation() {
    let Some(run) = Run::new() else { return };
    let stubborn = "trap '' TERM\nset -m\n(trap '' TERM; echo $BASHPID >\"${0%/*}/child\"; sleep 301) &\nset +m\n\
                    echo $$ >\"${0%/*}/leader\"\nsleep 302 & wait; sleep 303";
    // Its leader ends at once, but not who is in its group.
    let faithless = "(trap '' TERM; echo $BASHPID >\"${0%/*}/child\"; sleep 304) &\necho $$ >\"${0%/*}/leader\"; wait";
    let jobs = [run.job(0, stubborn), run.job(1, faithless)];
    let refs = submit(&jobs);
    let names = ["0/leader", "0/child", "1/leader", "1/child"];
    let pids: Vec<String> = names.iter().map(|name| run.wait_for(name)).collect();
    assert!(pids.iter().all(|pid| is_alive(pid)), "{pids:?}");
    assert!(Ssh::cancel(&refs).iter().all(Result::is_ok));
    Run::wait(&refs, |seen| !seen.contains(&Observation::Running));
    for _ in 0..1500 {
        if !pids.iter().any(|pid| is_alive(pid)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{pids:?} outlived it");
}

#[test]
fn a_job_is_on_its_own() {
    let Some(run) = Run::new() else { return };
    let line = "cut -d' ' -f1,5,6 /proc/$$/stat; pwd; trap 'echo int' INT; trap; readlink /proc/$$/fd/0; echo \"${LC_ALL-none}\"";
    let mut jobs = [
        run.job(0, &format!("{{ {line}; }} >\"${{0%/*}}/out\"")),
        run.job(1, "pwd >\"${0%/*}/out\""),
    ];
    jobs[1].cwd = Some(path("/elsewhere"));
    let refs = submit(&jobs);
    Run::wait(&refs, |seen| seen.iter().all(|seen| *seen == Observation::Succeeded));
    let here = std::env::temp_dir();
    let out = run.read("0/out");
    let lines: Vec<&str> = out.lines().collect();
    let ids: Vec<&str> = lines[0].split(' ').collect();
    assert!(
        ids[0] == ids[1] && ids[0] == ids[2],
        "it leads its group and its session: {out}"
    );
    let rest = [here.to_str().unwrap(), "trap -- 'echo int' SIGINT", "/dev/null", "none"];
    assert_eq!(lines[1..], rest, "{out}");
    // The script of the host goes there; where it comes from does not matter.
    assert_eq!(run.read("1/out"), "/\n");
}

#[test]
fn a_process_with_the_same_number_is_not_the_job() {
    let Some(run) = Run::new() else { return };
    let jobs = [run.job(0, "sleep 300")];
    let refs = submit(&jobs);
    let parts: Vec<&str> = refs[0].backend_id.split('/').collect();
    let other = |index: u32, born: &str, boot: &str| JobRef {
        index,
        backend_id: format!("{}/{}/{born}/{boot}", parts[0], parts[1]),
        ..refs[0].clone()
    };
    let others = [other(1, "17", parts[3]), other(2, parts[2], "00000000")];
    let seen = Ssh::poll(&others).unwrap();
    let expected = [FailureCause::Lost, FailureCause::NodeFailure].map(Observation::Failed);
    assert_eq!(
        seen, expected,
        "never there, and there before the machine started again"
    );
    assert!(Ssh::cancel(&others).iter().all(Result::is_ok));
    assert_eq!(
        Ssh::poll(&refs).unwrap(),
        [Observation::Running],
        "it was not what was cancelled"
    );
}

#[test]
fn what_cannot_be_used_is_said_before_the_first_job() {
    let Some(run) = Run::new() else { return };
    let refused = |options: &[(&str, &str)]| {
        let host = Host::new();
        run.prepare(&host, options);
        Ssh::open(&run::options(), &run.info).unwrap_err()
    };
    let has = |error: &Error, text: &str| matches!(error, Error::InvalidOptions(said) if said.contains(text));
    let error = refused(&[("server", "no-such-host.invalid")]);
    assert!(
        has(&error, "Could not resolve hostname") || matches!(error, Error::Unavailable(_)),
        "{error:?}"
    );
    let error = refused(&[("server", "n1,key=/no/such/key")]);
    assert!(has(&error, "Identity file /no/such/key not accessible"), "{error:?}");
    let error = refused(&[("server", "n1"), ("config", "/no/such/config")]);
    assert!(has(&error, "Can't open user config file"), "{error:?}");
    let error = refused(&[("server", "n1"), ("ctrl-dir", "/no/such/folder")]);
    assert!(has(&error, "--opt ctrl-dir=DIR"), "{error:?}");
    let error = refused(&[("server", "n1:1")]);
    assert!(
        matches!(&error, Error::Unavailable(said) if said.contains("Connection refused")),
        "{error:?}"
    );
    let error = refused(&[("server", "nobody-like-that@n1")]);
    assert!(has(&error, "Permission denied"), "{error:?}");
    // The rest works all the same.
    let host = Host::new();
    run.prepare(&host, &[("servers", "n1:1,n2")]);
    Ssh::open(&run::options(), &run.info).unwrap();
    assert_eq!(
        host.log_text().matches("server n1:1 cannot be used").count(),
        1,
        "{}",
        host.log_text()
    );
}

#[test]
fn what_was_not_started_before_a_search_is_never_started() {
    let Some(run) = Run::new() else { return };
    let jobs = [run.job(0, "true"), run.job(1, "sleep 300"), run.job(2, "true")];
    fs::create_dir_all(run.dir.join("2/job.retry/1")).unwrap();
    let refs = submit(&jobs[1..2]);
    assert_eq!(Ssh::find(&run.info.tag).unwrap(), refs);
    let late = Ssh::submit(&jobs[..1]);
    assert!(
        matches!(&late[..], [Err(Error::Rejected(said))] if said.contains("marks no start")),
        "{late:?}"
    );
    let mut next = jobs[2].clone();
    next.attempt = 2;
    let late = Ssh::submit(&[next]);
    assert!(
        matches!(&late[..], [Err(Error::Rejected(_))]),
        "it was the second that was prepared: {late:?}"
    );
    assert_eq!(Ssh::find(&run.info.tag).unwrap(), refs, "once more finds the same");
}

#[test]
fn what_a_server_cannot_start_is_refused_with_the_reason() {
    let Some(run) = Run::new() else { return };
    let (mut no_script, mut no_folder) = (run.job(0, "true"), run.job(1, "true"));
    no_script.script = path("/no/such/script");
    no_folder.dir = path("/no/such/folder");
    let mut marked = run.job(2, "true");
    fs::write(run.dir.join("2/job.ssh.1"), "").unwrap();
    let mut later = run.job(3, "echo ran >\"${0%/*}/ran\"");
    fs::write(run.dir.join("3/job.ssh.1"), "xqute n1 whatever 3 1 2 3 0a1b2c3d\n").unwrap();
    later.attempt = 2;
    marked.attempt = 1;
    let results = Ssh::submit(&[no_script, no_folder, marked, later.clone()]);
    for (result, text) in results
        .iter()
        .zip(["cannot read /no/such/script", "cannot create /no", "but empty"])
    {
        assert!(
            matches!(result, Err(Error::Rejected(said)) if said.contains(text)),
            "{results:?}"
        );
    }
    let refs = [JobRef {
        index: 3,
        attempt: 2,
        backend_id: results[3].clone().unwrap(),
    }];
    Run::wait(&refs, |seen| *seen == [Observation::Succeeded]);
    assert_eq!(run.read("3/ran"), "ran\n", "another attempt has another mark");
}
