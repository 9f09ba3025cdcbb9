//! Jobs → arrays, an array → the arguments of `qsub`, and what `qsub` answered → ids. Pure functions.
//!
//! Jobs that were given the same options become the tasks of one array, since one `qsub` costs as much as running some
//! jobs. The arguments of a job alone are written into its script as `#$` lines, where people look for them.

use crate::identity::Identity;
use crate::launcher;
use crate::name;
use crate::options::{Argument, arguments, gives, quote};
use crate::task::{Task, number};
use crate::trouble::{self, Trouble, unavailable};
use xqute_plugin::{Error, Job, Lookup, Output};

/// Puts jobs that can be one array together, in their order; gives their places in the list.
pub(crate) fn groups(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&Job, Vec<usize>)> = Vec::new();
    for (place, job) in jobs.iter().enumerate() {
        let alike = |(first, _): &&mut (&Job, _)| first.attempt == job.attempt && first.options == job.options;
        match groups.iter_mut().find(alike) {
            Some((_, places)) => places.push(place),
            None => groups.push((job, vec![place])),
        }
    }
    groups.into_iter().map(|(_, places)| places).collect()
}

/// One array job: what `qsub` is told, and the script that it is given to read.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) argv: Vec<String>,
    pub(crate) script: String,
}

/// The array of these jobs.
pub(crate) fn array(jobs: &[&Job], run: &str, carrier: Option<&str>) -> Result<Array, Error> {
    let Some(first) = jobs.first() else {
        return Err(Error::Other("an array without jobs".to_owned()));
    };
    // In other paths Grid Engine would put values for `$HOME`, `$JOB_ID` and the like.
    let shared_cwd = launcher::cwd(first)
        .filter(|cwd| !cwd.contains('$') && jobs.iter().all(|job| launcher::cwd(job) == Some(*cwd)));
    let mut argv = own(
        &Identity::of(jobs, run),
        &name::of(jobs),
        shared_cwd,
        "/dev/null",
        first,
    );
    argv.extend(arguments(&first.options)?);
    argv.extend([
        vec!["-terse".to_owned()],
        vec!["-t".to_owned(), format!("1-{}", jobs.len())],
        // What xqute cannot do without, whatever the site's defaults are.
        vec!["-b".to_owned(), "n".to_owned()],
    ]);
    Ok(Array {
        argv: checked(argv)?.concat(),
        script: launcher::script(jobs, shared_cwd.is_some(), carrier)?,
    })
}

/// The `#$` lines of a job's script: submitted by hand it means the same. What no such line can say is left out.
pub(crate) fn directives(job: &Job, run: &str) -> Result<Vec<String>, Error> {
    let log = format!("{}/job.sge", job.dir.mounted);
    // A path would end at a comma, have a machine's name before a colon, and be filled in at a dollar.
    let log = if log.contains([',', ':', '$', '"', '\'', '\\', '#']) {
        "/dev/null"
    } else {
        &log
    };
    let cwd = launcher::cwd(job).filter(|cwd| !cwd.contains('$'));
    let mut all = own(&Identity::of(&[job], run), &name::of(&[job]), cwd, log, job);
    all.extend(arguments(&job.options)?);
    let line = |argument: &Argument| {
        let words: Option<Vec<String>> = argument.iter().map(|word| quote(word)).collect();
        words.map(|words| format!("#$ {}", words.join(" ")))
    };
    Ok(checked(all)?.iter().filter_map(line).collect())
}

/// Asks Grid Engine whether any queue could ever run jobs with these options; nothing is submitted.
pub(crate) fn verification(options: &[(String, String)]) -> Result<Option<Vec<String>>, Error> {
    let mut argv = arguments(options)?;
    if options.value("w").is_some_and(|word| word != "e") {
        return Ok(None);
    }
    let words = ["-N", "xqute", "-o", "/dev/null", "-b", "y", "-w", "v", "true"];
    argv.push(words.map(str::to_owned).to_vec());
    Ok(Some(argv.concat()))
}

/// What xqute tells about a job by itself.
fn own(identity: &Identity, name: &str, cwd: Option<&str>, log: &str, job: &Job) -> Vec<Argument> {
    let pair = |flag: &str, value: &str| vec![flag.to_owned(), value.to_owned()];
    let mut all = vec![
        pair("-N", name),
        pair("-ac", &identity.context()),
        cwd.map_or_else(|| vec!["-cwd".to_owned()], |cwd| pair("-wd", cwd)),
        // The scripts send the output of jobs elsewhere.
        pair("-o", log),
        pair("-j", "y"),
    ];
    if !gives(&job.options, "interpreter") && !gives(&job.options, "S") {
        // Queues may have another shell as their default, even for scripts whose first line says otherwise.
        all.push(pair("-S", "/bin/bash"));
    }
    if !gives(&job.options, "w") {
        all.push(pair("-w", "e"));
    }
    all
}

