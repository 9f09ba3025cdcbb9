//! A real Grid Engine, the one that `SGE_ROOT` names; `tests/services/sge.sh up` starts one. Without it these tests say loudly
//! that they were skipped, and fail where `CI` is `true`.

mod causes;
mod interrupted;
mod stores;

use std::{ffi::OsStr, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use xqute_tests::{Scratch, Turn, Xqute, docs, machine::skip, wait_until};

/// What the clients need to know.
const ENVIRONMENT: [&str; 5] = [
    "SGE_ROOT",
    "SGE_CELL",
    "SGE_QMASTER_PORT",
    "SGE_EXECD_PORT",
    "SGE_CLUSTER_NAME",
];

/// For a test that needs the qmaster. A task that is being handed to its machine while the qmaster goes away hangs for ten
/// minutes.
pub(crate) fn among_others() -> Turn {
    Turn::shared("sge")
}

/// For a test that takes the qmaster away.
pub(crate) fn alone() -> Turn {
    Turn::alone("sge")
}

/// Whether there is a Grid Engine.
pub(crate) fn is_there(test: &str) -> bool {
    let there = std::env::var_os("SGE_ROOT").is_some();
    if !there {
        skip(
            test,
            "there is no Grid Engine (SGE_ROOT is not set); start one with tests/services/sge.sh up",
        );
    }
    there
}

/// A program in the environment in which Grid Engine can be reached.
pub(crate) fn in_its_environment(program: Xqute) -> Xqute {
    ENVIRONMENT
        .iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .fold(program, |program, (name, value)| program.env(name, value))
}

/// `xqute run -s sge` with these arguments; `None` if there is no Grid Engine.
pub(crate) fn sge(test: &str, scratch: &Scratch, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<Xqute> {
    is_there(test).then(|| again(scratch, args))
}

/// The same, where it is known that there is one.
pub(crate) fn again(scratch: &Scratch, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
    let run = scratch.with_plugins(&["sge"], ["-v", "run", "-s", "sge", "--recheck-interval", "1"]);
    in_its_environment(run).args(args)
}

#[test]
fn jobs_run_and_their_results_come_back() {
    let _turn = among_others();
    let scratch = Scratch::new();
    let jobs: String = (0..20)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.write("jobs.txt", [&jobs, "echo oh >&2; exit 3\n", "pwd\n"].concat());
    let test = "jobs_run_and_their_results_come_back";
    let Some(run) = sge(test, &scratch, ["-j", "22", "jobs.txt"]) else {
        return;
    };
    run.run()
        .exits(1)
        .says("21 succeeded")
        .says("1 failed")
        .says("exit code 3");
    for number in 0..20 {
        let job = scratch.job(number).ended(0);
        assert_eq!(job.stdout(), format!("{}\n", number * number));
        assert!(job.text("job.jid").contains('.'), "the task of an array");
        assert!(job.path("job.wrapped.sge").exists() && job.path("job.sge").exists());
    }
    assert_eq!(scratch.job(20).ended(3).stderr(), "oh\n");
    let here = format!("{}\n", scratch.path("").to_str().unwrap().trim_end_matches('/'));
    assert_eq!(scratch.job(21).stdout(), here, "jobs start where xqute was started");
}

#[test]
fn an_interrupt_deletes_what_runs_and_what_waits() {
    let _turn = among_others();
    let scratch = Scratch::new();
    let waits = r#"{"cmd": "sleep 600", "opts": {"h": "true"}}"#;
    scratch.write(
        "jobs.jsonl",
        format!("{{\"cmd\": \"touch ready; sleep 600\"}}\n{waits}\n"),
    );
    let test = "an_interrupt_deletes_what_runs_and_what_waits";
    let Some(run) = sge(test, &scratch, ["-j", "2", "jobs.jsonl"]) else {
        return;
    };
    let run = run.start();
    scratch.wait_for_file("ready");
    run.wait_for_word("job=1");
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    for index in 0..2 {
        let id = scratch.job(index).id();
        let (array, _) = id.split_once('.').unwrap();
        let gone = || {
            let qstat = scratch.program("qstat".as_ref()).args(["-j", array]);
            in_its_environment(qstat).run().stderr.contains("do not exist")
        };
        wait_until("Grid Engine has done with it", gone);
    }
}

/// Programs with these names that count their calls, first on `PATH`.
fn counted(scratch: &Scratch, run: Xqute) -> Xqute {
    for name in ["qsub", "qstat", "qacct", "qdel"] {
        let text = format!("#!/bin/sh\necho \"{name} $*\" >> \"$CALLS\"\nexec /usr/bin/{name} \"$@\"\n");
        let file = scratch.write(&format!("bin/{name}"), text);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
    run.env("PATH", path).env("CALLS", scratch.path("calls"))
}

#[test]
fn many_jobs_need_few_calls() {
    let _turn = among_others();
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "sleep 3\n".repeat(100));
    let args = ["-j", "100", "--submission-batch", "100", "jobs.txt"];
    let Some(run) = sge("many_jobs_need_few_calls", &scratch, args) else {
        return;
    };
    counted(&scratch, run).run().exits(0);
    let calls = scratch.read("calls");
    let of = |word: &str| calls.lines().filter(|line| line.contains(word)).count();
    assert!((1..10).contains(&of(" -t 1-")), "100 jobs are a few arrays:\n{calls}");
    assert!(calls.lines().count() < 100, "{calls}");
    assert_eq!(of("qdel"), 0, "{calls}");
}

#[test]
fn options_become_directives_and_bad_ones_are_refused_first() {
    let _turn = among_others();
    let scratch = Scratch::new();
    let test = "options_become_directives_and_bad_ones_are_refused_first";
    if !is_there(test) {
        return;
    }
    for (option, word) in [
        ("t=1-4", "feed one job for each task"),
        ("q=nowhere", "unknown queue"),
        ("l=nothing=1", "unknown resource"),
        ("pe=smp 100000", "no queue of Grid Engine could ever run it"),
        ("p=5000", "invalid priority"),
        ("l=h_rt=soon", "is not a time value"),
    ] {
        again(&scratch, ["--overwrite", "--opt", option, "--", "true"])
            .run()
            .exits(2)
            .says(word);
        assert!(!scratch.job(0).path("job.rc").exists());
    }
    let args = [
        "--overwrite",
        "--opt",
        "p=-5",
        "--opt",
        "v=A=b c",
        "--",
        "printenv",
        "JOB_NAME",
        "A",
    ];
    again(&scratch, args).run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "sge-0\nb c\n");
    let script = scratch.job(0).text("job.wrapped.sge");
    assert!(
        script.contains("#$ -p -5\n") && script.contains("#$ -v \"A=b c\"\n"),
        "{script}"
    );
}

#[test]
fn a_dry_run_shows_what_would_run() {
    let _turn = among_others();
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\ntrue\n");
    let args = ["--dry-run", "--opt", "q=all.q", "jobs.txt"];
    let Some(run) = sge("a_dry_run_shows_what_would_run", &scratch, args) else {
        return;
    };
    let output = run.run().exits(0);
    assert!(
        output.stdout.contains("qsub") && output.stdout.contains("all.q"),
        "{}",
        output.stdout
    );
}

#[test]
fn the_example_of_its_page_works() {
    let _turn = among_others();
    let test = "the_example_of_its_page_works";
    if !is_there(test) {
        return;
    }
    let page = docs::page("plugins/sge/README.md");
    let line = |start: &str| {
        let found = page.lines().find(|line| line.trim_start().starts_with(start));
        found
            .unwrap_or_else(|| panic!("no line starts with {start}"))
            .trim()
            .to_owned()
    };
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "echo one\necho two\n");
    let command = line("xqute run -s sge");
    let args: Vec<&str> = command.split(' ').skip(4).collect();
    again(&scratch, args).run().exits(0).says("2 succeeded");

    let scratch = Scratch::new();
    let train = scratch.write("bin/train", "#!/bin/sh\necho \"$* on $NSLOTS\"\n");
    std::fs::set_permissions(train, std::fs::Permissions::from_mode(0o755)).unwrap();
    scratch.write("jobs.jsonl", line("{\"cmd\""));
    let path = format!("PATH={}:/usr/bin:/bin", scratch.path("bin").display());
    again(&scratch, ["--env", &path, "jobs.jsonl"]).run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "--seed 1 on 4\n");
}
