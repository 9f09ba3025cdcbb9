//! Keeps a journal of a run, and looks after its jobs a little:
//!
//! - each attempt that ends adds a line to `journal.tsv` in the workdir: job, attempt, exit code, seconds, name;
//! - the log gets one line at the end: how many jobs succeeded, failed, were cancelled, how many attempts were retried;
//! - jobs that the option `deny` names are held back, and all that are left once `max-failures` jobs have failed;
//! - with the option `nice`, commands run with that niceness.

use xqute_plugin::{Command, prelude::*};

/// Keeps the journal.
pub struct Journal;

#[export]
impl Plugin for Journal {
    fn about(about: About) -> About {
        about
            .list_option("deny", "hold back jobs whose name or command line contains this text")
            .option(
                "max-failures",
                "hold back all jobs that are left once this many have failed",
            )
            .option("nice", "run commands with this niceness, from 0 to 19")
    }
}

/// What the user wants.
struct Settings {
    deny: Vec<String>,
    max_failures: Option<i64>,
    nice: Option<u8>,
}

impl Settings {
    fn read() -> Result<Self, Error> {
        let options = run::options();
        Ok(Self {
            deny: options
                .values("deny")
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
            max_failures: options.parsed("max-failures")?,
            nice: options.parsed("nice")?,
        })
    }
}

// The gatekeeper works in another instance than the observer, so what they share is kept in the key-value store.
const COUNTED: [&str; 4] = [SUCCEEDED, FAILED, CANCELLED, RETRIED];
const SUCCEEDED: &str = "succeeded";
const FAILED: &str = "failed";
const CANCELLED: &str = "cancelled";
const RETRIED: &str = "retried";

/// The key of a count. Other runs keep journals too, at the same time or later.
fn key(what: &str) -> String {
    format!("{}/{what}", run::info().tag)
}

fn count(what: &str) {
    if let Err(error) = kv::add(&key(what), 1) {
        log::warn!("cannot count: {}", error.message());
    }
}

fn counted(what: &str) -> i64 {
    kv::number(&key(what))
}

fn forget() {
    for what in COUNTED {
        kv::remove(&key(what));
    }
}

#[export]
impl Observer for Journal {
    fn on_init() {
        forget();
    }

    fn on_job_succeeded(_job: &JobFact) {
        count(SUCCEEDED);
    }

    fn on_job_failed(job: &JobFact, cause: &FailureCause) {
        log::debug!("job {}, attempt {}: {cause}", job.job, job.attempt);
        count(if job.will_retry { RETRIED } else { FAILED });
    }

    fn on_job_killed(_job: &JobFact) {
        count(CANCELLED);
    }

    fn on_shutdown(signal: Option<&str>) {
        let counts = COUNTED.map(|what| format!("{} {what}", counted(what)));
        forget();
        let stopped = signal.map(|name| format!(", stopped by {name}")).unwrap_or_default();
        log::info!(
            "{} in {:.1} s{stopped}",
            counts.join(", "),
            clock::elapsed().as_secs_f64()
        );
    }
}

#[export]
impl Gatekeeper for Journal {
    fn on_job_submitting(job: &Job) -> Verdict {
        let settings = match Settings::read() {
            Ok(settings) => settings,
            Err(error) => return Verdict::veto(error.message()),
        };
        let line = job.command_line();
        if let Some(text) = settings
            .deny
            .iter()
            .find(|text| job.name.contains(*text) || line.contains(*text))
        {
            return Verdict::veto(format!("the option `deny` names it: {text}"));
        }
        match settings.max_failures {
            Some(most) if counted(FAILED) >= most => Verdict::veto(format!(
                "{} jobs have failed, and `max-failures` is {most}",
                counted(FAILED)
            )),
            _ => Verdict::Proceed,
        }
    }
}

#[export]
impl Snippets for Journal {
    /// Bash before version 5 has no `EPOCHREALTIME`: whole seconds are better than none.
    fn on_jobcmd_init(job: &Job) -> Option<String> {
        Some(format!(
            "export JOURNAL_ATTEMPT={} JOURNAL_NAME={}\njournal_start=${{EPOCHREALTIME:-$SECONDS.000000}}",
            job.attempt,
            quote(&one_line(&job.name)),
        ))
    }

    /// An argv takes `nice` in front of it; a line of bash needs a shell that is nice as a whole.
    fn on_jobcmd_prep(job: &Job) -> Option<String> {
        let nice = Settings::read().ok()?.nice?;
        Some(match job.command {
            Command::Argv(_) => format!(r#"cmd="nice -n {nice} $cmd""#),
            Command::Shell(_) => format!("printf -v cmd 'nice -n {nice} %q -c %q' \"$BASH\" \"$cmd\""),
        })
    }

    fn on_jobcmd_end(job: &Job) -> Option<String> {
        Some(format!(
            r#"journal_end=${{EPOCHREALTIME:-$SECONDS.000000}}
journal_us=$((10#${{journal_end/[.,]/}} - 10#${{journal_start/[.,]/}}))
printf '%d\t%d\t%d\t%d.%06d\t%s\n' {} "$JOURNAL_ATTEMPT" "$rc" $((journal_us / 1000000)) $((journal_us % 1000000)) \
  "$JOURNAL_NAME" >> "$XQUTE_METADIR/journal.tsv""#,
            job.index
        ))
    }
}

/// A name that fits into one field of the journal.
fn one_line(name: &str) -> String {
    name.replace(|character: char| character.is_control(), " ")
}
