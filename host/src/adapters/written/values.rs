//! How single values are written, on the command line, in `xqute.toml` and in job files: the same everywhere.

use std::{num::NonZeroU32, time::Duration};

use crate::model::settings::RetryCause;

/// Forks: how many jobs at once.
pub fn forks(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| match text {
        "0" => "with 0 no job could ever run; the least is 1".to_owned(),
        _ => "expected a whole number from 1".to_owned(),
    })
}

/// A duration: `90`, `1.5` (seconds) or `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text.trim()).ok(),
    };
    match parsed {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a duration above 0, such as `90` (seconds), `1.5s`, `20m` or `1h 30m`".to_owned()),
    }
}

/// A duration that may be none at all.
pub fn pause(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" | "0s" => Ok(Duration::ZERO),
        _ => duration(text).map_err(|bad| bad.replace("above 0", "from 0")),
    }
}

/// How many failures are too many.
pub fn failures(text: &str) -> Result<NonZeroU32, String> {
    let expected = "expected a whole number from 1; without it, the run bears any number of failures";
    text.parse().map_err(|_| expected.to_owned())
}

/// The failures, by name, after which a job may be tried again.
const CAUSES: [(&str, RetryCause); 9] = [
    ("timed-out", RetryCause::TimedOut),
    ("signal", RetryCause::Signal),
    ("out-of-memory", RetryCause::OutOfMemory),
    ("preempted", RetryCause::Preempted),
    ("node-failure", RetryCause::NodeFailure),
    ("never-started", RetryCause::NeverStarted),
    ("lost", RetryCause::Lost),
    ("submission-failed", RetryCause::SubmissionFailed),
    ("other", RetryCause::Other),
];

/// A kind of failure: an exit code or a name.
pub fn retry_cause(text: &str) -> Result<RetryCause, String> {
    let text = text.trim();
    if let Some((_, cause)) = CAUSES.iter().find(|(name, _)| *name == text) {
        return Ok(*cause);
    }
    match text.parse() {
        Ok(code @ 1..=255) => Ok(RetryCause::ExitCode(code)),
        _ => {
            let names = CAUSES.map(|(name, _)| name).join(", ");
            Err(format!("expected an exit code from 1 to 255, or one of {names}"))
        }
    }
}

/// `K=V` for the environment of jobs.
pub fn env(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("expected NAME=VALUE".to_owned());
    };
    env_pair(name, value)
}

/// A variable that every shell can hold.
pub fn env_pair(name: &str, value: &str) -> Result<(String, String), String> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`{}` is not a name for an environment variable: it needs letters, digits and `_`, and no digit first",
            name.escape_debug()
        ));
    }
    if value.contains('\0') {
        return Err(format!("the value of {name} has a NUL byte in it"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// `K=V` for the scheduler.
pub fn option(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err("expected NAME=VALUE".to_owned()),
        Some((name, value)) => option_pair(name, value),
    }
}

/// An option that a scheduler may know.
pub fn option_pair(name: &str, value: &str) -> Result<(String, String), String> {
    if name.is_empty() || name.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(format!("`{}` is not a name for an option", name.escape_debug()));
    }
    if value.contains('\0') {
        return Err(format!("the value of {name} has a NUL byte in it"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A shell and its arguments, as one would type them.
pub fn shell_words(text: &str) -> Result<Vec<String>, String> {
    match shlex::split(text) {
        Some(words) if !words.is_empty() => Ok(words),
        _ => Err("expected a program and its arguments, such as `/bin/bash -l`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        assert_eq!(duration("90").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("0.5").unwrap(), Duration::from_millis(500));
        assert_eq!(duration(" 1h 30m").unwrap(), Duration::from_secs(5400));
        for bad in ["0", "-1", "nan", "inf", "1e300", "soon", ""] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pause_may_be_none_at_all() {
        assert_eq!(pause("0").unwrap(), Duration::ZERO);
        assert_eq!(pause("1.5").unwrap(), Duration::from_millis(1500));
        insta::assert_snapshot!(pause("-1").unwrap_err(), @"expected a duration from 0, such as `90` (seconds), `1.5s`, `20m` or `1h 30m`");
    }

    #[test]
    fn causes_are_codes_or_names() {
        assert_eq!(retry_cause("75"), Ok(RetryCause::ExitCode(75)));
        assert_eq!(retry_cause(" out-of-memory"), Ok(RetryCause::OutOfMemory));
        for bad in ["0", "256", "-1", "oom", ""] {
            assert!(retry_cause(bad).is_err(), "{bad}");
        }
        insta::assert_snapshot!(retry_cause("oom").unwrap_err(), @"expected an exit code from 1 to 255, or one of timed-out, signal, out-of-memory, preempted, node-failure, never-started, lost, submission-failed, other");
    }

    #[test]
    fn pairs_are_split_at_the_first_equals_sign() {
        assert_eq!(env("A=b=c").unwrap(), ("A".into(), "b=c".into()));
        assert_eq!(option("a=").unwrap(), ("a".into(), String::new()));
        for bad in ["A", "=b", "1A=b", "A-B=c"] {
            assert!(env(bad).is_err(), "{bad}");
        }
        assert!(option("=x").is_err());
    }

    #[test]
    fn zero_forks_are_explained() {
        assert_eq!(forks("0").unwrap_err(), "with 0 no job could ever run; the least is 1");
        assert!(forks("-1").is_err());
        assert_eq!(forks("12").unwrap().get(), 12);
    }

    #[test]
    fn a_shell_has_words() {
        assert_eq!(shell_words("/bin/bash -l").unwrap(), ["/bin/bash", "-l"]);
        assert!(shell_words("").is_err() && shell_words("'open").is_err());
    }
}
