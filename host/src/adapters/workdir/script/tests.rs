//! What scripts look like, and what they do when a real bash runs them.

use std::{fs, path::Path, sync::Arc, time::Duration};

use camino::Utf8Path;
use proptest::prelude::*;

mod looks;
mod snippets;

use super::*;
use crate::{
    adapters::process::{
        capture::{Output, run as run_program},
        child::Exit,
    },
    model::{
        access::Access,
        job::{Attempt, Command, JobExtras, JobIndex, JobSpec},
        path::SpecPath,
        settings::Settings,
    },
};

fn run_in(workdir: SpecPath, settings: Settings) -> Run {
    Run {
        tag: "0123456789abcdef".to_owned(),
        home: workdir.spec().local().unwrap().to_owned(),
        workdir,
        access: Access::Shared,
        scheduler: "local".to_owned(),
        settings,
    }
}

fn snippet(plugin: &str, code: &str) -> Snippet {
    Snippet {
        plugin: plugin.to_owned(),
        code: code.to_owned(),
    }
}

/// A job that was run, and the files that it left.
struct Ran {
    output: Output,
    dir: tempfile::TempDir,
}

impl Ran {
    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join("7").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.file(name)).unwrap()
    }

    /// Exit code, recorded exit code and state.
    fn end(&self) -> (Exit, String, String) {
        (self.output.exit, self.text("job.rc"), self.text("job.status"))
    }
}

async fn execute(locale: &str, spec: JobSpec, settings: Settings, snippets: Snippets) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(SpecPath::same(Utf8Path::from_path(dir.path()).unwrap()), settings);
    let attempt = run.attempt(JobIndex(7), Attempt::FIRST, Arc::new(spec));
    let script = render(&attempt, &run, &Wrapping::default(), &snippets).unwrap();
    fs::create_dir(&attempt.home).unwrap();
    let file = attempt.script_at_home();
    fs::write(&file, script).unwrap();
    let locale = format!("LC_ALL={locale}");
    let args = [locale.as_str(), "cmd=inherited", "/bin/bash", file.as_str()];
    let output = run_program(Path::new("/usr/bin/env"), &args, Vec::new(), 1 << 20)
        .await
        .unwrap();
    assert_eq!(
        (&output.stdout, &output.stderr),
        (&Vec::new(), &Vec::new()),
        "a job prints to its files"
    );
    Ran { output, dir }
}

fn ended(code: i32) -> (Exit, String, String) {
    let state = if code == 0 { "6\n" } else { "7\n" };
    (Exit::Code(code), format!("{code}\n"), state.to_owned())
}

#[tokio::test]
async fn outputs_and_ends_are_recorded() {
    for (line, code) in [
        ("true", 0),
        ("(exit 3)", 3),
        ("exit 4", 4),
        ("kill -TERM $$", 143),
        ("no-such-program", 127),
    ] {
        let ran = execute("C", line.into(), Settings::default(), Snippets::default()).await;
        assert_eq!(ran.end(), ended(code), "{line}");
    }
    let line = "echo out; echo err >&2; echo ${cmd+set} $(printenv cmd) $XQUTE_JOB_INDEX";
    let ran = execute("C", line.into(), Settings::default(), Snippets::default()).await;
    assert_eq!(ran.text("job.stdout"), "out\nset 7\n");
    assert_eq!(ran.text("job.stderr"), "err\n");
}

#[tokio::test]
async fn a_signal_that_strikes_the_shell_is_recorded_and_ends_it() {
    let ran = |line: &str| execute("C", line.into(), Settings::default(), Snippets::default());
    for (signal, number) in STRIKING {
        let line = format!("ulimit -c 0; true; kill -{signal} $$; echo survived");
        let ran = ran(&line).await;
        let (_, rc, state) = ended(128 + number);
        assert_eq!(ran.end(), (Exit::Signal(number), rc, state), "{line}");
        assert_eq!(ran.text("job.stdout"), "", "{line}");
    }
    // What a job starts has the usual ones, and a job may have its own.
    let ran = ran("trap 'echo mine' USR1; kill -USR1 $$; bash -c 'kill -USR1 $$'; exit 7").await;
    assert_eq!((ran.end(), ran.text("job.stdout")), (ended(7), "mine\n".to_owned()));
}

#[tokio::test]
async fn everything_comes_in_order() {
    let settings = Settings {
        prescript: "echo pre".to_owned(),
        postscript: "echo post $(cat $XQUTE_JOB_METADIR/job.rc)".to_owned(),
        ..Settings::default()
    };
    let snippets = Snippets {
        init: vec![snippet("a", "echo init"), snippet("b", "echo 'unbalanced")],
        prep: vec![snippet("a", "echo prep: $cmd; cmd=\"$cmd more; exit 5\"")],
        end: vec![snippet("a", "echo end $rc; exit 9"), snippet("b", "echo never")],
    };
    let ran = execute("C", "echo".into(), settings, snippets).await;
    assert_eq!(ran.text("job.stdout"), "more\n");
    assert_eq!(
        (ran.text("job.rc"), ran.text("job.status")),
        ("5\n".to_owned(), "7\n".to_owned())
    );
    let stderr = ran.text("job.stderr");
    let lines: Vec<_> = stderr
        .lines()
        .filter(|line| !line.contains("job.wrapped.local"))
        .collect();
    assert_eq!(lines, ["init", "pre", "prep: echo", "post 5", "end 5"]);
}

