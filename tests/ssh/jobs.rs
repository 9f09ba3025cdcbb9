//! What jobs on servers get, and what becomes of them.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _},
    path::Path,
};

use rustix::process::Signal;
use xqute_tests::{Scratch, docs, plugin, wait_until};

use crate::using::{BOTH, config, on, reached_by, server_of};

#[test]
fn jobs_run_and_their_results_come_back() {
    let Some(config) = config("jobs_run_and_their_results_come_back") else {
        return;
    };
    let scratch = Scratch::new();
    let jobs: String = (0..20)
        .map(|number| format!("echo $(({number} * {number})); echo $NODE_NAME >>{number}.node; pwd >>{number}.node\n"))
        .collect();
    scratch.write(
        "jobs.txt",
        [
            &jobs,
            "echo oh >&2; exit 3\n",
            "bash -c 'kill -SEGV $$'\n",
            "kill -9 $$\n",
        ]
        .concat(),
    );
    let run = on(&config, &scratch, BOTH).args(["-j", "23", "jobs.txt"]);
    let output = run.run().exits(1);
    output
        .says("20 succeeded")
        .says("3 failed")
        .says("exit code 3")
        .says("lost");
    for number in 0..20 {
        assert_eq!(scratch.job(number).ended(0).stdout(), format!("{}\n", number * number));
        // It started where xqute did, on the server that its id names.
        let here = scratch.path("").display().to_string();
        let expected = format!("{}\n{}\n", server_of(&scratch, number), here.trim_end_matches('/'));
        assert_eq!(scratch.read(format!("{number}.node")), expected);
    }
    assert_eq!(scratch.job(20).ended(3).stderr(), "oh\n");
    scratch.job(21).ended(139);
}

#[test]
fn arguments_and_environment_arrive_as_they_are() {
    let Some(config) = config("arguments_and_environment_arrive_as_they_are") else {
        return;
    };
    let scratch = Scratch::new();
    let mut args: Vec<Vec<u8>> = ["", "two words", "it's", "\"", "$HOME", "`id`", "a\nb", "!", "EOF"]
        .map(|arg| arg.as_bytes().to_vec())
        .to_vec();
    args.extend((1..=255).map(|byte| vec![b'x', byte, byte]));
    let head = ["--env", "GREETING=it's $HOME", "--cwd", "/", "--", "bash", "-c"].map(OsString::from);
    let line = OsString::from("pwd >&2; printf '%s\\0' \"$GREETING\" \"$@\"");
    let tail = [line, "bash".into()].into_iter();
    let all = head
        .into_iter()
        .chain(tail)
        .chain(args.iter().cloned().map(OsString::from_vec));
    on(&config, &scratch, BOTH).args(all).run().exits(0);
    let expected = [vec![b"it's $HOME".to_vec()], args].concat();
    let expected: Vec<u8> = expected.iter().flat_map(|arg| [arg, [0].as_slice()].concat()).collect();
    let job = scratch.job(0).ended(0);
    assert!(job.bytes("job.stdout") == expected);
    assert_eq!(job.stderr(), "/\n");
}

#[test]
fn an_interrupt_ends_whole_process_groups() {
    let Some(config) = config("an_interrupt_ends_whole_process_groups") else {
        return;
    };
    let scratch = Scratch::new();
    let stubborn = "(trap '' TERM; echo $BASHPID >child; sleep 600) & echo $$ >leader; wait\n";
    scratch.write(
        "jobs.txt",
        [stubborn, "echo $$ >other; sleep 600\n", "sleep 600\n"].concat(),
    );
    let run = on(&config, &scratch, BOTH).args(["-j", "2", "jobs.txt"]).start();
    let names = ["leader", "child", "other"];
    names.iter().for_each(|name| scratch.wait_for_file(name));
    run.signal(Signal::INT);
    run.wait().exits(130).says("3 cancelled");
    for name in names {
        let process = Path::new("/proc").join(scratch.read(name).trim());
        wait_until(&format!("{name} is gone"), || {
            let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
        });
    }
}

#[test]
fn a_time_limit_ends_a_job() {
    let Some(config) = config("a_time_limit_ends_a_job") else {
        return;
    };
    let scratch = Scratch::new();
    let run = on(&config, &scratch, BOTH).args(["--timeout", "1", "--", "sleep", "600"]);
    run.run().exits(1).says("timed out");
}

#[test]
fn many_jobs_are_few_calls_over_one_connection_each() {
    let Some(config) = config("many_jobs_are_few_calls_over_one_connection_each") else {
        return;
    };
    let scratch = Scratch::new();
    let ssh = "#!/bin/sh\necho \"$*\" >>\"$SSH_LOG\"\nls \"$SOCKETS\" >>\"$SOCKETS.seen\"\nexec /usr/bin/ssh \"$@\"\n";
    let counting = scratch.write("bin/ssh", ssh);
    fs::set_permissions(counting, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
    scratch.write("jobs.txt", "sleep 2\n".repeat(64));
    let run = on(&config, &scratch, BOTH).args(["-j", "64", "jobs.txt"]);
    let run = run.env("PATH", path).env("SSH_LOG", scratch.path("log"));
    run.env("SOCKETS", scratch.path("c")).run().exits(0);
    let calls = scratch.read("log").lines().count();
    assert!(calls < 64, "{calls} calls for 64 jobs");
    let mut sockets: Vec<String> = scratch.read("c.seen").lines().map(str::to_owned).collect();
    // While one is made it has another name for a moment.
    sockets.retain(|name| !name.contains('.'));
    sockets.sort();
    sockets.dedup();
    assert_eq!(sockets.len(), 2, "{sockets:?}");
}

#[test]
fn what_is_recorded_of_a_real_run_is_replayed_without_servers() {
    let Some(config) = config("what_is_recorded_of_a_real_run_is_replayed_without_servers") else {
        return;
    };
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\nsleep 1\n");
    let run = on(&config, &scratch, BOTH).args(["--record", "ssh=calls.jsonl", "jobs.txt"]);
    run.run().exits(1).says("2 succeeded");
    let replay = scratch.xqute(["plugin", "test"]).args([plugin("ssh")]);
    let replay = replay.args(["--replay", "calls.jsonl"]).env("PATH", "/no/such/folder");
    let output = replay.run().exits(0);
    assert!(output.stdout.contains("scheduler.submit: "), "{}", output.stdout);
}

#[test]
fn the_example_of_the_page_works() {
    let Some(config) = config("the_example_of_the_page_works") else {
        return;
    };
    let scratch = Scratch::new();
    let page = docs::page("plugins/ssh/README.md");
    let indented: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let line = indented
        .iter()
        .find(|line| line.starts_with("xqute run -s ssh "))
        .unwrap();
    let job = indented.iter().find(|line| line.starts_with("{\"cmd\"")).unwrap();
    let args = line.strip_prefix("xqute ").unwrap().split(' ');
    scratch.write("jobs.txt", "echo $NODE_NAME\n".repeat(6));
    let run = scratch.with_plugins(&["ssh"], args).args(reached_by(&config, &scratch));
    run.run().exits(0).says("6 succeeded");

    fs::remove_dir_all(scratch.path(".xqute")).unwrap();
    scratch.write("train", "#!/bin/sh\necho trained $2 on $NODE_NAME\n");
    fs::set_permissions(scratch.path("train"), fs::Permissions::from_mode(0o755)).unwrap();
    scratch.write("one.jsonl", job.replace("\"train\"", "\"./train\""));
    on(&config, &scratch, BOTH).args(["one.jsonl"]).run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "trained 1 on n2\n");
}
