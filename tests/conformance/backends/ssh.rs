//! Servers that are reached by SSH; here they are all this machine.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};
use xqute_tests::{Scratch, machine, wait_until};

use crate::{
    backend::{Access, Backend, Outage, Pace},
    bench::Bench,
    service::{self, Service},
};

suite! {
    Backend {
        name: "ssh",
        service: Some(Service { variables: &["SSH_CONFIG"], script: "sshd.sh" }),
        store: None,
        access: Access::Shared,
        flags,
        singly: &[],
        forks: 16,
        many: 1000,
        pace: Pace::Quick,
        live,
        remove: |_, id| machine::signal_group(process(id), Signal::KILL),
        can: &[],
    };
    AnyName,
    Refuses(&[("server", "nowhere")]),
    Outage(Outage { down, up }),
}

fn flags(scratch: &Scratch) -> Vec<OsString> {
    // Each test has connections of its own, which end with it.
    let sockets = scratch.path("sockets");
    if !sockets.exists() {
        fs::DirBuilder::new().mode(0o700).create(&sockets).unwrap();
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let options = [
        format!("config={}", service::variable("SSH_CONFIG")),
        format!("ctrl-dir={}", sockets.display()),
        "server=n1,slots=8".to_owned(),
        "server=n2,slots=8".to_owned(),
    ];
    options
        .into_iter()
        .flat_map(|option| ["--opt".to_owned(), option])
        .map(OsString::from)
        .collect()
}

/// Ids begin with the server and the process.
fn process(id: &str) -> Pid {
    Pid::from_raw(id.split('/').nth(1).unwrap().parse().unwrap()).unwrap()
}

fn live(_bench: &Bench, ids: &[String]) -> Vec<String> {
    let lives = |id: &&String| rustix::process::test_kill_process(process(id)).is_ok();
    ids.iter().filter(lives).cloned().collect()
}

/// The configuration files of the servers.
fn servers() -> Vec<PathBuf> {
    let folder = service::variable("SSH_CONFIG");
    let entries = fs::read_dir(Path::new(&folder).parent().unwrap()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with("sshd") && name.ends_with(".conf")
        })
        .collect()
}

/// All servers are gone, and what is connected to them is cut off.
fn down(_bench: &Bench) {
    for server in servers() {
        let number = fs::read_to_string(server.with_extension("pid")).unwrap();
        let server = Pid::from_raw(number.trim().parse().unwrap()).unwrap();
        let connections = machine::children(server);
        let commands = connections.iter().flat_map(|connection| machine::children(*connection));
        let commands: Vec<_> = commands.collect();
        for process in connections.into_iter().chain(commands) {
            machine::signal(process, Signal::KILL);
        }
        machine::signal(server, Signal::KILL);
        wait_until("the server is gone", || {
            rustix::process::test_kill_process(server).is_err()
        });
    }
}

fn up(_bench: &Bench) {
    for server in servers() {
        let log = server.with_extension("log");
        let [conf, log] = [&server, &log].map(|path| path.to_str().unwrap());
        service::daemon("/usr/sbin/sshd", &["-f", conf, "-E", log]);
        wait_until("the server has started", || server.with_extension("pid").exists());
    }
}
