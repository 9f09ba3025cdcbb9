//! The order in which plugins are called: the highest priority first, then by name.

use xqute_tests::Scratch;

/// The plugins whose `init` snippets are in the job's script, in order.
fn order(scratch: &Scratch) -> Vec<String> {
    scratch.write("jobs.txt", "true\n");
    scratch
        .with_plugins(&["journal", "all_hooks"], ["run", "--overwrite", "jobs.txt"])
        .run()
        .exits(0);
    let script = scratch.job(0).text("job.wrapped.local");
    let names = script
        .lines()
        .filter_map(|line| line.trim().strip_prefix("# init, from plugin "));
    names.map(str::to_owned).collect()
}

#[test]
fn by_name_when_nobody_says() {
    assert_eq!(order(&Scratch::new()), ["all-hooks", "journal"]);
}

#[test]
fn by_priority_when_the_user_says() {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", "[plugins.journal]\npriority = 5\n");
    assert_eq!(order(&scratch), ["journal", "all-hooks"]);
    scratch.write("xqute.toml", "[plugins.journal]\npriority = -5\n");
    assert_eq!(order(&scratch), ["all-hooks", "journal"]);
}
