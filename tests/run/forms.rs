//! Jobs are started directly, or by a script where something asks for one: nobody can tell from how they end.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};
use xqute_tests::{Scratch, wait_for};

/// What a user can see of a job that has ended.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    rc: String,
    status: String,
    stdout: Vec<u8>,
    /// As the run's summary tells it; nothing of a job that succeeded.
    outcome: String,
}

/// Runs these jobs one after another, in a scratch folder with the same things in it.
fn run(jobs: &[Value], form: &[&str]) -> (Scratch, Vec<Seen>) {
    let scratch = Scratch::new();
    scratch.write("sub/dir/x", "");
    for (name, content, mode) in [
        ("text", "just text\n", 0o644),
        ("no_shebang", "echo \"$0|$1|$#\"; exit 5\n", 0o755),
        ("bad_shebang", "#!/no/such/shell\n", 0o755),
        ("sub/tool", "#!/bin/sh\npwd -P; echo \"$0 $*\"\n", 0o755),
    ] {
        fs::set_permissions(scratch.write(name, content), fs::Permissions::from_mode(mode)).unwrap();
    }
    let lines: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    scratch.write("jobs.jsonl", lines);
    let run = scratch.xqute(["run", "-j", "1", "--submission-batch", "1", "-v", "jobs.jsonl"]);
    let output = run.args(form).run();
    let seen = (0..).zip(jobs).map(|(index, _)| {
        let job = scratch.job(index);
        Seen {
            rc: job.text("job.rc"),
            status: job.text("job.status"),
            // A script that cannot go where the job starts does not get as far as to make one.
            stdout: fs::read(job.path("job.stdout")).unwrap_or_default(),
            outcome: told(&output.stderr, index),
        }
    });
    let seen = seen.collect();
    (scratch, seen)
}

/// How the log says that a job failed.
fn told(log: &str, job: u32) -> String {
    let mark = format!("job={job}");
    let ends = log
        .lines()
        .filter(|line| line.split_whitespace().any(|word| word == mark));
    let failed = ends.filter_map(|line| Some(line.split_once("failed: ")?.1.replace(&mark, "")));
    failed
        .map(|line| line.split("attempt=").next().unwrap_or_default().trim().to_owned())
        .collect()
}

/// Runs jobs in both forms, with everything a script changes taken out, and compares.
#[track_caller]
fn same(jobs: &[Value]) -> Vec<Seen> {
    let (direct, by_itself) = run(jobs, &[]);
    let (wrapped, by_script) = run(jobs, &["--prescript", ":"]);
    let hide = |scratch: &Scratch, seen: Vec<Seen>| -> Vec<Seen> {
        let place = scratch.path("").display().to_string();
        let hide = |seen: Seen| match String::from_utf8(seen.stdout) {
            Ok(text) => Seen {
                stdout: text.replace(place.trim_end_matches('/'), "[here]").into(),
                ..seen
            },
            Err(error) => Seen {
                stdout: error.into_bytes(),
                ..seen
            },
        };
        seen.into_iter().map(hide).collect()
    };
    assert!(!direct.has(".xqute/0/job.wrapped.local"));
    assert!(wrapped.has(".xqute/0/job.wrapped.local"));
    let (by_itself, by_script) = (hide(&direct, by_itself), hide(&wrapped, by_script));
    for ((job, one), other) in jobs.iter().zip(&by_itself).zip(&by_script) {
        assert_eq!(one, other, "{job}");
    }
    by_itself
}

#[test]
fn exit_codes_are_the_same() {
    let codes = [0, 1, 2, 3, 63, 64, 77, 125, 126, 127, 128, 129, 137, 143, 192, 254, 255];
    let lines = codes.map(|code| json!({"cmd": format!("exit {code}")}));
    let programs = codes.map(|code| json!({"cmd": ["sh", "-c", format!("exit {code}")]}));
    let seen = same(&[lines, programs].concat());
    for (code, seen) in codes.iter().chain(&codes).zip(&seen) {
        assert_eq!(seen.rc, format!("{code}\n"));
        assert_eq!(seen.status, if *code == 0 { "6\n" } else { "7\n" });
    }
}

#[test]
fn signals_are_the_same() {
    let signals = [1, 2, 3, 6, 9, 11, 13, 15];
    let programs = signals.map(|signal| json!({"cmd": ["sh", "-c", format!("kill -{signal} $$")]}));
    let lines = [1, 2, 9, 15].map(|signal| json!({"cmd": format!("kill -{signal} $$; sleep 600")}));
    let traps = [
        json!({"cmd": "trap 'echo trapped; exit 4' TERM; kill $$; sleep 600"}),
        json!({"cmd": "trap 'echo over' EXIT; exit 3"}),
    ];
    let seen = same(&[programs.to_vec(), lines.to_vec(), traps.to_vec()].concat());
    for (signal, seen) in signals.iter().chain(&[1, 2, 9, 15]).zip(&seen) {
        assert_eq!(seen.rc, format!("{}\n", 128 + signal));
    }
    assert!(seen[10].outcome.contains("killed by signal 9"), "{:?}", seen[10]);
}

