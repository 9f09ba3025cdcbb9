//! Flags, file and defaults become what is to be done. Pure: what the machine is like comes in as [`Surroundings`]. Flags
//! beat the file, the file beats the defaults.

use std::num::NonZeroU32;

use camino::Utf8PathBuf;
use xqute::model::{
    options::Options,
    path::Location,
    settings::{RetryPolicy, Settings},
};

use super::{
    args::{
        Global,
        run::{ProgressMode, RunSettings, Strategy},
    },
    config::Config,
    screen::{Color, LogFormat},
};

/// What has to be known of the machine.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// The current folder, absolute.
    pub(super) here: Utf8PathBuf,
    /// How many cores there are for us.
    pub(super) cores: NonZeroU32,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Only when something goes wrong.
    Quiet,
    /// Warnings; more with each step.
    Normal(u8),
}

/// How things are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) color: Color,
    pub(super) format: LogFormat,
    pub(super) verbosity: Verbosity,
}

/// Flags and file on how things are said.
pub(super) fn voice(global: &Global, config: &Config) -> Voice {
    Voice {
        color: global.color.or(config.color).unwrap_or_default(),
        format: global.log_format.or(config.log_format).unwrap_or_default(),
        verbosity: if global.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Normal(global.verbose)
        },
    }
}

/// A run, as it is to be.
#[derive(Clone, Debug)]
pub(super) struct RunPlan {
    pub(super) scheduler: String,
    pub(super) workdir: Location,
    pub(super) settings: Settings,
    pub(super) progress: ProgressMode,
    /// What the user should know about the settings.
    pub(super) warnings: Vec<String>,
}

/// Flags and file on how a run is to be.
pub(super) fn run(flags: RunSettings, file: &RunSettings, around: &Surroundings) -> RunPlan {
    let file = file.clone();
    let defaults = Settings::default();
    let strategy = flags.error_strategy.or(file.error_strategy).unwrap_or(Strategy::Ignore);
    let warnings = idle_flags(&flags, strategy);
    let retry = retry_policy(&flags, &file);
    let options: Options = file.opt.into_iter().collect();
    let settings = Settings {
        forks: flags.forks.or(file.forks).unwrap_or(around.cores),
        error_strategy: strategy.into(),
        num_retries: flags.num_retries.or(file.num_retries).unwrap_or(defaults.num_retries),
        retry,
        max_failures: flags.max_failures.or(file.max_failures),
        submission_batch: flags.submission_batch.or(file.submission_batch),
        prescript: flags.prescript.or(file.prescript).unwrap_or_default(),
        postscript: flags.postscript.or(file.postscript).unwrap_or_default(),
        jobname_prefix: flags.jobname_prefix.or(file.jobname_prefix),
        timeout: flags.timeout.or(file.timeout),
        cwd: flags.cwd.or(file.cwd).map(|cwd| around.here.join(cwd)),
        env: joined_env(file.env, flags.env),
        recheck_interval: flags
            .recheck_interval
            .or(file.recheck_interval)
            .unwrap_or(defaults.recheck_interval),
        wrapper: flags.wrapper.or(file.wrapper).map(Into::into).unwrap_or_default(),
        wrapper_shell: flags
            .wrapper_shell
            .or(file.wrapper_shell)
            .map_or(defaults.wrapper_shell, |shell| shell.0),
        kill_grace: defaults.kill_grace,
        options: options.overridden_by(&flags.opt.into_iter().collect()),
    };
    let workdir = workdir(flags.workdir, file.workdir, around);
    RunPlan {
        scheduler: flags.scheduler.or(file.scheduler).unwrap_or_else(|| "local".to_owned()),
        workdir,
        settings,
        progress: flags.progress.or(file.progress).unwrap_or_default(),
        warnings,
    }
}

/// Warnings about flags that change nothing. The same keys in the file may be for other runs.
fn idle_flags(flags: &RunSettings, strategy: Strategy) -> Vec<String> {
    if strategy == Strategy::Retry {
        return Vec::new();
    }
    let given = [
        (flags.num_retries.is_some(), "--num-retries"),
        (flags.retry_delay.is_some(), "--retry-delay"),
        (flags.retry_max_delay.is_some(), "--retry-max-delay"),
        (!flags.retry_on.is_empty(), "--retry-on"),
    ];
    let idle = given.into_iter().filter(|(given, _)| *given);
    idle.map(|(_, flag)| format!("{flag} changes nothing without --error-strategy retry"))
        .collect()
}

fn retry_policy(flags: &RunSettings, file: &RunSettings) -> RetryPolicy {
    let defaults = RetryPolicy::default();
    let only_on = match flags.retry_on.is_empty() {
        true => &file.retry_on,
        false => &flags.retry_on,
    };
    RetryPolicy {
        delay: flags.retry_delay.or(file.retry_delay).unwrap_or(defaults.delay),
        longest_delay: flags
            .retry_max_delay
            .or(file.retry_max_delay)
            .unwrap_or(defaults.longest_delay),
        only_on: only_on.clone(),
    }
}

