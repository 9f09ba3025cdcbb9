//! Workdirs in a store, of which the execution hosts see nothing.

use xqute_tests::{Scratch, Store};

use crate::{among_others, sge};

#[test]
fn jobs_are_brought_to_hosts_that_see_nothing_of_the_workdir() {
    let test = "jobs_are_brought_to_hosts_that_see_nothing_of_the_workdir";
    let scratch = Scratch::new();
    let _turn = among_others();
    scratch.write(
        "jobs.txt",
        "echo $XQUTE_JOB_INDEX\n".repeat(4) + "echo oh >&2; exit 3\n",
    );
    let Some(run) = sge(test, &scratch, ["-j", "5", "jobs.txt"]) else {
        return;
    };
    let Some(store) = Store::new(test, "s3", &scratch) else {
        return;
    };
    let run = run.args(["-w", &store.url("run")]).args(store.staged(&scratch));
    store
        .addressed(run)
        .run()
        .exits(1)
        .says("4 succeeded, 1 failed")
        .says("exit code 3");
    let there = store.get(&scratch, "run");
    let text = |name: &str| std::fs::read_to_string(there.join(name)).unwrap();
    for job in 0..4 {
        assert_eq!(text(&format!("{job}/job.stdout")), format!("{job}\n"));
        assert_eq!(text(&format!("{job}/job.rc")), "0\n");
    }
    assert_eq!((text("4/job.stderr"), text("4/job.rc")), ("oh\n".into(), "3\n".into()));
}
