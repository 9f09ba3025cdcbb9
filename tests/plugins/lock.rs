//! The lock file: plugins that were looked at need no flags, as long as their files stay what they are.

use std::fs;

use xqute_tests::{Output, Scratch, plugin};

/// A copy of a plugin, so that it does not count as one that came with xqute.
fn stranger(scratch: &Scratch) {
    scratch.write("journal.wasm", fs::read(plugin("journal")).unwrap());
}

/// The plugin as somebody else built it: a custom section more.
fn change(scratch: &Scratch) {
    let mut wasm = fs::read(plugin("journal")).unwrap();
    wasm.extend([0, 2, 1, b'x']);
    scratch.write("journal.wasm", wasm);
}

fn run(scratch: &Scratch) -> Output {
    let args = ["--plugin", "journal.wasm", "run", "--overwrite", "--", "true"];
    scratch.xqute(args).run()
}

fn lock(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.xqute(["plugin", "lock"]).args(args).run()
}

#[test]
fn what_was_locked_needs_no_flags() {
    let scratch = Scratch::new();
    stranger(&scratch);
    run(&scratch).exits(3).says("--allow journal:script");
    let output = lock(&scratch, &["journal.wasm", "--allow", "journal:script"]).exits(0);
    assert!(output.stdout.contains("locked journal"), "{}", output.stdout);
    assert!(output.stdout.contains("with script"), "{}", output.stdout);
    let text = scratch.read("xqute.lock");
    assert!(
        text.contains("\nversion = 1\n\n[plugin.journal]\nsha256 = \""),
        "{text}"
    );
    assert!(text.contains("\nallow = [\"script\"]\n"), "{text}");
    run(&scratch).exits(0);
    let inspect = scratch
        .xqute(["plugin", "inspect", "journal.wasm"])
        .run()
        .exits(0)
        .stdout;
    assert!(inspect.contains("yes, in xqute.lock"), "{inspect}");
}

#[test]
fn a_changed_file_is_refused_until_it_is_locked_again() {
    let scratch = Scratch::new();
    stranger(&scratch);
    lock(&scratch, &["journal.wasm", "--allow", "journal"]).exits(0);
    change(&scratch);
    run(&scratch)
        .exits(3)
        .says("journal changed since it was locked (xqute.lock, sha256 ")
        .says("`xqute plugin lock journal`");
    assert!(!scratch.has(".xqute/0"));
    // No flag makes up for it.
    let flags = ["--allow", "journal", "--plugin", "journal.wasm", "run", "--", "true"];
    scratch.xqute(flags).run().exits(3).says("changed since it was locked");
    let inspect = scratch
        .xqute(["plugin", "inspect", "journal.wasm"])
        .run()
        .exits(0)
        .stdout;
    assert!(inspect.contains("it changed since it was locked"), "{inspect}");
    assert!(inspect.contains("denied   script"), "{inspect}");
    let list = scratch
        .xqute(["--plugin", "journal.wasm", "plugin", "list"])
        .run()
        .exits(0)
        .stdout;
    assert!(list.contains("changed"), "{list}");
    let again = lock(&scratch, &["journal", "--plugin", "journal.wasm"]).exits(0);
    assert!(again.stdout.contains("with script"), "{}", again.stdout);
    run(&scratch).exits(0);
}

#[test]
fn all_plugins_of_a_run_are_locked_beside_the_configuration() {
    let scratch = Scratch::new();
    stranger(&scratch);
    scratch.write(
        "xqute.toml",
        "[plugins.journal]\npath = \"journal.wasm\"\nallow = true\n",
    );
    fs::create_dir(scratch.path("below")).unwrap();
    let below = scratch.xqute(["plugin", "lock"]).current_dir(scratch.path("below"));
    below.run().exits(0);
    assert!(scratch.has("xqute.lock") && !scratch.has("below/xqute.lock"));
    scratch.write("xqute.toml", "[plugins.journal]\npath = \"journal.wasm\"\n");
    let below = scratch.xqute(["run", "--", "true"]).current_dir(scratch.path("below"));
    below.run().exits(0);
}

#[test]
fn only_what_is_in_force_is_locked_and_the_others_stay() {
    let scratch = Scratch::new();
    stranger(&scratch);
    scratch.write("slurm.wasm", fs::read(plugin("slurm")).unwrap());
    lock(&scratch, &["journal.wasm", "--allow", "journal"]).exits(0);
    let narrow = "slurm:run=squeue --me ...,sbatch,rm";
    let output = lock(&scratch, &["slurm.wasm", "--allow", narrow]);
    let output = output.exits(0).says("`run=rm`").says("never asks for it");
    assert!(
        output.stdout.contains("not with all that it asks for"),
        "{}",
        output.stdout
    );
    let text = scratch.read("xqute.lock");
    assert!(
        text.contains("allow = [\"run=sbatch\", \"run=squeue --me ...\"]"),
        "{text}"
    );
    assert!(text.contains("[plugin.journal]"), "{text}");
    run(&scratch).exits(0);
}

#[test]
fn a_broken_lock_file_grants_nothing() {
    let scratch = Scratch::new();
    stranger(&scratch);
    for (text, line) in [
        ("version = 1\n[plugin.journal]\nsha256 = 3\nallow = []\n", 3),
        ("version = 1\n<<<<<<< here\n", 2),
        ("version = 99\n", 1),
    ] {
        scratch.write("xqute.lock", text);
        let output = run(&scratch).exits(2);
        output.says(&format!("xqute.lock:{line}: ")).says("xqute plugin lock");
    }
    fs::remove_file(scratch.path("xqute.lock")).unwrap();
    fs::create_dir(scratch.path("xqute.lock")).unwrap();
    run(&scratch)
        .exits(2)
        .says("cannot read the lock file")
        .says("xqute.lock");
}

#[test]
fn there_must_be_something_to_lock() {
    let scratch = Scratch::new();
    lock(&scratch, &[]).exits(2).says("there is no plugin to lock");
    lock(&scratch, &["none.wasm"])
        .exits(3)
        .says("there is no plugin file `none.wasm`");
    assert!(!scratch.has("xqute.lock"));
}
