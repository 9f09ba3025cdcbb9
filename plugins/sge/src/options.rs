//! Options that users give, checked and turned into arguments of `qsub`. Pure functions; what xqute itself adds is in
//! `submit`.

use crate::table::{KNOWN, Known, REFUSED, Takes};
use xqute_plugin::{About, Error, Lookup};

/// Documents the options.
pub(crate) fn describe(about: About) -> About {
    let about = KNOWN
        .iter()
        .fold(about, |about, known| about.list_option(known.name, known.summary));
    // Listed as well: the host would call them unknown otherwise, and nobody would be told what to do instead.
    REFUSED.iter().fold(about, |about, refused| {
        about.option(refused.name, &format!("not accepted: {}", refused.instead))
    })
}

/// What one option stands for: `-q` `short.q`.
pub(crate) type Argument = Vec<String>;

/// The arguments that the options stand for, in the order in which they were given. Of a flag that was given several times
/// only the last word counts, so that a job can switch off what its run switched on.
pub(crate) fn arguments(options: &[(String, String)]) -> Result<Vec<Argument>, Error> {
    let mut arguments = Vec::new();
    for (place, (name, value)) in options.iter().enumerate() {
        let known = look_up(name)?;
        let overruled = known.takes == Takes::Nothing && options.iter().skip(place + 1).any(|(later, _)| later == name);
        if let Some(argument) = argument(known, value)?
            && !overruled
        {
            arguments.push(argument);
        }
    }
    Ok(arguments)
}

/// Whether the user said this himself.
pub(crate) fn gives(options: &[(String, String)], name: &str) -> bool {
    options.value(name).is_some()
}

/// Writes an argument so that `qsub` reads it back from a `#$` line; none if that cannot be done.
///
/// Tried with 8.1.9: words may be in double quotes, and all quotes and backslashes in front of them are dropped.
pub(crate) fn quote(argument: &str) -> Option<String> {
    if argument.contains(['"', '\'', '\\', '#']) {
        return None;
    }
    let plain = !argument.is_empty() && !argument.contains(char::is_whitespace);
    Some(if plain {
        argument.to_owned()
    } else {
        format!("\"{argument}\"")
    })
}

fn look_up(name: &str) -> Result<&'static Known, Error> {
    if let Some(refused) = REFUSED.iter().find(|refused| refused.name == name) {
        return Err(Error::InvalidOptions(format!(
            "`{name}` cannot be given for sge: {}",
            refused.instead
        )));
    }
    if name == "N" {
        return Err(Error::InvalidOptions(
            "`N` cannot be given for sge: use --jobname-prefix, or `name` in a job of a .jsonl file".to_owned(),
        ));
    }
    let by_capital = |known: &&Known| known.flag == name && name.bytes().all(|byte| byte.is_ascii_uppercase());
    KNOWN
        .iter()
        .find(|known| known.name == name)
        .or_else(|| KNOWN.iter().find(by_capital))
        .ok_or_else(|| {
            Error::InvalidOptions(format!(
                "`{name}` is not an option of qsub that xqute knows; options are those of qsub without the dash in \
                 front, such as `q`"
            ))
        })
}

fn argument(known: &Known, value: &str) -> Result<Option<Argument>, Error> {
    let (name, flag) = (known.name, format!("-{}", known.flag));
    check_text(name, value)?;
    let truth = match value {
        "" | "true" | "yes" | "y" => Some(true),
        "false" | "no" | "n" => Some(false),
        _ => None,
    };
    let bad = |wanted: &str| {
        Err(Error::InvalidOptions(format!(
            "`{name}` {wanted} ({}); write {name}=VALUE",
            known.summary
        )))
    };
    match (known.takes, truth) {
        (Takes::Value | Takes::Words, _) if value.trim().is_empty() => bad("needs a value"),
        (Takes::Value | Takes::Words, _) if value.starts_with('-') && name != "p" => {
            bad("cannot have a value that starts with a dash")
        }
        (Takes::Value, _) if name == "w" && !matches!(value, "e" | "w" | "n") => bad("is e, w or n"),
        (Takes::Value, _) if name == "interpreter" && !value.ends_with("/bash") => bad("is the path of a bash"),
        (Takes::Value, _) if name.starts_with("soft-") => Ok(Some(vec![
            "-soft".to_owned(),
            flag,
            value.to_owned(),
            "-hard".to_owned(),
        ])),
        (Takes::Value, _) => Ok(Some(vec![flag, value.to_owned()])),
        (Takes::Words, _) => {
            let words = value.split_whitespace().map(str::to_owned);
            Ok(Some([flag].into_iter().chain(words).collect()))
        }
        (Takes::YesNo | Takes::Nothing, None) => bad("is either true or false"),
        (Takes::YesNo, Some(truth)) => Ok(Some(vec![flag, if truth { "y" } else { "n" }.to_owned()])),
        (Takes::Nothing, Some(true)) => Ok(Some(vec![flag])),
        (Takes::Nothing, Some(false)) => Ok(None),
    }
}

