//! Runs that live for as long as a test needs them.

use std::{
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::PathBuf,
};

use xqute_tests::{Output, Running, Scratch};

/// Runs until the file `go` is there; says so in a file of its own.
pub(crate) const WAITS: &str = "touch \"ready.$XQUTE_JOB_INDEX\"; until [[ -e go ]]; do sleep 0.01; done\n";

/// A run that listens.
pub(crate) fn listening(scratch: &Scratch, args: &[&str]) -> Running {
    let running = scratch.xqute(["run", "--listen"]).args(args).start();
    scratch.wait_for_file(".xqute/run.sock");
    running
}

/// A run of these jobs, once the first of them runs.
pub(crate) fn running(scratch: &Scratch, jobs: &str, args: &[&str]) -> Running {
    scratch.write("jobs.txt", jobs);
    let running = scratch.xqute(["run", "jobs.txt"]).args(args).start();
    scratch.wait_for_file("ready.0");
    running
}

/// Runs `xqute` with these arguments to its end.
#[track_caller]
pub(crate) fn xqute(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.xqute(args).run()
}

/// Lets waiting jobs go on.
pub(crate) fn go(scratch: &Scratch) {
    scratch.write("go", "");
}

/// The socket of the default workdir, by a path that is short enough for any kernel.
pub(crate) fn connect(scratch: &Scratch) -> UnixStream {
    use std::os::fd::AsRawFd as _;
    let folder = std::fs::File::open(scratch.path(".xqute")).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}/run.sock", folder.as_raw_fd()));
    UnixStream::connect(path).unwrap()
}

/// Says this and no more, and returns the answer. Who is not heard out may be hung up on.
pub(crate) fn say(scratch: &Scratch, words: &[u8]) -> String {
    let mut stream = connect(scratch);
    let _hung_up: io::Result<()> = stream.write_all(words).and_then(|()| stream.shutdown(Shutdown::Write));
    listen(&mut stream)
}

/// The answer.
pub(crate) fn listen(stream: &mut UnixStream) -> String {
    let mut answer = Vec::new();
    let _hung_up = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}
