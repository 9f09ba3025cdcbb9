//! What a job finds around it.

use xqute_tests::Scratch;

#[test]
fn a_job_knows_its_index_and_directories() {
    let scratch = Scratch::new();
    let line = "echo \"$XQUTE_JOB_INDEX|$XQUTE_METADIR|$XQUTE_JOB_METADIR\"\n";
    scratch.run_jobs(&line.repeat(2), [""; 0]).exits(0);
    let workdir = scratch.path(".xqute").display().to_string();
    for index in 0..2 {
        assert_eq!(
            scratch.job(index).stdout(),
            format!("{index}|{workdir}|{workdir}/{index}\n")
        );
    }
}

#[test]
fn variables_come_from_us_then_the_run_then_the_job() {
    let scratch = Scratch::new();
    let show = r#""cmd": "echo $A $B $C""#;
    let jobs = format!("{{{show}}}\n{{{show}, \"env\": {{\"C\": \"job\"}}}}\n");
    let file = scratch.write("jobs.jsonl", jobs);
    let run = scratch.xqute(["run", "--env", "B=run", "--env", "C=run"]).args([file]);
    run.env("A", "ours").env("B", "ours").run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "ours run run\n");
    assert_eq!(scratch.job(1).stdout(), "ours run job\n");
}

#[test]
fn values_are_not_touched_by_the_shell() {
    let scratch = Scratch::new();
    let value = "it's \"$HOME\" `id` \\ ü\nline 2";
    scratch
        .run(["--env", &format!("V={value}"), "--", "printenv", "V"])
        .exits(0);
    assert_eq!(scratch.job(0).stdout(), format!("{value}\n"));
}

#[test]
fn a_job_starts_where_we_are_or_where_it_is_told_to() {
    let scratch = Scratch::new();
    scratch.write("sub/dir/x", "");
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"pwd\"}\n{\"cmd\": \"pwd\", \"cwd\": \"sub/dir\"}\n",
    );
    scratch.run(["jobs.jsonl"]).exits(0);
    let at = |name: &str| format!("{}\n", scratch.path(name).display());
    assert_eq!(
        scratch.job(0).stdout().trim_end(),
        scratch.path("").to_str().unwrap().trim_end_matches('/')
    );
    assert_eq!(scratch.job(1).stdout(), at("sub/dir"));
    scratch.run(["--overwrite", "--cwd", "sub", "--", "pwd"]).exits(0);
    assert_eq!(scratch.job(0).stdout(), at("sub"));
}