#[tokio::test]
async fn strict_modes_stop_the_job_but_not_the_record() {
    for (prescript, code) in [
        ("set -eu; false", 1),
        ("set -u; echo $nope", 1),
        ("set -euC; exit 6", 6),
        ("set -eu", 0),
    ] {
        let settings = Settings {
            prescript: prescript.to_owned(),
            postscript: "false; echo $nope post".to_owned(),
            ..Settings::default()
        };
        let ran = execute("C", "true".into(), settings, Snippets::default()).await;
        assert_eq!(ran.end(), ended(code), "{prescript}");
        assert!(ran.text("job.stderr").ends_with("post\n"), "{prescript}");
    }
    // A snippet may take the EXIT trap for itself.
    let snippets = Snippets {
        init: vec![snippet("a", "trap 'echo mine' EXIT")],
        ..Snippets::default()
    };
    let ran = execute("C", "(exit 3)".into(), Settings::default(), snippets).await;
    assert_eq!(ran.end(), ended(3));
    assert_eq!(ran.text("job.stderr"), "mine\n");
}

#[tokio::test]
async fn another_shell_does_not_pretend() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(
        SpecPath::same(Utf8Path::from_path(dir.path()).unwrap()),
        Settings::default(),
    );
    let attempt = run.attempt(JobIndex(7), Attempt::FIRST, Arc::new("true".into()));
    let script = render(&attempt, &run, &Wrapping::default(), &Snippets::default()).unwrap();
    fs::create_dir(&attempt.home).unwrap();
    let file = attempt.script_at_home();
    fs::write(&file, script).unwrap();
    // Any POSIX shell tells that it is none of bash's when it lacks the variable.
    let args = ["-c", "unset BASH_VERSION; . \"$1\"", "sh", file.as_str()];
    let output = run_program(Path::new("/bin/sh"), &args, Vec::new(), 1 << 20)
        .await
        .unwrap();
    assert_eq!(output.exit, Exit::Code(126));
    let stderr = fs::read_to_string(dir.path().join("7/job.stderr")).unwrap();
    assert_eq!(stderr, "xqute: this is a script for bash, but another shell runs it\n");
}

#[tokio::test]
async fn a_working_directory_that_is_missing_fails_the_job() {
    let settings = |cwd: &str| Settings {
        cwd: Some(cwd.into()),
        prescript: "echo pre".to_owned(),
        ..Settings::default()
    };
    let ran = execute("C", "pwd".into(), settings("/no/such"), Snippets::default()).await;
    assert_eq!(ran.end(), ended(1));
    let stderr = ran.text("job.stderr");
    assert!(stderr.contains("cd: /no/such: No such file"), "{stderr}");
    assert!(stderr.ends_with("xqute: the job cannot start there\n"), "{stderr}");
    let ran = execute("C", "pwd".into(), settings("/usr/bin/.."), Snippets::default()).await;
    assert_eq!((ran.end(), ran.text("job.stdout")), (ended(0), "/usr\n".to_owned()));
}

async fn arrives(locale: &str, args: &[Vec<u8>]) {
    let head = [b"/usr/bin/printf".to_vec(), b"%s\\0".to_vec()];
    let spec = JobSpec::new(Command::argv(head.into_iter().chain(args.iter().cloned())));
    let ran = execute(locale, spec, Settings::default(), Snippets::default()).await;
    let expected: Vec<u8> = args.iter().flat_map(|arg| arg.iter().chain(&[0])).copied().collect();
    assert!(ran.file("job.stdout") == expected, "{args:?} in {locale}");
    assert_eq!(ran.end(), ended(0));
}

#[tokio::test]
async fn ten_thousand_arguments_arrive() {
    let args: Vec<_> = (0..10_000).map(|at| format!("it's {at}").into_bytes()).collect();
    arrives("C.UTF-8", &args).await;
}

#[tokio::test]
async fn every_single_byte_arrives() {
    let args: Vec<_> = (1..=255)
        .flat_map(|byte| [vec![byte], vec![b'a', byte, b'\''], vec![byte, byte]])
        .collect();
    arrives("C", &args).await;
    arrives("C.UTF-8", &args).await;
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop::sample::select(&b" '\"$`\\\n\t!*?[]{}()<>|&;#~=-^%\x01\x7f\xff\xc3\x28\xe2"[..]);
    prop::collection::vec(prop_oneof![nasty, 1..=255_u8], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_argv_arrives_unchanged(args in prop::collection::vec(argument(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(arrives("C", &args));
        runtime.block_on(arrives("C.UTF-8", &args));
    }
}
