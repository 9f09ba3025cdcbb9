//! Runs on servers: how these tests start them.

use std::{ffi::OsStr, path::Path};

use xqute_tests::{Scratch, Xqute, machine::skip};

/// The configuration of the servers that are there; `None` if there are none.
pub(crate) fn config(test: &str) -> Option<String> {
    let config = std::env::var("SSH_CONFIG").ok();
    if config.is_none() {
        skip(
            test,
            "there are no servers (SSH_CONFIG is not set); start some with tests/services/sshd.sh up",
        );
    }
    config
}

/// `xqute run -s ssh` with these arguments, on servers that this configuration describes.
pub(crate) fn on(config: &str, scratch: &Scratch, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
    let run = scratch.with_plugins(&["ssh"], ["-v", "run", "-s", "ssh", "--recheck-interval", "1"]);
    run.args(reached_by(config, scratch)).args(args)
}

/// The options that say how servers are reached, such that nothing is left behind for long.
pub(crate) fn reached_by(config: &str, scratch: &Scratch) -> Vec<String> {
    let sockets = scratch.path("c");
    std::fs::create_dir_all(&sockets).unwrap();
    let options = [
        ("config", Path::new(config)),
        ("ctrl-dir", &sockets),
        ("ctrl-persist", Path::new("3")),
    ];
    let given = options.map(|(name, value)| ["--opt".to_owned(), format!("{name}={}", value.display())]);
    given.concat()
}

/// Both servers.
pub(crate) const BOTH: [&str; 2] = ["--opt", "servers=n1,n2"];

/// The server that a job ran on.
pub(crate) fn server_of(scratch: &Scratch, job: u32) -> String {
    let id = scratch.job(job).text("job.jid");
    id.split('/').next().unwrap().to_owned()
}
