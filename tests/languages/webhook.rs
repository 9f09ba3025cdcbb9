//! The plugin in JavaScript that tells a web address what failed, with a server on this machine.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use serde_json::Value;
use xqute_tests::{Output, Scratch};

use crate::workshop;

/// A server that takes messages: its port, and what it gets. It ends with the test's process.
fn server() -> (u16, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, messages) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
        }
    });
    (port, messages)
}

/// Three jobs, one of which fails at last, and what a plugin with this right tells about them.
fn run(port: u16, right: &str) -> Output {
    let scratch = Scratch::new();
    scratch.configure("webhook", &format!("url = \"http://127.0.0.1:{port}/hook\""), "");
    scratch.write("jobs.txt", "true\nexit 7\ntrue\n");
    let flags = [
        "-v",
        "--allow",
        &format!("webhook:net={right}"),
        "run",
        "-e",
        "retry",
        "--num-retries",
        "1",
        "jobs.txt",
    ];
    scratch
        .xqute(["--plugin"])
        .args([xqute_tests::plugin("webhook")])
        .args(flags)
        .run()
}

#[test]
fn failures_and_the_end_are_told() {
    if workshop("failures_and_the_end_are_told", "javascript").is_none() {
        return;
    }
    let (port, messages) = server();
    run(port, "127.0.0.1").exits(1).does_not_say("could not be told");
    let failed = messages.recv().unwrap();
    assert_eq!(failed["event"], "failed");
    assert_eq!(failed["text"], "job 1, `exit 7`: exit code 7");
    assert_eq!(failed["attempts"], 2, "told once, after the last attempt");
    let over = messages.recv().unwrap();
    assert_eq!(over["text"], "2 succeeded, 1 failed, 0 cancelled");
    assert_eq!(over["run"], failed["run"]);
}

#[test]
fn nobody_is_told_without_the_right() {
    if workshop("nobody_is_told_without_the_right", "javascript").is_none() {
        return;
    }
    let (port, messages) = server();
    run(port, "example.org")
        .exits(1)
        .says("could not be told")
        .says(&format!(
            "connect to `127.0.0.1:{port}`; `--allow 'webhook:net=*'` would allow it"
        ));
    assert!(messages.try_recv().is_err());
}
