//! The exit codes of `xqute`. They are an interface: scripts rely on them.

/// How the command ends, told to whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: every job succeeded, or there was nothing to object to.
    Success,
    /// 1: some job did not succeed, or a plugin failed a test.
    JobsFailed,
    /// 2: bad usage or bad input; nothing was run.
    Usage,
    /// 3: a plugin could not be loaded, was refused a right it needs, is quarantined, or halted the run by failing.
    Plugin,
    /// 4: the workdir, or the state in it, cannot be used.
    Workdir,
    /// 125, of `xqute run-staged`: the job's script could not be run, or not all that it left was copied.
    NotStaged,
    /// Any number, of `xqute run-staged`: that of the job's script.
    Job(u8),
    /// 128+N: stopped by signal N.
    Signal(i32),
}

/// The same, for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0      every job succeeded
  1      some job did not, or a plugin failed a test
  2      bad usage or input; nothing was run
  3      a plugin could not be loaded, was refused a right, is quarantined, or halted the run
  4      the workdir or its state cannot be used
  128+N  stopped by signal N";

impl Exit {
    /// The number.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::JobsFailed => 1,
            Self::Usage => 2,
            Self::Plugin => 3,
            Self::Workdir => 4,
            Self::NotStaged => 125,
            Self::Job(code) => code,
            Self::Signal(signal) => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
        }
    }

    /// How a run ends: being stopped says more than a bad plugin, and that more than failed jobs.
    pub(super) fn of_run(stopped_by: Option<i32>, bad_plugins: bool, all_succeeded: bool) -> Self {
        match (stopped_by, bad_plugins, all_succeeded) {
            (Some(signal), ..) => Self::Signal(signal),
            (None, true, _) => Self::Plugin,
            (None, false, false) => Self::JobsFailed,
            (None, false, true) => Self::Success,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_help() {
        let all = [
            Exit::Success,
            Exit::JobsFailed,
            Exit::Usage,
            Exit::Plugin,
            Exit::Workdir,
        ];
        for (number, exit) in all.into_iter().enumerate() {
            assert_eq!(usize::from(exit.code()), number);
            assert!(
                HELP.contains(&format!("\n  {number}      ")),
                "{number} is not in the help"
            );
        }
        assert_eq!(Exit::Signal(2).code(), 130);
        assert_eq!(Exit::Signal(15).code(), 143);
    }

    #[test]
    fn a_signal_outranks_a_plugin_and_that_failed_jobs() {
        assert_eq!(Exit::of_run(Some(15), true, false), Exit::Signal(15));
        assert_eq!(Exit::of_run(None, true, false), Exit::Plugin);
        assert_eq!(Exit::of_run(None, true, true), Exit::Plugin);
        assert_eq!(Exit::of_run(None, false, false), Exit::JobsFailed);
        assert_eq!(Exit::of_run(None, false, true), Exit::Success);
    }
}
