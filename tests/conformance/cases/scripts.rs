//! Bash around the command: the users' and that of plugins.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;
use xqute_tests::plugin;

use crate::bench::{Bench, Job};

const PLUGIN: &str = "journal";

/// Each leaves a line, in the order in which they run.
fn leave(words: &str) -> String {
    format!("echo \"{words}\" >> \"$XQUTE_JOB_METADIR/order\"")
}

/// The plugin adds all three kinds of snippets: its first one sets a variable, its second one puts `nice` in front of the
/// command, its third one counts the attempt.
pub(crate) fn bash_of_users_and_plugins_runs_in_order(bench: &Bench) {
    bench.scratch.configure(PLUGIN, "nice = 7", "");
    // Not every machine has a `nice`, so jobs bring their own, which tells that it was there.
    let nice = format!("#!/bin/sh\n{}\nshift 2\nexec \"$@\"\n", leave("nice $2"));
    let nice = bench.scratch.write("bin/nice", nice);
    fs::set_permissions(nice, fs::Permissions::from_mode(0o755)).unwrap();
    let command = format!("{}; echo out; exit 3", leave("command $FROM_BEFORE"));
    let argv = json!(["bash", "-c", command]);
    let jobs = [Job::new(&command), Job::new("").with("cmd", argv)];
    let before = format!(
        "{}; export FROM_BEFORE=known PATH=\"$PWD/bin:$PATH\"",
        leave("before $JOURNAL_ATTEMPT")
    );
    let after = leave("after $rc");
    let run = bench
        .run(&jobs)
        .args(["-j", "2", "--prescript", &before, "--postscript", &after]);
    run.args(["--plugin"])
        .args([plugin(PLUGIN)])
        .args(["--allow", PLUGIN])
        .run()
        .exits(1);
    for index in 0..2 {
        let job = bench.job(index).ended(3);
        assert_eq!(job.text("order"), "before 1\nnice 7\ncommand known\nafter 3\n");
        assert_eq!(job.stdout(), "out\n");
    }
    let journal = std::fs::read_to_string(bench.found(".xqute").join("journal.tsv")).unwrap();
    let fields = |line: &str| line.split('\t').take(3).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<_> = journal.lines().map(fields).collect();
    lines.sort();
    assert_eq!(lines, ["0 1 3", "1 1 3"]);
}
