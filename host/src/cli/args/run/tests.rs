//! What is typed after `xqute run`.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::Parser as _;

use super::*;
use crate::cli::args::{Action, Args, Asked, tests::typed};

fn run(line: &str) -> RunArgs {
    let Action::Run(args) = typed(line).unwrap().1 else {
        panic!()
    };
    *args
}

#[test]
fn all_flags_are_read() {
    let args = run(
        "xqute run -s slurm -j 7 -w out -e retry -r 2 --submission-batch 5 --timeout 1h30m --cwd /tmp --env A=1 \
         --env B=x=y --opt partition=short --opt license=a --opt license=b --prescript 'module load x' --postscript sync \
         --jobname-prefix p --overwrite --listen --events e.jsonl --report r.html --record slurm=c.jsonl --recheck-interval 2s \
         --wrapper-shell '/bin/bash -l' --progress plain --wrapper always --retry-delay 2s --retry-max-delay 1m \
         --retry-on 75,timed-out --retry-on lost --max-failures 9 a.txt -",
    );
    assert_eq!(args.files, [PathBuf::from("a.txt"), PathBuf::from("-")]);
    assert!(args.overwrite && args.listen && args.command.is_empty());
    assert_eq!(args.events, Some("e.jsonl".into()));
    assert_eq!(args.record, [("slurm".into(), "c.jsonl".into())]);
    assert_eq!(args.report, Some("r.html".into()));
    let settings = args.settings;
    assert_eq!(settings.scheduler.as_deref(), Some("slurm"));
    assert_eq!(settings.forks.map(NonZeroU32::get), Some(7));
    assert_eq!(settings.error_strategy, Some(Strategy::Retry));
    assert_eq!(settings.timeout, Some(Duration::from_secs(5400)));
    assert_eq!(settings.env, [("A".into(), "1".into()), ("B".into(), "x=y".into())]);
    assert_eq!(settings.opt.len(), 3);
    assert_eq!(
        settings.wrapper_shell,
        Some(Shell(vec!["/bin/bash".into(), "-l".into()]))
    );
    assert_eq!(settings.progress, Some(ProgressMode::Plain));
    assert_eq!(settings.wrapper, Some(WrapperMode::Always));
    assert_eq!(settings.retry_delay, Some(Duration::from_secs(2)));
    assert_eq!(settings.retry_max_delay, Some(Duration::from_secs(60)));
    let causes = [RetryCause::ExitCode(75), RetryCause::TimedOut, RetryCause::Lost];
    assert_eq!(settings.retry_on, causes);
    assert_eq!(settings.max_failures.map(NonZeroU32::get), Some(9));
}

