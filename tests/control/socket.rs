//! Whoever speaks to the socket of a run, whatever is said: the run goes on.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _};

use xqute_tests::{Running, Scratch, machine};

use crate::live::{WAITS, connect, go, listen, listening, running, say, xqute};

/// Feeding is stopped, and the run ends with so many jobs.
fn ends_with(scratch: &Scratch, run: Running, jobs: &str) {
    xqute(scratch, &["feed", "--stop"]).exits(0);
    run.wait().exits(0).says(jobs);
}

#[test]
fn the_language_is_spoken_by_anybody() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "1"]);
    let feed = "{\"xqute\":1,\"do\":\"feed\",\"count\":2}\n{\"cmd\":\"sleep 600\"}\n{\"cmd\":[\"echo\",[255]]}\n";
    assert_eq!(say(&scratch, feed.as_bytes()), "{\"accepted\":2,\"first\":0}\n");
    let kill = "{\"xqute\":1,\"do\":\"kill\",\"jobs\":[0]}\n";
    assert_eq!(say(&scratch, kill.as_bytes()), "{\"killing\":[0]}\n");
    let unknown = say(&scratch, b"{\"xqute\":1,\"do\":\"kill\",\"jobs\":[0,9]}\n");
    assert_eq!(unknown, "{\"error\":\"the run has no job 9\"}\n");
    let stop = say(&scratch, b"{\"xqute\":1,\"do\":\"stop-feeding\"}\n");
    assert_eq!(stop, "{\"stopped\":true}\n");
    run.wait().exits(1).says("1 succeeded").says("1 cancelled");
}

#[test]
fn only_its_user_may_speak_to_a_run() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    let mode = fs::metadata(scratch.path(".xqute/run.sock"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    if machine::is_root() {
        scratch.open_to_all();
        let kill = scratch.xqute(["kill", "--all"]).as_nobody().run();
        kill.exits(4).says("Permission denied");
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(scratch.path(".xqute/run.sock"), open).unwrap();
        let kill = scratch.xqute(["kill", "--all"]).as_nobody().run();
        kill.exits(4).says("this run belongs to another user");
    }
    ends_with(&scratch, run, "0 jobs");
}

#[test]
fn nonsense_is_answered() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    for (said, answer) in [
        (&b"\n"[..], "this is no request"),
        (b"", "nothing was asked"),
        (b"\x00\xff\xfe\n", "this is no request"),
        (b"GET / HTTP/1.1\r\n\r\n", "this is no request"),
        (b"{\"xqute\":1,\"do\":\"stop-feeding\"}", "the last line is not whole"),
        (b"{\"xqute\":9,\"do\":\"feed\"}\n", "version 9"),
        (b"{\"xqute\":1,\"do\":\"dance\"}\n", "this run cannot `dance`"),
        (b"{\"xqute\":1,\"do\":\"feed\",\"count\":1}\nnonsense\n", "\"line\":1"),
        (
            b"{\"xqute\":1,\"do\":\"feed\",\"count\":1}\n{\"cmd\":\"touch ran\"}",
            "the last line is not whole",
        ),
        (
            b"{\"xqute\":1,\"do\":\"feed\",\"count\":2}\n{\"cmd\":\"touch ran\"}\n",
            "1 of 2 jobs came, so none was taken",
        ),
        (
            b"{\"xqute\":1,\"do\":\"feed\",\"count\":0}\n{\"cmd\":\"touch ran\"}\n",
            "more came than the 0 jobs",
        ),
        (b"{\"xqute\":1,\"do\":\"feed\",\"count\":0}\n", "0 of 0 jobs came"),
    ] {
        let heard = say(&scratch, said);
        assert!(heard.starts_with("{\"error\":") && heard.contains(answer), "{heard}");
    }
    ends_with(&scratch, run, "0 jobs");
    assert!(!scratch.has("ran"));
}

#[test]
fn a_line_without_end_is_not_kept() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    let endless = vec![b'x'; 64 << 20];
    let heard = say(&scratch, &endless);
    assert!(heard.contains("a line is longer than 1048576 bytes"), "{heard}");
    let feed = [
        b"{\"xqute\":1,\"do\":\"feed\",\"count\":1}\n{\"cmd\":\"".as_slice(),
        &endless,
    ]
    .concat();
    let heard = say(&scratch, &feed);
    assert!(heard.contains("a line is longer than 16777216 bytes"), "{heard}");
    let peak = machine::peak_memory_kib(run.pid());
    assert!(peak < 160 << 10, "{peak} KiB");
    ends_with(&scratch, run, "0 jobs");
}

#[test]
fn who_vanishes_in_the_middle_has_fed_nothing() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    for _ in 0..50 {
        let mut stream = connect(&scratch);
        stream
            .write_all(b"{\"xqute\":1,\"do\":\"feed\",\"count\":2}\n{\"cmd\":\"touch ran\"}\n")
            .unwrap();
    }
    ends_with(&scratch, run, "0 jobs");
    assert!(!scratch.has("ran"));
}

#[test]
fn silence_is_not_waited_for_and_keeps_nobody_else_waiting() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    let mut silent: Vec<_> = (0..10).map(|_| connect(&scratch)).collect();
    let mut half = connect(&scratch);
    half.write_all(b"{\"xqute\":1,\"do\":\"feed\",\"count\":2}\n{\"cmd\":")
        .unwrap();
    xqute(&scratch, &["feed", "--", "true"]).exits(0);
    for stream in silent.iter_mut().chain([&mut half]) {
        assert_eq!(listen(stream), "{\"error\":\"nothing came for 10 s\"}\n");
    }
    ends_with(&scratch, run, "1 job");
}

#[test]
fn a_run_that_ends_does_not_wait_for_those_who_are_silent() {
    let scratch = Scratch::new();
    let run = running(&scratch, WAITS, &[]);
    let mut silent = connect(&scratch);
    go(&scratch);
    run.wait().exits(0);
    assert_eq!(listen(&mut silent), "{\"error\":\"the run is over\"}\n");
}

#[test]
fn a_thousand_at_once_are_all_heard_out() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "8"]);
    let before = handles(&run);
    let mut clients = Vec::new();
    for _ in 0..1000 {
        let mut stream = connect(&scratch);
        stream
            .write_all(b"{\"xqute\":1,\"do\":\"feed\",\"count\":1}\n{\"cmd\":\"true\"}\n")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        clients.push(stream);
    }
    let answers: Vec<_> = clients.iter_mut().map(listen).collect();
    assert!(answers.iter().all(|answer| answer.starts_with("{\"accepted\":1,")));
    xqute(&scratch, &["feed", "--", "true"]).exits(0);
    xqute_tests::wait_until("all handles are closed", || handles(&run) <= before + 32);
    ends_with(&scratch, run, "1001 jobs");
}

fn handles(run: &Running) -> usize {
    fs::read_dir(format!("/proc/{}/fd", run.pid().as_raw_nonzero()))
        .unwrap()
        .count()
}
