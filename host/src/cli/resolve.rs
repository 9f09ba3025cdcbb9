//! Flags, file and defaults become what is to be done. Pure: what the machine is like comes in as [`Surroundings`]. Flags
//! beat the file, the file beats the defaults.

use std::num::NonZeroU32;

use camino::Utf8PathBuf;
use xqute::model::{options::Options, settings::Settings};

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
    pub(super) workdir: Utf8PathBuf,
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
    let mut warnings = Vec::new();
    if flags.num_retries.is_some() && strategy != Strategy::Retry {
        warnings.push("--num-retries changes nothing without --error-strategy retry".to_owned());
    }
    let options: Options = file.opt.into_iter().collect();
    let settings = Settings {
        forks: flags.forks.or(file.forks).unwrap_or(around.cores),
        error_strategy: strategy.into(),
        num_retries: flags.num_retries.or(file.num_retries).unwrap_or(defaults.num_retries),
        submission_batch: flags
            .submission_batch
            .or(file.submission_batch)
            .unwrap_or(defaults.submission_batch),
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
        wrapper_shell: flags
            .wrapper_shell
            .or(file.wrapper_shell)
            .map_or(defaults.wrapper_shell, |shell| shell.0),
        kill_grace: defaults.kill_grace,
        options: options.overridden_by(&flags.opt.into_iter().collect()),
        ..defaults
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

/// Flags and file on where a run is.
pub(super) fn workdir(flag: Option<Utf8PathBuf>, file: Option<Utf8PathBuf>, around: &Surroundings) -> Utf8PathBuf {
    around.here.join(flag.or(file).unwrap_or_else(|| ".xqute".into()))
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
    use xqute::model::settings::ErrorStrategy;

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
        assert_eq!(plan.workdir, "/here/.xqute");
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
        assert_eq!(plan.workdir, "/w");
        let settings = plan.settings;
        assert_eq!(settings.forks.get(), 2);
        assert_eq!(settings.error_strategy, ErrorStrategy::Retry);
        assert_eq!(settings.cwd.as_deref(), Some("/here/sub".into()));
        assert_eq!(settings.env, [("B".into(), "file".into()), ("A".into(), "flag".into())]);
        let options: Vec<_> = settings.options.iter().collect();
        assert_eq!(options, [("time", "1"), ("mem", "3"), ("mem", "4")]);
    }

    #[test]
    fn retries_without_the_strategy_are_worth_a_warning() {
        assert_eq!(plan("xqute run -r 3 x", &RunSettings::default()).warnings.len(), 1);
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