#[test]
fn a_command_is_bytes_and_keeps_its_flags() {
    let odd = OsString::from_vec(vec![b'\xff', b'$', b'\n']);
    let words: Vec<OsString> = ["xqute", "run", "--", "printf", "-v", "--help", "--"]
        .into_iter()
        .map(Into::into)
        .chain([odd.clone()])
        .collect();
    let (_, asked) = Args::try_parse_from(words).unwrap().split();
    let Asked::Action(Action::Run(args)) = asked else {
        panic!()
    };
    assert_eq!(args.command.len(), 5);
    assert_eq!(args.command[4].as_bytes(), odd.as_bytes());
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the page itself")]
fn the_help_is_a_page() {
    use clap::CommandFactory as _;
    let mut command = Args::command().term_width(100);
    command.build();
    let run = command.find_subcommand_mut("run").unwrap();
    insta::assert_snapshot!(run.render_help().to_string(), @r#"
    Run jobs and wait for them

    Usage: xqute run [OPTIONS] [JOBFILE]... [-- <COMMAND>...]

    Arguments:
      [JOBFILE]...  Job files, also in stores (gs://, s3://, az://); - is standard input
      [COMMAND]...  One more job: a command and its arguments, passed on byte for byte

    Options:
      -s, --scheduler <NAME>             What runs the jobs: local, or a plugin's name [default: local]
      -j, --forks <N>                    The most jobs in flight at once [default: the number of cores]
      -w, --workdir <DIR>                The run's directory [default: .xqute]
      -e, --error-strategy <STRATEGY>    What happens when a job fails: the others go on, it is tried
                                         again, or everything stops [default: ignore] [possible values:
                                         ignore, retry, halt]
      -r, --num-retries <N>              How often a failed job is tried again under the strategy retry
                                         [default: 3]
          --retry-delay <DURATION>       The pause before a failed job is tried again; it doubles each
                                         time [default: 0]
          --retry-max-delay <DURATION>   The longest such pause [default: 10m]
          --retry-on <CAUSES>            Try again only after these failures: exit codes, timed-out,
                                         signal, out-of-memory, preempted, node-failure, never-started,
                                         lost, submission-failed, other; may be repeated
          --max-failures <N>             Stop when this many jobs have failed [default: never]
          --submission-batch <N>         The most jobs handed to the scheduler in one call [default:
                                         what it prefers, or 8]
          --timeout <DURATION>           How long a job may run, such as 90 (seconds), 20m or 1h30m
          --cwd <DIR>                    Where jobs start [default: here]
          --env <K=V>                    An environment variable for all jobs; may be repeated
          --opt <K=V>                    An option for the scheduler; may be repeated, also with the
                                         same name
          --prescript <BASH>             Bash that runs before each job's command
          --postscript <BASH>            Bash that runs after each job's command
          --jobname-prefix <TEXT>        What job names start with [default: the scheduler's name]
          --recheck-interval <DURATION>  The longest pause between two questions about jobs in flight
                                         [default: 5s]
          --wrapper <WHEN>               Whether local jobs run by a script always, or only where
                                         something needs one [default: auto] [possible values: auto,
                                         always]
          --wrapper-shell <WORDS>        The bash that runs job scripts, and its arguments [default:
                                         /bin/bash]
          --progress <HOW>               How progress is shown; auto: a bar on a terminal, plain lines
                                         elsewhere [default: auto] [possible values: auto, bar, plain,
                                         none]
          --resume                       Go on with the run in the workdir, if there is one: what is
                                         done stays done
          --resume-failed                Go on with it, and run the jobs that failed once more
          --overwrite                    Remove what an earlier run left in the workdir
          --state <FILE>                 Keep the run's state in this file, for a workdir on a disk that
                                         other machines share [default: run.db in the workdir]
          --dry-run                      Print the scripts that jobs would get and the programs that
                                         would be started for them, and start none
          --listen                       Keep the run open for jobs that xqute feed gives it, until
                                         xqute feed --stop
          --events <FILE.jsonl>          Write what happens to this file, a JSON object on each line
          --report <FILE.html>           Write a page about the run to this file, when it is over
          --record <PLUGIN=FILE.jsonl>   Write all calls of a plugin to this new file, for xqute plugin
                                         test; may be repeated
      -h, --help                         Print help
      -V, --version                      Print version

    Global options:
          --plugin <PATH>                Load this plugin: a file, or the name of one that came with
                                         xqute; may be repeated
          --plugin-dir <DIR>             Look for plugins here as well; may be repeated
          --disable <NAME>               Do not use this plugin; may be repeated
          --allow <NAME[:RIGHT=VALUES]>  Let a plugin do all that it asks for, or only this much of it;
                                         may be repeated. Rights: run, read, write, net, env, script
          --config <FILE>                Read this file instead of the nearest xqute.toml upwards from
                                         here
      -v, --verbose...                   Say more: -v what happens, -vv why, -vvv everything
      -q, --quiet                        Say nothing unless something goes wrong
          --log-format <FORMAT>          How lines on stderr look: for people, or a JSON object on each
                                         [default: text] [possible values: text, json]
          --color <WHEN>                 When to use colours; auto: on a terminal, unless NO_COLOR is
                                         set [default: auto] [possible values: auto, always, never]

    Job files:
      A shell command line on each line; blank lines and lines that start with # are skipped. Files
      named *.jsonl hold an object on each line:
        {"cmd": ["gzip", "a file"], "name": "pack", "timeout": "10m"}
      with cmd (a list is an argv, a text is a shell line) and any of name, env, cwd, timeout,
      num_retries, opts, priority (higher ones start first; 0 is usual) and after (names or numbers of
      jobs that must succeed first; the first job is 0). From standard input both are understood.
      Everything is checked before the first job runs. Each job gets a directory in the workdir with
      its script, output, exit code and state.

    Examples:
      xqute run jobs.txt                          as many jobs at once as there are cores
      xqute run -w out -j 2 -e halt a.txt b.txt   two at a time, all off at the first failure
      find . -name '*.log' | sed 's/^/gzip /' | xqute run -
      xqute run -- sh -c 'echo "$XQUTE_JOB_INDEX"'
      xqute run -s slurm -j 500 --opt partition=short jobs.txt

    Exit codes:
      0      every job succeeded
      1      some job did not, or a plugin failed a test
      2      bad usage or input; nothing was run
      3      a plugin could not be loaded, was refused a right, is quarantined, or halted the run
      4      the workdir or its state cannot be used
      128+N  stopped by signal N
    "#);
}
