//! The chores of the project, as `cargo xtask CHORE`.
//!
//! - [`build`]: the command `xqute` and all plugins in Rust, from source; [`languages`]: those in other languages;
//! - [`demo`]: a job file of real jobs, run with a plugin, compared with the same work done one after the other;
//! - [`mod@test`], [`lint`]: what has to hold before a change is merged;
//! - [`mod@bench`]: figures, each measured beside its yardstick;
//! - [`project`]: where things lie; [`program`]: the only file that starts programs.
#![expect(clippy::print_stdout, reason = "chores say on the terminal what they do")]

use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench;
mod build;
mod demo;
mod hostile;
mod languages;
mod lint;
mod program;
mod project;
mod test;

const USAGE: &str = "\
cargo xtask CHORE

  build            build xqute and all plugins in Rust from source; skips what is up to date
  languages        build, then the plugins in other languages as well; needs python3, node, npm and the network
  demo             build, then run a file of real jobs and compare with the same work done one after the other
  test [--services] [CARGO TEST ARGS...]
                   build, then run every test; --services (or CI=true) starts the backends that tests need, as root
  lint             formatting, lints, documentation
  bench [--quick] [--services] [SUBJECT...]
                   build, then measure: all, or throughput, disk, slow, scale, startup, backends, stores; --services
                   (or CI=true) starts the backends to measure with, as root";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match chore(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn chore(words: &[&str]) -> Result<()> {
    match words {
        ["build"] => build::all().and_then(|()| hostile::build()),
        ["languages"] => build::all().and_then(|()| languages::all()),
        ["demo"] => demo::run(),
        ["test", args @ ..] => test::run(args),
        ["lint"] => lint::run_all(),
        ["bench", args @ ..] => bench::run(args),
        // What `bench` compares with; a process of its own, so that its use of the processor can be told.
        ["yardstick", scripts, in_flight, kind] => bench::yardstick::run(scripts.as_ref(), in_flight.parse()?, kind),
        [] | ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("`{}` is not a chore.\n{USAGE}", words.join(" ")),
    }
}
