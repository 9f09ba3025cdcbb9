//! The options of a run → one `sbatch --test-only`, and what it said → whether the run may start. It finds what Slurm would
//! refuse with every job, and requests that Slurm would accept and then never fulfil.

use xqute_plugin::Output;
use xqute_plugin::prelude::*;

use crate::notes::Fact;
use crate::options;
use crate::trouble::{self, Trouble};

/// Asks Slurm about a run's options, once in the life of a process of the host. Nothing is submitted.
pub(crate) fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
    let arguments = options::arguments(options)?;
    if run::is_dry() || Fact::Checked.holds(&run.tag) {
        return Ok(());
    }
    let argv = ["--test-only".to_owned()].into_iter().chain(arguments);
    let output = match process::run_with_input("sbatch", argv, b"#!/bin/sh\n") {
        Ok(output) => output,
        // A user may well grant only what submits jobs.
        Err(Error::Denied(_)) => return Ok(()),
        Err(error) => return Err(missing(&error)),
    };
    let refused = |said: &str| {
        let text = format!("Slurm would run no job with the options of this run: {said}");
        Err(Error::InvalidOptions(text))
    };
    match judge(options, &output)? {
        Verdict::Fine => {}
        Verdict::Never(said) => return refused(&said),
        Verdict::NotNow(said) if all_machines_are_up() => return refused(&said),
        Verdict::NotNow(said) | Verdict::Perhaps(said) => {
            log::warn!("sbatch --test-only is not happy with the options of this run: {said}");
        }
    }
    Fact::Checked.note(&run.tag);
    Ok(())
}

/// What Slurm thinks of a run's options.
enum Verdict {
    Fine,
    /// No job can run with them, not even if it brings options of its own.
    Never(String),
    /// No machine that is up has what they ask for.
    NotNow(String),
    /// Only a look at the jobs can tell.
    Perhaps(String),
}

fn missing(error: &Error) -> Error {
    Error::Other(format!(
        "Slurm's clients do not work here: {}; install them, or put the folder that has them on PATH",
        error.message()
    ))
}

fn judge(options: &[(String, String)], output: &Output) -> Result<Verdict, Error> {
    if trouble::is_not_configured(output) {
        let said = trouble::sentence(&output.stderr_text());
        let last = said.rsplit("; ").next().unwrap_or_default();
        return Err(Error::Other(format!(
            "Slurm's clients find no configuration on this machine ({last}): run xqute where Slurm is set up, or name the file \
             in SLURM_CONF"
        )));
    }
    Ok(match trouble::of(output) {
        // It is waited out when jobs are submitted.
        None | Some(Trouble::Unreachable(_) | Trouble::InDoubt(_) | Trouble::Busy) => Verdict::Fine,
        Some(Trouble::Usage(said)) if is_about_options(&said) => Verdict::Never(said),
        Some(Trouble::Refusal(said)) if is_final(options, &said) => Verdict::Never(said),
        Some(Trouble::Refusal(said)) if said.contains(NO_MACHINE) => Verdict::NotNow(said),
        Some(Trouble::Usage(said) | Trouble::Refusal(said)) => Verdict::Perhaps(said),
    })
}

/// What Slurm also says where machines that would do are down just now.
const NO_MACHINE: &str = "Requested node configuration is not available";

/// Whether Slurm can use each of its machines, now or when those jobs end that it has.
fn all_machines_are_up() -> bool {
    let output = process::run("sinfo", ["--all", "--noheader", "--format=%t"]);
    output.is_ok_and(|output| {
        let stdout = output.stdout_text();
        let mut states = stdout.split_ascii_whitespace().peekable();
        output.succeeded()
            && states.peek().is_some()
            && states.all(|state| matches!(state, "idle" | "mix" | "alloc" | "comp"))
    })
}

/// What no job of its own can put right. The name of an option stands beside what could also mean that one is missing which
/// each job brings along.
const FINAL: [(&str, Option<&str>); 11] = [
    ("Invalid account", Some("account")),
    ("Invalid qos", Some("qos")),
    ("Invalid partition", Some("partition")),
    ("not permitted to use this partition", Some("partition")),
    ("Invalid feature", None),
    ("Invalid generic resource", None),
    ("Invalid license", None),
    ("Invalid node name", None),
    ("Requested reservation is invalid", None),
    ("Job dependency problem", None),
    ("Requested time limit is invalid", None),
];

fn is_final(options: &[(String, String)], said: &str) -> bool {
    let given = |name: &Option<&str>| name.is_none_or(|name| options.value(name).is_some());
    FINAL.iter().any(|(words, name)| said.contains(words) && given(name))
}

