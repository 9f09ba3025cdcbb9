//! What a plugin reaches of the network: the hosts that it asks for and the user grants, and nothing else. All servers are
//! on this machine.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, UdpSocket},
    thread,
};

use xqute_tests::{Output, Scratch, plugin};

/// A server that says something to each who comes, and its port. It ends with the test's process.
fn server(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _may_have_gone = stream.unwrap().write_all(words.as_bytes());
        }
    });
    port
}

/// The same, in HTTP.
fn http_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                asked.extend(byte);
            }
            let host = String::from_utf8_lossy(&asked).to_lowercase();
            let host = host
                .lines()
                .find_map(|line| line.strip_prefix("host: "))
                .unwrap_or("nobody");
            let answer = format!("hello {host}");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            let _may_have_gone = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    port
}

/// Runs a plugin that does this on the network, with these rights.
fn reach(what: &str, place: &str, allow: &[String], more: &str) -> Output {
    let scratch = Scratch::new();
    let place = place.replace('"', "\\\"");
    scratch.configure("wasi-net", &format!("{what} = \"{place}\""), more);
    let file = plugin("wasi_net");
    let flags = allow.iter().flat_map(|allow| ["--allow".to_owned(), allow.clone()]);
    let xqute = scratch.xqute(["-v", "--plugin"]).args([file]).args(flags);
    xqute.args(["run", "--", "true"]).run()
}

fn net(hosts: &str) -> Vec<String> {
    vec![format!("wasi-net:net={hosts}")]
}

#[test]
fn a_granted_address_can_be_connected_to() {
    let port = server("hello there");
    let place = format!("127.0.0.1:{port}");
    for allowed in [net("127.0.0.1"), net(&place), vec!["wasi-net".to_owned()]] {
        let output = reach("connect", &place, &allowed, "");
        output.exits(0).says("hello there");
    }
}

#[test]
fn a_granted_name_can_be_looked_for_and_connected_to() {
    let port = server("hello there");
    let place = format!("localhost:{port}");
    for allowed in [net("localhost"), net(&place)] {
        reach("connect", &place, &allowed, "").exits(0).says("hello there");
    }
}

#[test]
fn what_was_not_granted_is_refused_and_said() {
    let port = server("hello there");
    let place = format!("127.0.0.1:{port}");
    let refused = |place: &str, allowed: &[String]| {
        let output = reach("connect", place, allowed, "").exits(0);
        output.says("was not allowed to").does_not_say("hello there")
    };
    refused(&place, &[]).says(&format!(
        "connect to `{place}`; `--allow wasi-net:net=localhost,127.0.0.1` would allow it"
    ));
    refused(&place, &net("127.0.0.1:1")).says("would allow it");
    // A name that leads to it is not the address.
    refused(&place, &net("localhost")).says("--allow wasi-net:net=127.0.0.1");
    let by_name = format!("localhost:{port}");
    refused(&by_name, &net("127.0.0.1")).says("look for the host `localhost`; `--allow wasi-net:net=localhost`");
    refused(&by_name, &net("localhost:1")).says(&format!("connect to `localhost:{port}`"));
    // What it never asks for cannot be granted.
    refused("example.invalid:80", &["wasi-net".to_owned()]).says("it never asks for that right");
    refused("[::1]:80", &["wasi-net".to_owned()]).says("it never asks for that right");
}

#[test]
fn http_goes_to_granted_hosts_only() {
    let port = http_server();
    for host in ["127.0.0.1", "localhost"] {
        let place = format!("{host}:{port}");
        let output = reach("get", &place, &net(&place), "");
        output.exits(0).says(&format!("200 hello {place}"));
        for denied in [vec![], net(&format!("{host}:1")), net("10.0.0.1")] {
            let output = reach("get", &place, &denied, "").exits(0);
            output
                .says("HttpRequestDenied")
                .says(&format!("connect to `{place}`"))
                .says("--allow wasi-net:net=")
                .does_not_say("200 hello");
        }
    }
    // Others who would resolve to the same machine.
    for odd in ["2130706433", "0x7f.1", "127.1", "a@127.0.0.1", "127.0.0.1@localhost"] {
        let output = reach("get", &format!("{odd}:{port}"), &["wasi-net".to_owned()], "");
        output.exits(0).does_not_say("200 hello");
    }
}

#[test]
fn nobody_listens_or_sends_datagrams() {
    let all = ["wasi-net".to_owned()];
    for place in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
        let output = reach("listen", place, &all, "");
        output
            .exits(0)
            .says("was not allowed to listen")
            .does_not_say("it listens");
    }
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let place = socket.local_addr().unwrap().to_string();
    reach("udp", &place, &all, "").exits(0).does_not_say(": sent");
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0]).is_err());
}

#[test]
fn connections_are_counted() {
    let port = server("");
    let place = format!("127.0.0.1:{port} 400");
    let all = ["wasi-net".to_owned()];
    let output = reach("hold", &place, &all, "").exits(0);
    output
        .says("more than 256 files, streams or sockets")
        .says("set `handles`");
    let more = "limits = { handles = 2000 }";
    reach("hold", &place, &all, more).exits(0).says("holds 400");
}

#[test]
fn malformed_hosts_are_refused() {
    for (host, why) in [
        ("http://a.org", "it must be HOST"),
        ("a.org:0", "from 1 to 65535"),
        ("**", "it must be HOST"),
        ("::1", "[IPV6]"),
    ] {
        let output = reach("connect", "127.0.0.1:1", &net(host), "");
        output.exits(2).says(&format!("net={host}")).says(why);
    }
}