fn checked(arguments: Vec<Argument>) -> Result<Vec<Argument>, Error> {
    let bad = |word: &&String| word.chars().any(char::is_control);
    match arguments.iter().flatten().find(bad) {
        None => Ok(arguments),
        Some(bad) => Err(Error::Rejected(format!(
            "qsub cannot be given {bad:?}: it has a control character"
        ))),
    }
}

/// What became of a submission.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Grid Engine took the array and calls it this.
    Accepted(u32),
    /// Grid Engine did not take it.
    Declined(Error),
    /// It did not take it since no queue could ever run it; it can say more about that when it is asked.
    Impossible,
    /// Nobody knows: look for the jobs before they are submitted once more.
    InDoubt(Error),
}

/// Reads what `qsub -terse` answered: `ID` or `ID.FIRST-LAST:STEP`.
pub(crate) fn answer(output: &Output) -> Answer {
    match trouble::of(output) {
        Some(Trouble::Unreachable(said)) => Answer::Declined(unavailable(&said)),
        Some(Trouble::InDoubt(said)) => Answer::InDoubt(unavailable(&said)),
        Some(Trouble::Busy) => Answer::Declined(Error::RateLimited(None)),
        Some(Trouble::Usage(said)) => {
            Answer::Declined(Error::InvalidOptions(format!("qsub refused its options: {said}")))
        }
        Some(Trouble::Refusal(said)) if said.ends_with("no suitable queues") => Answer::Impossible,
        Some(Trouble::Refusal(said)) => Answer::Declined(Error::Rejected(format!("qsub refused the job: {said}"))),
        None => {
            let stdout = output.stdout_text();
            let printed = stdout.trim();
            let id = printed.lines().last().and_then(|line| line.trim().split('.').next());
            match id.and_then(number) {
                Some(id) => Answer::Accepted(id),
                None => Answer::InDoubt(Error::Other(format!(
                    "qsub succeeded but printed {printed:?} instead of a job id"
                ))),
            }
        }
    }
}

/// The sentence about a request that can never be fulfilled.
pub(crate) fn impossible(verified: Option<&Output>) -> String {
    let why = match verified.and_then(trouble::of) {
        Some(Trouble::Refusal(said)) => without_id(&said).to_owned(),
        _ => "no suitable queues".to_owned(),
    };
    format!(
        "no queue of Grid Engine could ever run it: {why}; ask for less, or let it wait all the same with --opt w=n"
    )
}

/// `Job 102 cannot run ...` is about an id that nobody will ever see.
fn without_id(said: &str) -> &str {
    let rest = said.strip_prefix("Job ").unwrap_or(said);
    rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start()
}

