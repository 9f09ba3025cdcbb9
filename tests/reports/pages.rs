//! `--report`: the page at the end, as a file.

use rustix::process::Signal;
use xqute_tests::Scratch;

#[test]
fn the_page_tells_what_became_of_the_run() {
    let scratch = Scratch::new();
    scratch.write("tries", "");
    let jobs = "true\necho 'one <b>' >&2; exit 3\necho x >> tries; (( $(wc -l < tries) == 2 ))\n";
    let flags = ["--report", "r.html", "-e", "retry", "-r", "1"];
    scratch.run_jobs(jobs, flags).exits(1);
    let page = scratch.read("r.html");
    for part in [
        "<h1>3 jobs on local</h1>",
        "1 of them did not succeed.",
        "exit code 3",
        "one &lt;b&gt;",
        "2 attempts",
        "failed, tried again",
        "most memory of one attempt",
    ] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn runs_that_were_stopped_or_halted_have_their_page() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "touch started; sleep 1000\nsleep 1000\n");
    let run = scratch
        .xqute(["run", "--report", "r.html", "-j", "1", "jobs.txt"])
        .start();
    scratch.wait_for_file("started");
    run.signal(Signal::TERM);
    run.wait().exits(143);
    let page = scratch.read("r.html");
    assert!(page.contains("Stopped by SIGTERM. None of them succeeded."), "{page}");
    assert!(page.contains("cancelled by signal 15"), "{page}");

    scratch
        .run_jobs(
            "false\ntrue\n",
            ["-e", "halt", "-j", "1", "-w", "two", "--report", "r.html"],
        )
        .exits(1);
    let page = scratch.read("r.html");
    assert!(page.contains("Halted after the first failure."), "{page}");
}

#[test]
fn places_for_reports_are_looked_at_before_anything_runs() {
    let scratch = Scratch::new();
    scratch.write("notes.html", "<p>mine</p>");
    for (place, words) in [
        (".", "Is a directory"),
        ("none/r.html", "there is no such folder"),
        ("notes.html", "is not a report of xqute's"),
    ] {
        scratch
            .run(["--report", place, "--", "true"])
            .exits(2)
            .says(words)
            .says("--report");
    }
    assert_eq!(scratch.read("notes.html"), "<p>mine</p>");
    let both = ["--events", "x", "--report", "./x", "--", "true"];
    scratch.run(both).exits(2).says("cannot hold both");
    assert!(!scratch.has(".xqute") && !scratch.has("x"));
}

#[test]
fn a_report_that_cannot_be_written_is_told_after_the_run() {
    let scratch = Scratch::new();
    let output = scratch.run(["--report", "/dev/full", "--", "touch", "done"]).exits(4);
    output.says("not written: the report `/dev/full`").says("1 succeeded");
    assert!(scratch.has("done"));
    scratch
        .run(["--report", "/dev/full", "--overwrite", "--", "false"])
        .exits(1);
}