/// Whether `sbatch` speaks of what it was given.
fn is_about_options(said: &str) -> bool {
    ["option", "specification", "nvalid", "--"]
        .iter()
        .any(|word| said.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::Host;

    fn opened(host: &Host, options: &[(&str, &str)]) -> Result<(), Error> {
        let options: Vec<(String, String)> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let answer = open(&options, &run::info());
        let tries = host.calls().into_iter().filter(|call| call.program == "sbatch");
        assert!(tries.count() <= 1);
        answer
    }

    fn says(code: i32, stderr: &'static str) -> Host {
        let host = Host::new();
        host.on_program("sbatch", move |_| Host::fails(code, stderr));
        host
    }

    #[test]
    fn options_are_tried_once() {
        let host = says(
            0,
            "sbatch: Job 7 to start at 2026-11-22T23:44:34 using 1 processors on nodes vm in partition debug\n",
        );
        for _ in 0..2 {
            assert_eq!(opened(&host, &[("time", "5"), ("comment", "x")]), Ok(()));
        }
        assert_eq!(host.calls()[0].to_string(), "sbatch --test-only --time=5");
        assert_eq!(host.calls()[0].stdin, b"#!/bin/sh\n");
        assert_eq!(host.log_text(), "");
    }

    #[test]
    fn what_can_never_run_is_refused() {
        let refusal = |code, stderr, options: &[(&str, &str)]| opened(&says(code, stderr), options).unwrap_err();
        let said = "Slurm would run no job with the options of this run: ";
        assert_eq!(
            refusal(
                1,
                include_str!("../fixtures/test-bad-partition.stderr"),
                &[("partition", "nope")]
            ),
            Error::InvalidOptions(format!(
                "{said}invalid partition specified: nope; Invalid partition name specified"
            ))
        );
        assert_eq!(
            refusal(
                255,
                include_str!("../fixtures/submit-bad-time.stderr"),
                &[("time", "soon")]
            ),
            Error::InvalidOptions(format!("{said}Invalid --time specification"))
        );
    }

    #[test]
    fn what_no_machine_has_is_refused_if_all_are_up() {
        let machines = |states: &'static str| {
            let host = says(1, include_str!("../fixtures/test-impossible.stderr"));
            host.on_program("sinfo", move |_| Host::prints(states));
            host
        };
        let options = [("cpus-per-task", "100")];
        let refused =
            "Slurm would run no job with the options of this run: Requested node configuration is not available";
        assert_eq!(
            opened(&machines("mix\nidle\n"), &options),
            Err(Error::InvalidOptions(refused.to_owned()))
        );
        for states in ["idle\ndrain\n", "down*\n", "unk\n", ""] {
            let host = machines(states);
            assert_eq!(opened(&host, &options), Ok(()), "{states}");
            assert!(host.log_text().contains(NO_MACHINE), "{}", host.log_text());
        }
    }

    #[test]
    fn what_jobs_may_put_right_is_only_said() {
        let host = says(
            1,
            "allocation failure: Invalid account or account/partition combination specified\n",
        );
        assert_eq!(opened(&host, &[("time", "5")]), Ok(()));
        assert!(host.log_text().contains("Invalid account"), "{}", host.log_text());
        let host = says(1, "allocation failure: Node count specification invalid\n");
        assert_eq!(opened(&host, &[]), Ok(()));
        assert!(host.log_text().contains("Node count"), "{}", host.log_text());
    }

    #[test]
    fn a_slurm_that_is_down_is_waited_for() {
        let host = says(1, include_str!("../fixtures/submit-controller-down.stderr"));
        assert_eq!(opened(&host, &[]), Ok(()));
    }

    #[test]
    fn a_machine_without_slurm_ends_the_run() {
        let host = Host::new();
        host.on_program("sbatch", |_| {
            Err(Error::Rejected("there is no program `sbatch` on PATH".to_owned()))
        });
        let expected = "Slurm's clients do not work here: there is no program `sbatch` on PATH; install them, or put the folder \
                        that has them on PATH";
        assert_eq!(opened(&host, &[]), Err(Error::Other(expected.to_owned())));
        let host = says(1, include_str!("../fixtures/submit-not-configured.stderr"));
        let error = opened(&host, &[]).unwrap_err();
        assert!(error.message().contains("SLURM_CONF"), "{error:?}");
    }

    #[test]
    fn a_dry_run_asks_nobody() {
        let host = says(1, "");
        let mut info = run::info();
        info.attributes = vec![("dry-run".to_owned(), "true".to_owned())];
        host.set_run(info);
        assert_eq!(opened(&host, &[]), Ok(()));
        assert!(host.calls().is_empty());
    }

    #[test]
    fn who_may_not_ask_goes_on_without() {
        let host = Host::new();
        assert_eq!(opened(&host, &[]), Ok(()), "nothing was granted");
    }
}
