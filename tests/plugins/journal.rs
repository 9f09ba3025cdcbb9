//! The journal: a plugin that observes, gates and adds snippets.

use xqute_tests::Scratch;

const PLUGIN: &str = "journal";

/// The journal's lines without their seconds, sorted.
fn lines(scratch: &Scratch) -> Vec<String> {
    let journal = scratch.read(".xqute/journal.tsv");
    let line = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        assert!(fields[3].parse::<f64>().unwrap() >= 0.0, "{line}");
        [fields[0], fields[1], fields[2], fields[4]].join(" ")
    };
    let mut lines: Vec<_> = journal.lines().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn every_attempt_has_its_line() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\n");
    scratch
        .with_plugins(&[PLUGIN], ["run", "-e", "retry", "-r", "1", "jobs.txt"])
        .run()
        .exits(1);
    assert_eq!(lines(&scratch), ["0 1 0 local-0", "1 1 3 local-1", "1 2 3 local-1"]);
}

#[test]
fn it_counts() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\ntrue\n");
    let run = scratch.with_plugins(&[PLUGIN], ["-v", "run", "-e", "retry", "-r", "2", "jobs.txt"]);
    run.run().exits(1).says("2 succeeded, 1 failed, 0 cancelled, 2 retried");
}

#[test]
fn it_holds_jobs_back() {
    let scratch = Scratch::new();
    scratch.configure(PLUGIN, "deny = [\"rm -rf\", \"forbidden\"]", "");
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"rm -rf x\"}\n{\"cmd\": \"true\", \"name\": \"forbidden\"}\n{\"cmd\": \"true\"}\n",
    );
    let output = scratch.with_plugins(&[PLUGIN], ["run", "jobs.jsonl"]).run().exits(1);
    output
        .says("2 cancelled")
        .says("the option `deny` names it: rm -rf")
        .says("plugin journal did not let it start");
    assert_eq!(lines(&scratch), ["2 1 0 local-2"]);
    scratch.job(2).ended(0);
}

#[test]
fn it_changes_commands_of_both_kinds() {
    let scratch = Scratch::new();
    scratch.configure(PLUGIN, "nice = 7", "");
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"nice | cat; echo \\\"it's\\\"\"}\n{\"cmd\": [\"bash\", \"-c\", \"nice; echo $0\", \"it's\"]}\n",
    );
    scratch.with_plugins(&[PLUGIN], ["run", "jobs.jsonl"]).run().exits(0);
    for index in 0..2 {
        assert_eq!(scratch.job(index).stdout(), "7\nit's\n");
    }
}
