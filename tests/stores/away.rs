//! A store that goes away and comes back.

use rustix::process::Signal;
use xqute_tests::{Scratch, Store, wait_until};

everywhere!(what_goes_away_is_waited_for, nobody_has_to_wait);

fn what_goes_away_is_waited_for(scratch: &Scratch, store: &Store) {
    scratch.write(
        "jobs.txt",
        "until [[ -e go ]]; do sleep 0.2; done; echo $XQUTE_JOB_INDEX\n".repeat(20),
    );
    let running = store
        .addressed(scratch.xqute(["run", "-w", &store.url("run"), "-j", "20", "jobs.txt"]))
        .start();
    wait_until("it runs", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.stdout")
    });
    store.proxy.close();
    scratch.write("go", "");
    running.wait_for_word("is tried again until it answers");
    store.proxy.open();
    running.wait().exits(0).says("20 succeeded").says("answers again");
    let there = store.get(scratch, "run");
    for job in 0..20 {
        let said = std::fs::read_to_string(there.join(format!("{job}/job.stdout"))).unwrap();
        assert_eq!(said, format!("{job}\n"));
        assert!(there.join(format!("{job}/job.rc")).exists());
    }
}

fn nobody_has_to_wait(scratch: &Scratch, store: &Store) {
    let url = store.url("run");
    scratch.write("jobs.txt", "until [[ -e go ]]; do sleep 0.1; done; echo fine\n");
    let running = store.addressed(scratch.xqute(["run", "-w", &url, "jobs.txt"])).start();
    wait_until("it runs", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.stdout")
    });
    store.proxy.close();
    scratch.write("go", "");
    running.wait_for_word("is tried again until it answers");
    wait_until("the job is over", || {
        let status = store
            .addressed(scratch.xqute(["status", "--json", "-w", &url]))
            .run()
            .exits(0)
            .stdout;
        status.contains("\"finished\":1")
    });
    running.signal(Signal::INT);
    running
        .wait()
        .exits(4)
        .says("what 1 job left is not all in the workdir")
        .says("`--resume` copies it");
    store.proxy.open();
    store
        .addressed(scratch.xqute(["run", "-w", &url, "--resume"]))
        .run()
        .exits(0)
        .says("1 succeeded");
    assert_eq!(
        std::fs::read(store.get(scratch, "run").join("0/job.stdout")).unwrap(),
        b"fine\n"
    );
}