#[test]
fn what_cannot_be_started_is_the_same() {
    let jobs = [
        json!({"cmd": ["no-such-program", "x"]}),
        json!({"cmd": "no-such-program x"}),
        json!({"cmd": ["cd", "/"]}),
        json!({"cmd": ["./none"]}),
        json!({"cmd": ["./text"]}),
        json!({"cmd": ["./sub"]}),
        json!({"cmd": ["/"]}),
        json!({"cmd": ["./no_shebang", "a b"]}),
        json!({"cmd": ["./bad_shebang"]}),
        json!({"cmd": ["tool", "on its own PATH"], "env": {"PATH": "sub:/usr/bin:/bin"}}),
        json!({"cmd": ["sh", "-c", "echo found"], "env": {"PATH": ":~/bin:/usr/bin:/bin"}}),
        json!({"cmd": ["sh", "-c", "echo nowhere"], "env": {"PATH": "/no/such"}}),
        json!({"cmd": "rm -r later; touch ok", "cwd": "sub"}),
        json!({"cmd": "echo \"oh"}),
        json!({"cmd": "true"}),
    ];
    let rcs = [127, 127, 127, 127, 126, 126, 126, 5, 127, 0, 0, 127, 0, 2, 0];
    for ((rc, seen), job) in rcs.iter().zip(same(&jobs)).zip(&jobs) {
        assert_eq!(seen.rc, format!("{rc}\n"), "{job}");
    }
}

#[test]
fn a_folder_that_is_gone_by_then_is_the_same() {
    let jobs = [
        json!({"cmd": "rmdir sub/gone; mkdir -p sub/gone"}),
        json!({"cmd": "mv sub away"}),
        json!({"cmd": ["pwd"], "cwd": "sub"}),
        json!({"cmd": "pwd", "cwd": "sub"}),
    ];
    for seen in &same(&jobs)[2..] {
        assert_eq!((seen.rc.as_str(), seen.status.as_str()), ("1\n", "7\n"));
    }
}

#[test]
fn arguments_arrive_the_same() {
    let chars: Vec<String> = (1..=255_u8).map(|byte| char::from(byte).to_string()).collect();
    let all = [vec!["printf".to_owned(), "%s\\0".to_owned()], chars].concat();
    let jobs = [
        json!({"cmd": all}),
        json!({"cmd": ["printf", "%s|", "", "two words", "$HOME `id` \"'\\", "*", "-n", "", ""]}),
        json!({"cmd": ["env", "printf", "%d", "0x7f"]}),
        json!({"cmd": ["true", "x".repeat(100_000)]}),
        json!({"cmd": format!(": {}; echo long", "x".repeat(300_000))}),
    ];
    let seen = same(&jobs);
    assert_eq!(seen[1].stdout, "|two words|$HOME `id` \"'\\|*|-n|||".as_bytes());
    assert_eq!(seen[0].stdout.iter().filter(|byte| **byte == 0).count(), 255);
    assert_eq!(seen[4].stdout, b"long\n");
}

#[test]
fn bytes_that_are_no_text_arrive_the_same() {
    // Jobs with such bytes come from plain job files and from the command line only.
    let line = [
        b"printf '%s' '".as_slice(),
        &[0x80, 0xff, 0xc3, b' ', 0xe2, 0x82],
        b"'; printf '\\377\\000'\n",
    ]
    .concat();
    let outputs = [&[][..], &["--prescript", ":"]].map(|form| {
        let scratch = Scratch::new();
        let file = scratch.write("jobs.txt", &line);
        scratch.xqute(["run"]).args(form).args([file]).run().exits(0);
        scratch.job(0).ended(0).bytes("job.stdout")
    });
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], [0x80, 0xff, 0xc3, b' ', 0xe2, 0x82, 0xff, 0]);
}

#[test]
fn what_a_job_finds_around_it_is_the_same() {
    let show = "echo \"$A|$B|$XQUTE_JOB_INDEX|$XQUTE_JOB_ATTEMPT|$XQUTE_METADIR|$XQUTE_JOB_METADIR|${#XQUTE_RUN_TAG}|$PWD\"; \
                pwd; cat; umask; ls -l /proc/self/fd | wc -l";
    let env = json!({"A": "it's $HOME `id` \\ \n\u{fc}", "B": "", "XQUTE_JOB_INDEX": "77", "XQUTE_RUN_TAG": "mine"});
    let cwds = ["sub", "sub/dir", "sub/./dir/", "sub/dir/.."];
    let mut jobs: Vec<Value> = cwds
        .iter()
        .map(|cwd| json!({"cmd": show, "cwd": cwd, "env": env}))
        .collect();
    jobs.push(json!({"cmd": ["sh", "-c", show], "cwd": "sub", "env": env}));
    jobs.push(json!({"cmd": ["../text"], "cwd": "sub/dir"}));
    jobs.push(json!({"cmd": ["./tool", "x"], "cwd": "sub"}));
    jobs.push(json!({"cmd": "echo \"$HOME\" | wc -l; echo $#"}));
    let seen = same(&jobs);
    let text = String::from_utf8_lossy(&seen[0].stdout).into_owned();
    assert!(
        text.contains("||0|1|[here]/.xqute|[here]/.xqute/0|16|[here]/sub\n"),
        "{text}"
    );
    // The job cannot be told another index.
    assert!(!text.contains("77"));
}