/// Flags and file on where a run is.
pub(super) fn workdir(flag: Option<Location>, file: Option<Location>, around: &Surroundings) -> Location {
    let workdir = flag.or(file).unwrap_or_else(|| Location::Local(".xqute".into()));
    workdir.from_folder(&around.here)
}

/// A variable that the flags set is taken from there.
fn joined_env(file: Vec<(String, String)>, flags: Vec<(String, String)>) -> Vec<(String, String)> {
    let kept = file
        .into_iter()
        .filter(|(name, _)| flags.iter().all(|(over, _)| over != name));
    let mut env: Vec<_> = kept.collect();
    env.extend(flags);
    env
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use xqute::model::settings::{ErrorStrategy, RetryCause};

    use super::*;
    use crate::cli::args::{Action, tests::typed};

    fn around() -> Surroundings {
        Surroundings {
            here: "/here".into(),
            cores: NonZeroU32::new(6).unwrap(),
        }
    }

    fn plan(line: &str, file: &RunSettings) -> RunPlan {
        let Action::Run(args) = typed(line).unwrap().1 else {
            panic!("not a run: {line}")
        };
        run(args.settings, file, &around())
    }

    #[test]
    fn defaults_hold_when_nothing_is_said() {
        let plan = plan("xqute run x", &RunSettings::default());
        assert_eq!(plan.workdir.to_string(), "/here/.xqute");
        assert_eq!(plan.scheduler, "local");
        let forks = NonZeroU32::new(6).unwrap();
        assert_eq!(
            plan.settings,
            Settings {
                forks,
                ..Settings::default()
            }
        );
        assert!(plan.warnings.is_empty());
    }

    #[test]
    fn flags_beat_the_file_and_that_the_defaults() {
        let file = RunSettings {
            scheduler: Some("slurm".into()),
            forks: NonZeroU32::new(9),
            error_strategy: Some(Strategy::Retry),
            env: vec![("A".into(), "file".into()), ("B".into(), "file".into())],
            opt: vec![("time".into(), "1".into()), ("mem".into(), "2".into())],
            ..RunSettings::default()
        };
        let plan = plan(
            "xqute run -j 2 -w /w --cwd sub --env A=flag --opt mem=3 --opt mem=4 x",
            &file,
        );
        assert_eq!(plan.scheduler, "slurm");
        assert_eq!(plan.workdir.to_string(), "/w");
        let settings = plan.settings;
        assert_eq!(settings.forks.get(), 2);
        assert_eq!(settings.error_strategy, ErrorStrategy::Retry);
        assert_eq!(settings.cwd.as_deref(), Some("/here/sub".into()));
        assert_eq!(settings.env, [("B".into(), "file".into()), ("A".into(), "flag".into())]);
        let options: Vec<_> = settings.options.iter().collect();
        assert_eq!(options, [("time", "1"), ("mem", "3"), ("mem", "4")]);
    }

    #[test]
    fn what_is_tried_again_comes_from_flags_and_file() {
        let file = RunSettings {
            retry_delay: Some(Duration::from_secs(5)),
            retry_on: vec![RetryCause::Lost],
            max_failures: NonZeroU32::new(3),
            ..RunSettings::default()
        };
        let settings = plan("xqute run --retry-on 75 --retry-max-delay 9 x", &file).settings;
        assert_eq!(settings.retry.delay, Duration::from_secs(5));
        assert_eq!(settings.retry.longest_delay, Duration::from_secs(9));
        assert_eq!(settings.retry.only_on, [RetryCause::ExitCode(75)]);
        assert_eq!(settings.max_failures, NonZeroU32::new(3));
        assert_eq!(
            plan("xqute run --retry-delay 0 x", &file).settings.retry.delay,
            Duration::ZERO
        );
    }

    #[test]
    fn retries_without_the_strategy_are_worth_a_warning() {
        assert_eq!(plan("xqute run -r 3 x", &RunSettings::default()).warnings.len(), 1);
        let all = "xqute run --retry-delay 1 --retry-max-delay 2 --retry-on 3 x";
        insta::assert_snapshot!(plan(all, &RunSettings::default()).warnings.join("\n"), @r"
        --retry-delay changes nothing without --error-strategy retry
        --retry-max-delay changes nothing without --error-strategy retry
        --retry-on changes nothing without --error-strategy retry
        ");
        assert!(
            plan("xqute run -e retry -r 3 x", &RunSettings::default())
                .warnings
                .is_empty()
        );
    }

    #[test]
    fn flags_beat_the_file_on_how_things_are_said() {
        let config = Config {
            color: Some(Color::Always),
            log_format: Some(LogFormat::Json),
            ..Config::default()
        };
        let (global, _) = typed("xqute --color never -vv plugin list").unwrap();
        let voice = voice(&global, &config);
        assert_eq!(voice.color, Color::Never);
        assert_eq!(voice.format, LogFormat::Json);
        assert_eq!(voice.verbosity, Verbosity::Normal(2));
    }
}
