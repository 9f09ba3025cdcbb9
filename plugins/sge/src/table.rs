//! Which options of `qsub` there are: plain data, in the order of the alphabet. What is made of them is in `options`.
//!
//! Names of options are small letters, so those that `qsub` writes with a capital one have a word as their name.

/// What an option wants to have behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// `-q short.q`: one argument.
    Value,
    /// `-pe smp 4`: one argument for each word.
    Words,
    /// `-r y`: yes or no.
    YesNo,
    /// `-notify`.
    Nothing,
}

/// One option of `qsub` that users may give.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// As `qsub` calls it, without the dash.
    pub(crate) flag: &'static str,
    pub(crate) takes: Takes,
    pub(crate) summary: &'static str,
}

/// One option of `qsub` that users may not give, and what to do instead.
pub(crate) struct Refused {
    pub(crate) name: &'static str,
    pub(crate) instead: &'static str,
}

const fn option(name: &'static str, flag: &'static str, takes: Takes, summary: &'static str) -> Known {
    Known {
        name,
        flag,
        takes,
        summary,
    }
}

const fn value(name: &'static str, flag: &'static str, summary: &'static str) -> Known {
    option(name, flag, Takes::Value, summary)
}

const fn refused(name: &'static str, instead: &'static str) -> Refused {
    Refused { name, instead }
}

pub(crate) const KNOWN: &[Known] = &[
    value("a", "a", "do not start before this time, as [[CC]YY]MMDDhhmm[.SS]"),
    value(
        "ac",
        "ac",
        "variables for the context; xqute adds one by which it finds its jobs again",
    ),
    value("account", "A", "account string in the accounting records (-A)"),
    value("ar", "ar", "advance reservation to use"),
    option(
        "binding",
        "binding",
        Takes::Words,
        "how jobs are bound to processor cores",
    ),
    value("c", "c", "when checkpoints are made"),
    value("ckpt", "ckpt", "checkpointing environment"),
    value("dl", "dl", "time at which jobs have to have top priority"),
    option(
        "export-all",
        "V",
        Takes::Nothing,
        "jobs see the environment of xqute (-V)",
    ),
    option(
        "h",
        "h",
        Takes::Nothing,
        "submit jobs in held state; release them with qrls",
    ),
    value(
        "hold-jid",
        "hold_jid",
        "start only when these jobs are over: ids or names, joined by commas",
    ),
    value(
        "interpreter",
        "S",
        "the bash that starts jobs, /bin/bash by default (-S)",
    ),
    value("js", "js", "job share, relative to other jobs"),
    value("jsv", "jsv", "job submission verification script"),
    value(
        "l",
        "l",
        "resources, as h_rt=1:00:00,h_vmem=2G; may be given several times",
    ),
    value("m", "m", "when Grid Engine sends mail: b, e, a, s, n"),
    value("mail-to", "M", "who gets the mail (-M)"),
    value("masterq", "masterq", "queues for the master task of a parallel job"),
    option(
        "notify",
        "notify",
        Takes::Nothing,
        "warn jobs by a signal before they are suspended or killed",
    ),
    option("now", "now", Takes::YesNo, "start at once or not at all"),
    value("ot", "ot", "override tickets; needs a privilege"),
    value("p", "p", "priority, -1023 to 1024"),
    option("pe", "pe", Takes::Words, "parallel environment and slots, as \"smp 4\""),
    value("project", "P", "charge the jobs to this project (-P)"),
    value("q", "q", "queue, or several joined by commas"),
    option(
        "r",
        "r",
        Takes::YesNo,
        "whether Grid Engine may start a job again under the same id",
    ),
    option("reserve", "R", Takes::YesNo, "reserve resources while waiting (-R)"),
    value("soft-l", "l", "resources that are preferred, but not needed (-soft -l)"),
    value("soft-q", "q", "queues that are preferred, but not needed (-soft -q)"),
    value("v", "v", "environment variables that jobs see, as NAME or NAME=VALUE"),
    value(
        "w",
        "w",
        "e: refuse requests that no queue could ever fulfil (the default); n: let them wait; w: warn",
    ),
];

pub(crate) const REFUSED: &[Refused] = &[
    refused("b", "jobs are commands; xqute writes their scripts"),
    refused(
        "clear",
        "it would undo defaults of your site; give the options that you want instead of them",
    ),
    refused(
        "cwd",
        "jobs start where xqute was started; use --cwd, or `cwd` in a job of a .jsonl file",
    ),
    refused("dc", "xqute needs its variable in the context; give others with `ac`"),
    refused(
        "e",
        "the job's stderr is in job.stderr of its directory, what is said before it starts in job.sge",
    ),
    refused("hard", "`l` and `q` are hard; `soft-l` and `soft-q` are soft"),
    refused(
        "hold-jid-ad",
        "xqute decides which jobs are tasks of one array; use `hold-jid`",
    ),
    refused("i", "redirect the input in the job's command"),
    refused(
        "j",
        "stdout and stderr of a job are in its directory, each in its own file",
    ),
    refused(
        "o",
        "the job's stdout is in job.stdout of its directory, what is said before it starts in job.sge",
    ),
    refused("qdel", "put the folder of the qdel that you want first on PATH"),
    refused("qstat", "put the folder of the qstat that you want first on PATH"),
    refused("qsub", "put the folder of the qsub that you want first on PATH"),
    refused("sc", "xqute needs its variable in the context; give others with `ac`"),
    refused("shell", "scripts of jobs are run by bash"),
    refused("soft", "use `soft-l` and `soft-q`"),
    refused("sync", "xqute waits for all of its jobs"),
    refused(
        "t",
        "feed one job for each task of the array; xqute makes arrays of them",
    ),
    refused("tc", "use --forks"),
    refused("terse", "it is in use already"),
    refused("u", "qsub has no such option; run xqute as that user"),
    refused("verify", "nothing would be submitted; use --dry-run"),
    refused("wd", "use --cwd, or `cwd` in a job of a .jsonl file"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_given_once() {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        let refused: Vec<_> = REFUSED.iter().map(|refused| refused.name).collect();
        assert!(refused.is_sorted_by(|a, b| a < b), "{refused:?}");
        assert!(refused.iter().all(|name| !names.contains(name)));
    }

    /// `qsub -help` of 8.1.9, as it was captured: whoever leaves an option out should know it.
    #[test]
    fn every_option_of_the_help_text_is_known_or_refused() {
        const NOT_FOR_JOBS: [&str; 8] = ["Ap", "astnode", "at", "dul", "help", "mattr", "srqs", "@"];
        // The name is `--jobname-prefix` and `name`, the prefix of directives is fixed, and errors are always hard.
        const CAPITALS_AND_ODDITIES: [&str; 3] = ["N", "C", "he"];
        let help = include_str!("../fixtures/qsub-help.txt");
        let mut seen = 0;
        for line in help.lines().filter_map(|line| line.strip_prefix("   [-")) {
            let flag = line.split([' ', ']']).next().unwrap();
            let name = flag.replace('_', "-");
            let listed = KNOWN.iter().any(|known| known.flag == flag)
                || REFUSED.iter().any(|refused| refused.name == name)
                || NOT_FOR_JOBS.contains(&flag)
                || CAPITALS_AND_ODDITIES.contains(&flag);
            assert!(listed, "-{flag} is in no list");
            seen += 1;
        }
        assert!(seen > 50, "only {seen} options found in the help text");
    }
}
