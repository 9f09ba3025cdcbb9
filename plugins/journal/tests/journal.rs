//! The journal plugin, natively; its snippets are run by a real bash.

use std::{fs, io, path::Path, time::Duration};

use xqute_journal::Journal;
use xqute_plugin::{
    Command, FailureCause, Gatekeeper, Hook, Job, JobEvent, JobFact, Observer, Right, Verdict, describe, provide,
    testing::{Host, fact, failure, job},
};

#[test]
fn asks_for_the_right_to_script_and_nothing_else() {
    let description = describe::<Journal>();
    assert_eq!(description.rights, [Right::Script]);
    let hooks = [
        Hook::Init,
        Hook::JobSucceeded,
        Hook::JobFailed,
        Hook::JobKilled,
        Hook::Shutdown,
        Hook::JobSubmitting,
        Hook::JobcmdInit,
        Hook::JobcmdPrep,
        Hook::JobcmdEnd,
    ];
    assert_eq!(description.hooks.len(), hooks.len());
    assert!(hooks.iter().all(|hook| description.hooks.contains(hook)));
}

#[test]
fn sums_up_the_run() {
    let host = Host::new();
    Journal::on_init();
    Journal::on_job_succeeded(&fact(0, JobEvent::Succeeded));
    Journal::on_job_failed(
        &JobFact {
            will_retry: true,
            ..fact(1, JobEvent::Failed)
        },
        &FailureCause::ExitCode(1),
    );
    Journal::on_job_failed(&failure(1, FailureCause::Lost), &FailureCause::Lost);
    Journal::on_job_killed(&fact(2, JobEvent::Killed));
    host.advance(Duration::from_millis(2500));
    <Journal as Observer>::on_shutdown(Some("SIGTERM"));
    let log = host.log_text();
    assert_eq!(
        log.lines().last(),
        Some("1 succeeded, 1 failed, 1 cancelled, 1 retried in 2.5 s, stopped by SIGTERM"),
        "{log}"
    );
}

#[test]
fn holds_back_what_is_denied() {
    let host = Host::new();
    host.option("deny", "rm -rf");
    let denied = Verdict::veto("the option `deny` names it: rm -rf");
    assert_eq!(Journal::on_job_submitting(&job(0, "rm -rf /tmp/x")), denied);
    assert_eq!(
        Journal::on_job_submitting(&Job {
            name: "rm -rf".to_owned(),
            ..job(0, "ls")
        }),
        denied
    );
    assert_eq!(Journal::on_job_submitting(&job(0, "ls")), Verdict::Proceed);
}

#[test]
fn holds_back_everything_after_too_many_failures() {
    let host = Host::new();
    host.option("max_failures", "1");
    assert_eq!(Journal::on_job_submitting(&job(0, "ls")), Verdict::Proceed);
    Journal::on_job_failed(&failure(0, FailureCause::Lost), &FailureCause::Lost);
    let veto = Verdict::veto("1 jobs have failed, and `max-failures` is 1");
    assert_eq!(Journal::on_job_submitting(&job(1, "ls")), veto);
}

#[test]
fn a_bad_option_holds_back_every_job() {
    let host = Host::new();
    host.option("nice", "very");
    let veto = Verdict::veto("bad value `very` for `nice`: invalid digit found in string");
    assert_eq!(Journal::on_job_submitting(&job(0, "ls")), veto);
}

/// Runs the snippets around a command as a job script does; returns what it printed and the journal.
fn run_job(job: &Job, cmd: &str) -> io::Result<(String, String)> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("journal-{}", job.index));
    fs::create_dir_all(&dir)?;
    let journal = dir.join("journal.tsv");
    let _ = fs::remove_file(&journal);
    let script = provide::<Journal>(job);
    let whole = [
        script.init.unwrap_or_default(),
        format!("cmd={}", xqute_plugin::quote(cmd)),
        script.prep.unwrap_or_default(),
        "eval \"$cmd\"; rc=$?".to_owned(),
        script.end.unwrap_or_default(),
    ];
    #[expect(
        clippy::disallowed_methods,
        reason = "snippets are for bash, so bash has to try them"
    )]
    let output = std::process::Command::new("bash")
        .args(["-euc", &format!("set +e\n{}", whole.join("\n"))])
        .env("XQUTE_METADIR", &dir)
        .output()?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((printed, fs::read_to_string(journal)?))
}

#[test]
fn an_attempt_adds_a_line() {
    Host::new();
    let (printed, journal) = run_job(
        &Job {
            name: "it's\n1".to_owned(),
            ..job(7, "")
        },
        "echo $JOURNAL_NAME; (exit 3)",
    )
    .unwrap();
    assert_eq!(printed, "it's 1\n");
    let fields: Vec<&str> = journal.strip_suffix('\n').unwrap().split('\t').collect();
    let [index, attempt, rc, seconds, name] = fields[..] else {
        panic!("{fields:?}")
    };
    assert_eq!((index, attempt, rc, name), ("7", "1", "3", "it's 1"));
    assert!((0.0..60.0).contains(&seconds.parse::<f64>().unwrap()), "{seconds}");
}

#[test]
fn commands_are_nice_and_otherwise_as_they_were() {
    Host::new().option("nice", "7");
    let line = r#"echo "a  $((1+1))" | cat; nice"#;
    let (printed, _) = run_job(&job(8, line), line).unwrap();
    assert_eq!(printed, "a  2\n7\n");
    let argv = ["printf", "%s|", "a b", "$x", "it's"].map(str::to_owned).to_vec();
    let command = Command::Argv(argv);
    let (printed, _) = run_job(
        &Job {
            command: command.clone(),
            ..job(9, "")
        },
        &command.to_string(),
    )
    .unwrap();
    assert_eq!(printed, "a b|$x|it's|");
}
