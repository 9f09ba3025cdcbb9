//! Flags, file and defaults become what is to be done. Pure: what the machine is like comes in as [`Surroundings`]. Flags
//! beat the file, the file beats the defaults.

use std::{collections::BTreeMap, num::NonZeroU32};

use camino::{Utf8Path, Utf8PathBuf};
use xqute::model::{options::Options, settings::Settings};

use super::{
    args::{
        Global,
        run::{ProgressMode, RunSettings, Strategy},
        values::Allowed,
    },
    config::{Config, PluginConfig},
    screen::{Color, LogFormat},
};

/// What has to be known of the machine.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// The current folder, absolute.
    pub(super) here: Utf8PathBuf,
    /// How many cores there are for us.
    pub(super) cores: NonZeroU32,
    /// `XQUTE_PLUGIN_DIR`: folders separated by `:`.
    pub(super) plugin_path: Option<String>,
    /// The user's data folder (XDG).
    pub(super) data_home: Option<Utf8PathBuf>,
    /// The folder that the executable is in.
    pub(super) exe_dir: Option<Utf8PathBuf>,
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
    };
    let workdir = flags.workdir.or(file.workdir).unwrap_or_else(|| ".xqute".into());
    RunPlan {
        scheduler: flags.scheduler.or(file.scheduler).unwrap_or_else(|| "local".to_owned()),
        workdir: around.here.join(workdir),
        settings,
        progress: flags.progress.or(file.progress).unwrap_or_default(),
        warnings,
    }
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

/// Which plugins to look for, and what they may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PluginPlan {
    /// Files that somebody named: they must exist.
    pub(super) files: Vec<Utf8PathBuf>,
    /// Folders to look into, in this order.
    pub(super) folders: Vec<PluginFolder>,
    /// What was said about plugins by their names, flags and file together.
    pub(super) by_name: BTreeMap<String, PluginConfig>,
}

/// A folder with plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PluginFolder {
    pub(super) path: Utf8PathBuf,
    pub(super) origin: FolderOrigin,
}

/// Who says that plugins are in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderOrigin {
    /// The user, by flag, file or environment: it must exist.
    Named,
    /// The user's data folder; it may be missing.
    Data,
    /// A release ships it beside the executable; it may be missing.
    Bundled,
}

/// Flags, file and places on which plugins there are.
pub(super) fn plugins(global: &Global, config: &Config, around: &Surroundings) -> PluginPlan {
    let mut by_name = config.plugins.clone();
    for name in &global.disable {
        by_name.entry(name.clone()).or_default().enabled = Some(false);
    }
    for allow in &global.allow {
        let allowed: &mut Vec<Allowed> = &mut by_name.entry(allow.plugin.clone()).or_default().allow;
        allowed.push(allow.what.clone());
    }
    let enabled = config.plugins.keys().filter(|name| !is_disabled(&by_name, name));
    let configured: Vec<_> = enabled
        .filter_map(|name| config.plugins.get(name)?.path.clone())
        .collect();
    let mut files: Vec<Utf8PathBuf> = Vec::new();
    for file in global.plugin.iter().chain(&configured) {
        let file = around.here.join(file);
        if !files.contains(&file) {
            files.push(file);
        }
    }
    PluginPlan {
        files,
        folders: folders(global, config, around),
        by_name,
    }
}

fn is_disabled(by_name: &BTreeMap<String, PluginConfig>, name: &str) -> bool {
    by_name.get(name).is_some_and(|plugin| plugin.enabled == Some(false))
}

fn folders(global: &Global, config: &Config, around: &Surroundings) -> Vec<PluginFolder> {
    let from_env = around.plugin_path.as_deref().unwrap_or_default().split(':');
    let from_env = from_env.filter(|dir| !dir.is_empty()).map(Utf8Path::new);
    let named = global.plugin_dir.iter().chain(&config.plugin_dir);
    let named = named.map(Utf8PathBuf::as_path).chain(from_env);
    let data = around.data_home.as_ref().map(|dir| dir.join("xqute/plugins"));
    let bundled = around.exe_dir.as_ref().map(|dir| dir.join("plugins"));
    let mut all: Vec<PluginFolder> = Vec::new();
    let found = named
        .map(|dir| (around.here.join(dir), FolderOrigin::Named))
        .chain(data.map(|dir| (dir, FolderOrigin::Data)))
        .chain(bundled.map(|dir| (dir, FolderOrigin::Bundled)));
    for (path, origin) in found {
        if all.iter().all(|known| known.path != path) {
            all.push(PluginFolder { path, origin });
        }
    }
    all
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
            plugin_path: Some("/env/a::/env/b".to_owned()),
            data_home: Some("/home/u/.local/share".into()),
            exe_dir: Some("/opt/xqute".into()),
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
        assert_eq!(plan.settings, Settings { forks, ..Settings::default() });
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
        let plan = plan("xqute run -j 2 -w /w --cwd sub --env A=flag --opt mem=3 --opt mem=4 x", &file);
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
        assert!(plan("xqute run -e retry -r 3 x", &RunSettings::default()).warnings.is_empty());
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

    #[test]
    fn plugins_are_looked_for_in_order() {
        let line = "xqute --plugin-dir p --plugin-dir /env/b --plugin a.wasm --disable z --disable off --allow y:script plugin list";
        let (global, _) = typed(line).unwrap();
        let mut config = Config::default();
        let at = |path: &str| PluginConfig {
            path: Some(path.into()),
            ..PluginConfig::default()
        };
        config.plugins.insert("y".into(), at("/y.wasm"));
        config.plugins.insert("off".into(), at("/off.wasm"));
        let plan = plugins(&global, &config, &around());
        assert_eq!(plan.files, ["/here/a.wasm", "/y.wasm"]);
        let folders: Vec<_> = plan.folders.iter().map(|dir| (dir.path.as_str(), dir.origin)).collect();
        assert_eq!(
            folders,
            [
                ("/here/p", FolderOrigin::Named),
                ("/env/b", FolderOrigin::Named),
                ("/env/a", FolderOrigin::Named),
                ("/home/u/.local/share/xqute/plugins", FolderOrigin::Data),
                ("/opt/xqute/plugins", FolderOrigin::Bundled),
            ]
        );
        assert_eq!(plan.by_name["z"].enabled, Some(false));
        assert_eq!(plan.by_name["y"].allow.len(), 1);
    }
}