/// The id of a job in an array.
pub(crate) fn id(job: u32, place: usize) -> String {
    let number = u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1);
    Task { job, number }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;
    use xqute_plugin::testing::{job, path};

    const RUN: &str = "5f0c2a9be1d40713";

    fn answered(code: i32, stdout: &str, stderr: &str) -> Answer {
        answer(&output(code, stdout, stderr))
    }

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output {
            exit: Exit::Code(code),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    fn jobs(count: u32) -> Vec<Job> {
        (0..count).map(|index| job(index, "true")).collect()
    }

    fn option(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn argv(jobs: &[Job]) -> String {
        array(&jobs.iter().collect::<Vec<_>>(), RUN, None)
            .unwrap()
            .argv
            .join(" ")
    }

    #[test]
    fn jobs_with_the_same_options_are_one_array() {
        let mut jobs = jobs(5);
        jobs[1].options = vec![option("l", "gpu=1")];
        jobs[3].options = vec![option("l", "gpu=1")];
        jobs[4].attempt = 2;
        assert_eq!(groups(&jobs), [vec![0, 2], vec![1, 3], vec![4]]);
        assert_eq!(groups(&[]), [[0; 0]; 0]);
    }

    #[test]
    fn an_array_becomes_a_command_line() {
        let mut jobs = jobs(3);
        for job in &mut jobs {
            job.options = vec![option("l", "h_rt=60"), option("pe", "smp 2")];
            job.cwd = Some(path("/data/my project"));
        }
        assert_eq!(
            argv(&jobs),
            "-N xqute -ac xqute=5f0c2a9be1d40713:1:0-2 -wd /data/my project -o /dev/null -j y -S /bin/bash -w e \
             -l h_rt=60 -pe smp 2 -terse -t 1-3 -b n"
        );
        jobs[2].cwd = None;
        assert!(argv(&jobs).contains(" -cwd "), "not all go there");
        jobs.truncate(1);
        jobs[0].cwd = Some(path("/data/$HOME"));
        assert!(argv(&jobs).contains(" -cwd "), "Grid Engine would go somewhere else");
    }

    #[test]
    fn what_the_user_says_is_not_said_twice() {
        let mut jobs = jobs(1);
        jobs[0].options = vec![option("w", "n"), option("interpreter", "/usr/local/bin/bash")];
        let argv = argv(&jobs);
        assert!(argv.contains("-w n") && !argv.contains("-w e"), "{argv}");
        assert!(
            argv.contains("-S /usr/local/bin/bash") && !argv.contains("-S /bin/bash"),
            "{argv}"
        );
    }

    #[test]
    fn its_script_says_the_same() {
        let mut job = job(3, "true");
        job.cwd = Some(path("/data/my project"));
        job.options = vec![option("notify", "true"), option("v", "A=it's")];
        let expected = [
            "#$ -N xqute.3",
            "#$ -ac xqute=5f0c2a9be1d40713:1:3",
            "#$ -wd \"/data/my project\"",
            "#$ -o /data/.xqute/3/job.sge",
            "#$ -j y",
            "#$ -S /bin/bash",
            "#$ -w e",
            "#$ -notify",
        ];
        assert_eq!(
            directives(&job, RUN).unwrap(),
            expected,
            "a quote cannot be said in such a line"
        );
        job.dir = path("/data/a:b/3");
        assert!(directives(&job, RUN).unwrap().contains(&"#$ -o /dev/null".to_owned()));
    }

    #[test]
    fn a_path_with_a_newline_is_refused() {
        let mut job = job(4, "true");
        job.cwd = Some(path("/a\nb"));
        assert!(matches!(array(&[&job], RUN, None), Err(Error::Rejected(_))));
        assert!(matches!(directives(&job, RUN), Err(Error::Rejected(_))));
    }

    #[test]
    fn an_id_is_read_from_what_qsub_prints() {
        let accepted = include_str!("../fixtures/submit-accepted.stdout");
        assert_eq!(answered(0, accepted, ""), Answer::Accepted(98));
        assert_eq!(answered(0, "17\n", ""), Answer::Accepted(17));
        assert_eq!(answered(0, "warned first\n17.1-3:1\n", ""), Answer::Accepted(17));
        for odd in ["", "Submitted\n", "x.1-3:1"] {
            assert!(
                matches!(answered(0, odd, ""), Answer::InDoubt(Error::Other(_))),
                "{odd}"
            );
        }
        assert_eq!(id(17, 0), "17.1");
    }

    #[test]
    fn an_answer_decides_whether_the_host_asks_again() {
        let declined = |code, stderr| match answered(code, "", stderr) {
            Answer::Declined(error) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            declined(1, include_str!("../fixtures/submit-master-down.stderr")),
            Error::Unavailable(said) if said.starts_with("Grid Engine cannot be reached: ")
        ));
        assert_eq!(
            declined(1, include_str!("../fixtures/submit-unknown-queue.stderr")),
            Error::Rejected(
                "qsub refused the job: Job was rejected because job requests unknown queue \"nope\"".to_owned()
            )
        );
        assert!(matches!(
            declined(7, include_str!("../fixtures/submit-bad-priority.stderr")),
            Error::InvalidOptions(said) if said.starts_with("qsub refused its options: invalid priority")
        ));
    }

    #[test]
    fn what_can_never_run_is_explained() {
        let never = include_str!("../fixtures/submit-never.stderr");
        assert_eq!(answered(1, "", never), Answer::Impossible);
        let verified = output(1, "", include_str!("../fixtures/verify-never.stderr"));
        assert_eq!(
            impossible(Some(&verified)),
            "no queue of Grid Engine could ever run it: cannot run in PE \"smp\" because it only offers 0 slots; \
             verification: no suitable queues; ask for less, or let it wait all the same with --opt w=n"
        );
        assert!(impossible(None).contains("no suitable queues"));
    }

    #[test]
    fn whoever_wants_to_wait_is_not_verified() {
        assert_eq!(verification(&[option("w", "n")]).unwrap(), None);
        let argv = verification(&[option("q", "short.q")]).unwrap().unwrap().join(" ");
        assert_eq!(argv, "-q short.q -N xqute -o /dev/null -b y -w v true");
    }
}