fn check_text(name: &str, value: &str) -> Result<(), Error> {
    match value.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => Err(Error::InvalidOptions(format!(
            "the value of `{name}` has the control character {c:?}; it must be one line"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(options: &[(&str, &str)]) -> Vec<(String, String)> {
        options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn flat(options: &[(&str, &str)]) -> Vec<String> {
        arguments(&given(options)).unwrap().concat()
    }

    fn refusal(options: &[(&str, &str)]) -> String {
        match arguments(&given(options)) {
            Err(Error::InvalidOptions(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_become_arguments_in_their_order() {
        assert_eq!(
            flat(&[
                ("l", "h_rt=1:00:00"),
                ("q", "short.q"),
                ("l", "h_vmem=1G"),
                ("pe", "smp 4"),
                ("hold-jid", "7,a b"),
                ("project", "x"),
                ("soft-l", "ssd"),
                ("p", "-5"),
            ]),
            [
                "-l",
                "h_rt=1:00:00",
                "-q",
                "short.q",
                "-l",
                "h_vmem=1G",
                "-pe",
                "smp",
                "4",
                "-hold_jid",
                "7,a b",
                "-P",
                "x",
                "-soft",
                "-l",
                "ssd",
                "-hard",
                "-p",
                "-5"
            ]
        );
        assert_eq!(
            flat(&[("P", "x"), ("V", "true")]),
            ["-P", "x", "-V"],
            "capitals are understood too"
        );
    }

    #[test]
    fn flags_stand_alone_and_their_last_word_counts() {
        assert_eq!(flat(&[("notify", "")]), ["-notify"]);
        assert_eq!(flat(&[("notify", "true"), ("notify", "false")]), [""; 0]);
        assert_eq!(flat(&[("r", "yes"), ("reserve", "false")]), ["-r", "y", "-R", "n"]);
    }

    #[test]
    fn refusals_say_what_to_do() {
        assert_eq!(
            refusal(&[("t", "1-4")]),
            "`t` cannot be given for sge: feed one job for each task of the array; xqute makes arrays of them"
        );
        assert_eq!(
            refusal(&[("N", "x")]),
            "`N` cannot be given for sge: use --jobname-prefix, or `name` in a job of a .jsonl file"
        );
        assert_eq!(
            refusal(&[("queue", "x")]),
            "`queue` is not an option of qsub that xqute knows; options are those of qsub without the dash in front, \
             such as `q`"
        );
        assert_eq!(
            refusal(&[("q", "")]),
            "`q` needs a value (queue, or several joined by commas); write q=VALUE"
        );
        assert_eq!(
            refusal(&[("r", "3")]),
            "`r` is either true or false (whether Grid Engine may start a job again under the same id); write r=VALUE"
        );
        assert!(refusal(&[("q", "-sync")]).contains("starts with a dash"));
        assert!(refusal(&[("w", "v")]).contains("is e, w or n"));
        assert!(refusal(&[("interpreter", "/bin/tcsh")]).contains("a bash"));
        assert_eq!(
            refusal(&[("l", "a\nb")]),
            "the value of `l` has the control character '\\n'; it must be one line"
        );
    }

    #[test]
    fn what_is_refused_is_described_too() {
        let described = xqute_plugin::describe::<crate::Sge>().options;
        assert_eq!(described.len(), KNOWN.len() + REFUSED.len());
        assert!(
            described
                .iter()
                .any(|info| info.name == "t" && info.summary.starts_with("not accepted: "))
        );
    }

    #[test]
    fn quotes_are_used_only_where_qsub_needs_them() {
        assert_eq!(quote("h_rt=1:00:00,h_vmem=2G").unwrap(), "h_rt=1:00:00,h_vmem=2G");
        assert_eq!(quote("/data/my project").unwrap(), "\"/data/my project\"");
        assert_eq!(quote("it's"), None);
    }
}