#[test]
fn output_is_the_same() {
    let jobs = [
        json!({"cmd": "head -c 3000000 /dev/zero | tr '\\0' x"}),
        json!({"cmd": ["sh", "-c", "echo one; echo two >&2; echo three"]}),
        json!({"cmd": "echo all 2>&1 >&2; exec >&-; echo lost"}),
        json!({"cmd": "exec < /dev/tty || true; read -r x; echo \"[$x]\""}),
    ];
    let seen = same(&jobs);
    assert_eq!(seen[0].stdout.len(), 3_000_000);
    assert_eq!(seen[1].stdout, b"one\nthree\n");
}

#[test]
fn what_a_job_leaves_behind_is_the_same() {
    let jobs = [
        json!({"cmd": "sleep 600 > /dev/null 2>&1 &"}),
        json!({"cmd": "setsid sleep 600 > /dev/null 2>&1 < /dev/null & exit 3"}),
        json!({"cmd": ["sh", "-c", "sleep 600 & echo left"]}),
    ];
    for form in [&[][..], &["--prescript", ":"]] {
        let (scratch, seen) = run(&jobs, form);
        let rcs: Vec<_> = seen.iter().map(|seen| seen.rc.as_str()).collect();
        assert_eq!(rcs, ["0\n", "3\n", "0\n"]);
        assert_eq!(scratch.processes().len(), 3);
    }
}

#[test]
fn jobs_that_run_too_long_are_the_same() {
    let jobs = [
        json!({"cmd": "sleep 600 & sleep 600; wait", "timeout": 0.2}),
        json!({"cmd": ["sh", "-c", "sleep 600 & sleep 600"], "timeout": 0.2}),
        json!({"cmd": "trap 'echo tidy; exit 0' TERM; sleep 600 & wait", "timeout": 0.5}),
    ];
    let seen = same(&jobs);
    let rcs: Vec<_> = seen.iter().map(|seen| seen.rc.as_str()).collect();
    assert_eq!(rcs, ["124\n", "124\n", "0\n"]);
}

#[test]
fn a_direct_job_shows_that_it_runs_and_has_all_files_but_the_script() {
    let scratch = Scratch::new();
    let show = "cat \"$XQUTE_JOB_METADIR/job.status\"; ls \"$XQUTE_JOB_METADIR\"; [[ ! -e $XQUTE_JOB_METADIR/job.rc ]]";
    scratch.run(["--", "bash", "-c", show]).exits(0);
    assert!(scratch.job(0).stdout().starts_with("4\n"));
    let files = ["job.jid", "job.rc", "job.status", "job.stderr", "job.stdout"];
    assert_eq!(scratch.job(0).ended(0).files(), files);
}

#[test]
fn a_direct_job_is_tried_again_with_new_files() {
    let scratch = Scratch::new();
    let line = "echo try $XQUTE_JOB_ATTEMPT; (( XQUTE_JOB_ATTEMPT >= 3 ))\n";
    scratch.run_jobs(line, ["-e", "retry"]).exits(0);
    let mut tries = BTreeMap::new();
    for attempt in [1, 2] {
        tries.insert(attempt, scratch.job(0).attempt(attempt).ended(1).stdout());
    }
    tries.insert(3, scratch.job(0).ended(0).stdout());
    assert!(
        tries.iter().all(|(attempt, said)| *said == format!("try {attempt}\n")),
        "{tries:?}"
    );
}

#[test]
fn a_link_in_the_way_of_an_output_is_not_followed() {
    let scratch = Scratch::new();
    // The first attempt leaves somebody behind who puts links where the second one writes.
    let job = "[[ -e again ]] || { touch again; cd \"$XQUTE_JOB_METADIR\"; (until ln -s ../../victim job.stdout; do :; done) \
               > /dev/null 2>&1 & exit 1; }; echo mine\n";
    scratch.write("victim", "theirs");
    scratch.run_jobs(job, ["-e", "retry"]).exits(0);
    assert_eq!(scratch.read("victim"), "theirs");
    wait_for("the job has its own output", || {
        let path = scratch.job(0).path("job.stdout");
        path.symlink_metadata().is_ok().then_some(())
    });
}
