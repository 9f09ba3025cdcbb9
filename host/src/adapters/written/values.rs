//! How single values are written, on the command line, in `xqute.toml` and in job files: the same everywhere.

use std::{num::NonZeroU32, time::Duration};

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
