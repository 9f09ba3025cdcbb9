//! Which servers are used, and what is said about those that cannot be.

use xqute_tests::{Scratch, wait_until};

use crate::using::{BOTH, config, on, server_of};

#[test]
fn jobs_go_where_slots_are_free() {
    let Some(config) = config("jobs_go_where_slots_are_free") else {
        return;
    };
    let scratch = Scratch::new();
    // A name of its own for each server, so that jobs of other tests are not counted.
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text
        .replace("Host n1\n", "Host n1 n1spread\n")
        .replace("Host n2\n", "Host n2 n2spread\n");
    let own = scratch.write("config", text).display().to_string();
    scratch.write(
        "jobs.txt",
        "touch $XQUTE_JOB_INDEX.runs; until [ -e stop ]; do sleep 0.1; done\n".repeat(8),
    );
    let servers = ["--opt", "server=n1spread,slots=1", "--opt", "server=n2spread,slots=3"];
    let run = on(&own, &scratch, servers).args(["-j", "8", "jobs.txt"]).start();
    wait_until("all run", || (0..8).all(|index| scratch.has(format!("{index}.runs"))));
    scratch.write("stop", "");
    run.wait().exits(0);
    let on_n1 = (0..8).filter(|index| server_of(&scratch, *index) == "n1spread").count();
    assert_eq!(on_n1, 2);
}

#[test]
fn what_cannot_be_used_is_said_before_the_first_job() {
    let Some(config) = config("what_cannot_be_used_is_said_before_the_first_job") else {
        return;
    };
    for (options, words) in [
        (&[][..], "no server is given"),
        (&["server=n1,color=red"], "a server has no `color`"),
        (
            &["server=n1", "ssh=/opt/ssh"],
            "put the folder with the ssh that you want first on PATH",
        ),
        (
            &["server=n1", "keyfile=/no/such/key"],
            "Identity file /no/such/key not accessible",
        ),
        (&["server=nobody-like-that@n1"], "Permission denied"),
        (
            &["server=n1,ctrl-dir=/no/such/folder"],
            "make the folder for the sockets",
        ),
    ] {
        let scratch = Scratch::new();
        let options = options.iter().flat_map(|option| ["--opt", option]);
        let run = on(&config, &scratch, options).args(["--", "touch", "ran"]);
        run.run().exits(2).says(words);
        assert!(!scratch.has("ran"));
    }
}

#[test]
fn one_of_several_that_cannot_be_used_is_a_warning() {
    let Some(config) = config("one_of_several_that_cannot_be_used_is_a_warning") else {
        return;
    };
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(6));
    let run = on(&config, &scratch, ["--opt", "servers=n1:1,n2"]).args(["-j", "6", "jobs.txt"]);
    let output = run.run().exits(0);
    let warnings = output
        .stderr
        .matches("server n1:1 cannot be used: connect to host")
        .count();
    assert_eq!(warnings, 1, "{}", output.stderr);
    assert!((0..6).all(|index| server_of(&scratch, index) == "n2"));
}

#[test]
fn a_dry_run_starts_nothing() {
    let Some(config) = config("a_dry_run_starts_nothing") else {
        return;
    };
    let scratch = Scratch::new();
    let run = on(&config, &scratch, BOTH).args(["--dry-run", "--", "touch", "ran"]);
    let output = run.run().exits(0);
    let said = [output.stdout, output.stderr].concat();
    assert!(said.contains("ssh -F ") && said.contains("start 0 1 "), "{said}");
    assert!(!scratch.has("ran") && !scratch.has(".xqute/0/job.ssh.1"));
    assert_eq!(
        std::fs::read_dir(scratch.path("c")).unwrap().count(),
        0,
        "there is no connection"
    );
}
