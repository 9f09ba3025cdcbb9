//! `cargo xtask test`: every test there is.

use std::{ffi::OsStr, process::Command};

use anyhow::Result;

use crate::{
    build, hostile, languages,
    program::{become_it, cargo, program},
    project::Project,
};

/// Builds, then becomes `cargo test`, with backends around it when they are wanted.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    build::all()?;
    hostile::build()?;
    let project = Project::find()?;
    let (backends, args) = Backends::from(args);
    if backends == Backends::Started {
        languages::install(&project)?;
    }
    languages::all()?;
    let mut test = match backends {
        Backends::Started => with_backends(&project, cargo().get_program()),
        Backends::Given => cargo(),
        Backends::None => {
            println!(
                "\nxtask: NO REAL BACKENDS. Every test that needs one will be SKIPPED and says so. To run them as well:\n\
                 xtask:     cargo xtask test --services     (as root, on Debian; installs and starts private ones)\n\
                 xtask: or start those that you want, tests/services/NAME.sh up, and eval what `NAME.sh env` prints.\n"
            );
            cargo()
        }
    };
    if std::env::var_os(THREADS).is_none() {
        // Most of the time most tests wait: for jobs, and for backends.
        let processors = std::thread::available_parallelism()?;
        test.env(THREADS, (2 * processors.get()).to_string());
    }
    test.current_dir(&project.root)
        .env("XQUTE_BIN", project.xqute())
        .env("XQUTE_TEST_PLUGINS", project.plugins())
        .args(["test", "--release", "--workspace", "--no-fail-fast"])
        .args(args);
    Err(become_it(&mut test))
}

/// How many tests run at the same time.
const THREADS: &str = "RUST_TEST_THREADS";

/// The environment variables by which tests find backends.
const SIGNS: [&str; 6] = [
    "SLURM_CONF",
    "SGE_ROOT",
    "SSH_CONFIG",
    "CONTAINERS_CONF",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH",
    "XQUTE_TEST_STORES",
];

/// Where the backends that tests and benchmarks need come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backends {
    /// There are none.
    None,
    /// The environment names some.
    Given,
    /// We are to start them.
    Started,
}

impl Backends {
    /// Takes `--services` out of the arguments.
    pub(crate) fn from<'a>(args: &[&'a str]) -> (Self, Vec<&'a str>) {
        let (asked, rest): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| **arg == "--services");
        let given = SIGNS.iter().any(|sign| std::env::var_os(sign).is_some());
        let wanted = !asked.is_empty() || std::env::var_os("CI").is_some_and(|ci| ci == "true");
        let backends = match (given, wanted) {
            (true, _) => Self::Given,
            (false, true) => Self::Started,
            (false, false) => Self::None,
        };
        (backends, rest)
    }
}

/// The same program, to be completed with its arguments, with backends that are started before and stopped after it.
pub(crate) fn with_backends(project: &Project, inner: &OsStr) -> Command {
    let mut command = program("bash");
    command.arg(project.root.join("tests/services/with.sh")).arg(inner);
    command
}
