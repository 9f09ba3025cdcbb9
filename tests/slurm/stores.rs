//! Workdirs in a store, of which the nodes see nothing.

use xqute_tests::{Scratch, Store};

use crate::service::Slurm;

#[test]
fn jobs_are_brought_to_nodes_that_see_nothing_of_the_workdir() {
    let test = "jobs_are_brought_to_nodes_that_see_nothing_of_the_workdir";
    let scratch = Scratch::new();
    let Some(slurm) = Slurm::shared(test) else { return };
    let Some(store) = Store::new(test, "s3", &scratch) else {
        return;
    };
    // An array of five, and one that is submitted alone.
    let jobs = "echo $XQUTE_JOB_INDEX\n".repeat(4) + "echo oh >&2; exit 3\n";
    scratch.write("jobs.txt", jobs);
    let options = store.staged(&scratch);
    for (workdir, args, ended) in [
        (
            "array",
            &["-j", "5", "--submission-batch", "5", "jobs.txt"][..],
            "4 succeeded, 1 failed",
        ),
        (
            "alone",
            &["--", "sh", "-c", "echo alone; exit 3"],
            "0 succeeded, 1 failed",
        ),
    ] {
        let url = store.url(workdir);
        let run = slurm.run(&scratch, ["-w", &url]).args(&options).args(args);
        store.addressed(run).run().exits(1).says(ended).says("exit code 3");
    }
    let there = store.get(&scratch, "array");
    let text = |name: &str| std::fs::read_to_string(there.join(name)).unwrap();
    for job in 0..4 {
        assert_eq!(text(&format!("{job}/job.stdout")), format!("{job}\n"));
        assert_eq!(text(&format!("{job}/job.rc")), "0\n");
    }
    assert_eq!((text("4/job.stderr"), text("4/job.rc")), ("oh\n".into(), "3\n".into()));
    let alone = store.get(&scratch, "alone").join("0/job.stdout");
    assert_eq!(std::fs::read_to_string(alone).unwrap(), "alone\n");
}
