//! Options that users give, checked and turned into arguments of `sbatch`. Pure functions; what xqute itself adds is in
//! `submit`.

use crate::table::{KNOWN, Known, REFUSED, Takes};
use xqute_plugin::{About, Error};

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

/// The arguments that the options stand for, in the order in which they were given. Of a flag that was given several
/// times only the last word counts, so that a job can switch off what its run switched on.
pub(crate) fn arguments(options: &[(String, String)]) -> Result<Vec<String>, Error> {
    let mut arguments = Vec::new();
    for (place, (name, value)) in options.iter().enumerate() {
        // `comment` is joined with xqute's own in `submit`.
        if name == "comment" {
            check_text(name, value)?;
            continue;
        }
        let known = look_up(name)?;
        let overruled = known.takes != Takes::Value && options.iter().skip(place + 1).any(|(later, _)| later == name);
        if let Some(argument) = argument(known, value)?
            && !overruled
        {
            arguments.push(argument);
        }
    }
    Ok(arguments)
}

/// Writes an argument so that `sbatch` reads it back from a `#SBATCH` line.
pub(crate) fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if argument.chars().all(plain) {
        return argument.to_owned();
    }
    let (name, value) = argument
        .split_once('=')
        .map_or(("", argument), |(name, value)| (name, value));
    let equals = if name.is_empty() { "" } else { "=" };
    format!("{name}{equals}\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn look_up(name: &str) -> Result<&'static Known, Error> {
    if let Some(refused) = REFUSED.iter().find(|refused| refused.name == name) {
        return Err(Error::InvalidOptions(format!(
            "`{name}` cannot be given for slurm: {}",
            refused.instead
        )));
    }
    KNOWN.iter().find(|known| known.name == name).ok_or_else(|| {
        Error::InvalidOptions(format!(
            "`{name}` is not an option of sbatch that xqute knows; options are sbatch's long names without dashes in \
             front, such as `partition`"
        ))
    })
}

fn argument(known: &Known, value: &str) -> Result<Option<String>, Error> {
    let name = known.name;
    check_text(name, value)?;
    match (known.takes, value) {
        (Takes::Value, "") => Err(Error::InvalidOptions(format!(
            "`{name}` needs a value ({}); write {name}=VALUE",
            known.summary
        ))),
        (Takes::MaybeValue | Takes::Nothing, "" | "true" | "yes") => Ok(Some(format!("--{name}"))),
        (Takes::MaybeValue | Takes::Nothing, "false" | "no") => Ok(None),
        (Takes::Nothing, _) => Err(Error::InvalidOptions(format!(
            "`{name}` is either true or false, not {value:?} ({})",
            known.summary
        ))),
        (Takes::Value | Takes::MaybeValue, _) => Ok(Some(format!("--{name}={value}"))),
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

    fn refusal(options: &[(&str, &str)]) -> String {
        match arguments(&given(options)) {
            Err(Error::InvalidOptions(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_become_arguments_in_their_order() {
        let options = given(&[
            ("partition", "short"),
            ("mem", "4G"),
            ("gres", "gpu:1"),
            ("gres", "ssd"),
            ("hold", "true"),
        ]);
        assert_eq!(
            arguments(&options).unwrap(),
            ["--partition=short", "--mem=4G", "--gres=gpu:1", "--gres=ssd", "--hold"]
        );
    }

    #[test]
    fn flags_stand_alone_and_their_last_word_counts() {
        assert_eq!(arguments(&given(&[("exclusive", "")])).unwrap(), ["--exclusive"]);
        assert_eq!(
            arguments(&given(&[("exclusive", "user")])).unwrap(),
            ["--exclusive=user"]
        );
        assert_eq!(
            arguments(&given(&[("requeue", "true"), ("requeue", "false")])).unwrap(),
            [""; 0]
        );
        assert_eq!(
            arguments(&given(&[("exclusive", "true"), ("exclusive", "mcs")])).unwrap(),
            ["--exclusive=mcs"]
        );
    }

    #[test]
    fn refusals_say_what_to_do() {
        assert_eq!(
            refusal(&[("job-name", "x")]),
            "`job-name` cannot be given for slurm: use --jobname-prefix, or `name` in a job of a .jsonl file"
        );
        assert_eq!(
            refusal(&[("partiton", "x")]),
            "`partiton` is not an option of sbatch that xqute knows; options are sbatch's long names without dashes in \
             front, such as `partition`"
        );
        assert_eq!(
            refusal(&[("partition", "")]),
            "`partition` needs a value (partition, or several joined by commas); write partition=VALUE"
        );
        assert_eq!(
            refusal(&[("hold", "3")]),
            "`hold` is either true or false, not \"3\" (submit jobs in held state; release them with scontrol)"
        );
        assert_eq!(
            refusal(&[("comment", "a\nb")]),
            "the value of `comment` has the control character '\\n'; it must be one line"
        );
    }

    #[test]
    fn what_is_refused_is_described_too() {
        let described = xqute_plugin::describe::<crate::Slurm>().options;
        assert_eq!(described.len(), KNOWN.len() + REFUSED.len());
        assert!(
            described
                .iter()
                .any(|info| info.name == "array" && info.summary.starts_with("not accepted: "))
        );
    }

    #[test]
    fn quotes_are_used_only_where_sbatch_needs_them() {
        assert_eq!(quote("--partition=short,long"), "--partition=short,long");
        assert_eq!(quote("--hold"), "--hold");
        // Given to Slurm 22.05, this line makes the comment `a b 'c' #d "e" \ f%j$HOME`.
        assert_eq!(
            quote(r#"--comment=a b 'c' #d "e" \ f%j$HOME"#),
            r#"--comment="a b 'c' #d \"e\" \\ f%j$HOME""#
        );
    }
}
