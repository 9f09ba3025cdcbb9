//! `xqute.toml`: the nearest one upwards, or the one that is named.

use xqute_tests::Scratch;

#[test]
fn the_nearest_file_upwards_counts_and_flags_beat_it() {
    let scratch = Scratch::new();
    scratch.write(
        "xqute.toml",
        "[run]\nworkdir = \"out\"\nenv = { A = \"file\", B = \"file\" }\nprescript = \"echo pre\"\n",
    );
    scratch.write("sub/x", "");
    let run = scratch.xqute(["run", "--env", "B=flag", "--", "bash", "-c", "echo $A $B"]);
    run.current_dir(scratch.path("sub")).run().exits(0);
    assert_eq!(
        scratch.read("out/0/job.stdout"),
        "file flag\n",
        "the workdir is relative to the file"
    );
    assert_eq!(scratch.read("out/0/job.stderr"), "pre\n");
}

#[test]
fn another_file_can_be_named() {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", "nonsense");
    scratch.write("other.toml", "[run]\nerror-strategy = \"retry\"\nnum-retries = 1\n");
    scratch
        .xqute(["--config", "other.toml", "run", "--", "false"])
        .run()
        .exits(1);
    scratch.job(0).ended(1).attempt(1).ended(1);
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", "[run]\n\nfork = 3\n");
    let output = scratch.run(["--", "touch", "ran"]).exits(2);
    insta::assert_snapshot!(output.stderr, @r"
    error: [scratch]/here/xqute.toml:3: unknown key `fork` in [run]
      help: did you mean `forks`?
    ");
    scratch.write("xqute.toml", "[run]\nforks = 0\n");
    scratch.run(["--", "touch", "ran"]).exits(2).says("xqute.toml:2");
    assert!(!scratch.has("ran"));
}
