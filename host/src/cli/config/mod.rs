//! What `xqute.toml` says, in types: the flags of `xqute run` under `[run]`, and one `[plugins.NAME]` for each plugin.
//! Paths are relative to the file. How flags and file come together is decided in `resolve`.
//!
//! - this file: the types, and finding and reading the file;
//! - [`lock`]: the other file, which says what plugins were looked at and may do;
//! - [`keys`]: complaints about keys that nobody knows.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use xqute::adapters::component::{hooks::OnFailure, instance::limits::LimitOverrides, rights::Grant};

use super::{
    args::run::RunSettings,
    error::{Failure, Result},
    exit::Exit,
    read::{self, OneOrMany},
    screen::{Color, LogFormat},
};

mod keys;
mod lock;

pub(super) use lock::{LockFile, Locks};

const NAME: &str = "xqute.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct Config {
    #[serde(deserialize_with = "folders")]
    pub(super) plugin_dir: Vec<Utf8PathBuf>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) color: Option<Color>,
    pub(super) run: RunSettings,
    pub(super) plugins: BTreeMap<String, PluginConfig>,
    /// Lies beside the file.
    #[serde(skip)]
    pub(super) lock: LockFile,
}

/// `[plugins.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct PluginConfig {
    /// Where it is, if not in a plugins directory.
    pub(super) path: Option<Utf8PathBuf>,
    /// Replaces the plugin's own priority.
    pub(super) priority: Option<i32>,
    /// Whether to use it; it is by default.
    pub(super) enabled: Option<bool>,
    /// Options for the plugin itself.
    #[serde(deserialize_with = "read::options")]
    pub(super) options: Vec<(String, String)>,
    /// What it may do. Saying that it may do nothing differs from saying nothing.
    #[serde(deserialize_with = "allow")]
    pub(super) allow: Option<Grant>,
    /// What happens when it fails.
    pub(super) on_failure: Option<OnFailure>,
    /// Replaces the plugin's own limits.
    pub(super) limits: LimitsConfig,
}

/// `[plugins.NAME.limits]`; what each of them means is told by [`LimitOverrides`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct LimitsConfig {
    /// Memory of one instance, in MiB.
    #[serde(deserialize_with = "limit")]
    pub(super) memory_mib: Option<u32>,
    /// Wall time of one call, in milliseconds.
    #[serde(deserialize_with = "limit")]
    pub(super) call_ms: Option<u32>,
    /// What the guest itself may compute in one call, in milliseconds.
    #[serde(deserialize_with = "limit")]
    pub(super) compute_ms: Option<u32>,
    /// Elements of all tables of one instance together.
    #[serde(deserialize_with = "limit")]
    pub(super) table_elements: Option<u32>,
    /// What one instance may hold of the host at once.
    #[serde(deserialize_with = "limit")]
    pub(super) handles: Option<u32>,
    /// What one call may pass between guest and host, in MiB.
    #[serde(deserialize_with = "limit")]
    pub(super) pass_mib: Option<u32>,
    /// What a program may write to one of its outputs, in MiB.
    #[serde(deserialize_with = "limit")]
    pub(super) output_mib: Option<u32>,
    /// How many instances of a scheduler may be called at once.
    #[serde(deserialize_with = "limit")]
    pub(super) instances: Option<u32>,
    /// How many programs and requests the plugin may start in a second.
    #[serde(deserialize_with = "limit")]
    pub(super) max_rate: Option<u32>,
    /// How many programs and requests of the plugin may go on at once.
    #[serde(deserialize_with = "limit")]
    pub(super) max_in_flight: Option<u32>,
}

impl From<LimitsConfig> for LimitOverrides {
    fn from(limits: LimitsConfig) -> Self {
        let time = |millis: Option<u32>| millis.map(|millis| Duration::from_millis(millis.into()));
        Self {
            memory_mib: limits.memory_mib,
            call: time(limits.call_ms),
            compute: time(limits.compute_ms),
            table_elements: limits.table_elements,
            handles: limits.handles,
            pass_mib: limits.pass_mib,
            output_mib: limits.output_mib,
            instances: limits.instances,
            max_rate: limits.max_rate,
            max_in_flight: limits.max_in_flight,
        }
    }
}

/// Reads the file that `--config` names, or else the nearest one upwards from `here`; none is fine. What a file says runs
/// programs, so one that was only found has to be ours, or root's.
pub(super) fn load(named: Option<&Utf8Path>, here: &Utf8Path) -> Result<Config> {
    let (file, read) = match named {
        Some(named) => {
            let file = here.join(named);
            let read = std::fs::read_to_string(&file).map(Some);
            (file, read)
        }
        None => match here.ancestors().map(|dir| dir.join(NAME)).find(|file| file.is_file()) {
            Some(found) => {
                let read = read_trusted(&found);
                (found, read)
            }
            None => {
                return Ok(Config {
                    lock: LockFile::in_folder(here, false),
                    ..Config::default()
                });
            }
        },
    };
    let text = match read {
        Ok(Some(text)) => text,
        Ok(None) => {
            return Err(
                Failure::usage(format!("the configuration file {file} belongs to another user"))
                    .help(format!("it is used if you name it: --config {file}")),
            );
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot read the configuration file {file}"));
            return Err(Failure::new(Exit::Usage, error).help("name another one with --config"));
        }
    };
    let mut config = parse(&text).map_err(|bad| bad.failure(&file))?;
    let folder = file.parent().unwrap_or(here);
    config.root_at(folder);
    config.lock = LockFile::in_folder(folder, named.is_some());
    Ok(config)
}

/// The text of a file; none, if it, or the link that leads to it, belongs to a stranger.
fn read_trusted(file: &Utf8Path) -> io::Result<Option<String>> {
    let me = rustix::process::geteuid().as_raw();
    let is_ours = |owner: Metadata| owner.uid() == me || owner.uid() == 0;
    let mut opened = File::open(file)?;
    if !is_ours(opened.metadata()?) || !is_ours(file.symlink_metadata()?) {
        return Ok(None);
    }
    let mut text = String::new();
    opened.read_to_string(&mut text)?;
    Ok(Some(text))
}

/// What is wrong with a file, and in which line.
#[derive(Debug, PartialEq, Eq)]
struct Bad {
    line: usize,
    message: String,
    help: Option<String>,
}

impl Bad {
    fn at(text: &str, offset: usize, message: String, help: Option<String>) -> Self {
        let before = text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Self { line, message, help }
    }

    fn failure(self, file: &Utf8Path) -> Failure {
        let failure = Failure::usage(format!("{file}:{}: {}", self.line, self.message));
        match self.help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

fn parse(text: &str) -> std::result::Result<Config, Bad> {
    let table = toml::de::DeTable::parse(text).map_err(|error| bad(text, &error))?;
    keys::check(text, table.get_ref())?;
    toml::from_str(text).map_err(|error| bad(text, &error))
}

fn bad(text: &str, error: &toml::de::Error) -> Bad {
    let offset = error.span().map_or(0, |span| span.start);
    Bad::at(text, offset, error.message().replace('\n', " "), None)
}

impl Config {
    /// Makes the paths in the file relative to the folder that the file is in.
    fn root_at(&mut self, dir: &Utf8Path) {
        let plugins = self.plugins.values_mut().filter_map(|plugin| plugin.path.as_mut());
        let run = self.run.cwd.iter_mut();
        for path in self.plugin_dir.iter_mut().chain(plugins).chain(run) {
            *path = dir.join(&*path);
        }
        self.run.workdir = self.run.workdir.take().map(|workdir| workdir.from_folder(dir));
    }
}

fn folders<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Vec<Utf8PathBuf>, D::Error> {
    let OneOrMany(folders) = OneOrMany::deserialize(from)?;
    Ok(folders.into_iter().map(Utf8PathBuf::from).collect())
}

fn allow<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Grant>, D::Error> {
    read::allow(from).map(Some)
}

fn limit<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<u32>, D::Error> {
    match u32::deserialize(from)? {
        0 => Err(serde::de::Error::custom(
            "with 0 no call of the plugin could ever succeed; the least is 1, and without this line the default holds",
        )),
        limit => Ok(Some(limit)),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use xqute::adapters::component::rights::Right;

    use super::*;
    use crate::cli::args::run::Strategy;

    const FULL: &str = r#"
        plugin-dir = "plugins"
        log-format = "json"
        color = "never"
        [run]
        scheduler = "slurm"
        forks = 500
        workdir = "out"
        error-strategy = "retry"
        num-retries = 1
        retry-delay = 10
        retry-max-delay = "5m"
        retry-on = [75, "timed-out,lost"]
        max-failures = 20
        submission-batch = 50
        timeout = "1h 30m"
        cwd = "/data"
        env = { LANG = "C", N = 3 }
        opt = { partition = "short", license = ["a", "b"] }
        prescript = "module load x"
        postscript = "sync"
        jobname-prefix = "p"
        recheck-interval = 2.5
        wrapper = "always"
        wrapper-shell = ["/bin/bash", "-l"]
        progress = "plain"
        [plugins.slurm]
        path = "slurm.wasm"
        priority = -3
        enabled = true
        options = { poll = 5 }
        allow = ["run=sbatch -A *,squeue", "script"]
        on-failure = "halt"
        [plugins.slurm.limits]
        memory-mib = 64
        call-ms = 1000
        compute-ms = 500
        table-elements = 1000
        handles = 100
        pass-mib = 8
        output-mib = 4
        instances = 2
        max-rate = 20
        max-in-flight = 3
    "#;

    #[test]
    fn every_key_is_read() {
        let config = parse(FULL).unwrap();
        assert_eq!(config.run.forks.map(NonZeroU32::get), Some(500));
        assert_eq!(config.run.error_strategy, Some(Strategy::Retry));
        assert_eq!(config.run.timeout, Some(Duration::from_secs(5400)));
        assert_eq!(config.run.recheck_interval, Some(Duration::from_millis(2500)));
        assert_eq!(config.run.retry_max_delay, Some(Duration::from_secs(300)));
        assert_eq!(config.run.retry_on.len(), 3);
        assert_eq!(config.run.env, [("LANG".into(), "C".into()), ("N".into(), "3".into())]);
        assert_eq!(config.run.opt.len(), 3);
        let slurm = &config.plugins["slurm"];
        assert_eq!(slurm.on_failure, Some(OnFailure::Halt));
        let run = |text: &str| Right::new("run", text).unwrap();
        let granted = [run("sbatch -A *"), run("squeue"), Right::Script];
        assert_eq!(slurm.allow, Some(Grant::Only(granted.to_vec())));
        let limits = LimitOverrides {
            memory_mib: Some(64),
            call: Some(Duration::from_secs(1)),
            compute: Some(Duration::from_millis(500)),
            table_elements: Some(1000),
            handles: Some(100),
            pass_mib: Some(8),
            output_mib: Some(4),
            instances: Some(2),
            max_rate: Some(20),
            max_in_flight: Some(3),
        };
        assert_eq!(LimitOverrides::from(slurm.limits), limits);
    }

    #[test]
    fn the_test_above_knows_every_key() {
        for key in [
            crate::cli::fields::keys::<RunSettings>(),
            crate::cli::fields::keys::<PluginConfig>(),
            crate::cli::fields::keys::<LimitsConfig>(),
        ]
        .concat()
        {
            let is_there = FULL.contains(&format!("{key} = ")) || FULL.contains(&format!(".{key}]"));
            assert!(is_there, "{key} is not in the test's file");
        }
    }

    #[test]
    fn allowing_nothing_differs_from_saying_nothing() {
        let allow = |text: &str| parse(text).unwrap().plugins["x"].allow.clone();
        assert_eq!(allow("[plugins.x]"), None);
        assert_eq!(allow("[plugins.x]\nallow = false"), Some(Grant::default()));
        assert_eq!(allow("[plugins.x]\nallow = []"), Some(Grant::default()));
        assert_eq!(allow("[plugins.x]\nallow = true"), Some(Grant::All));
    }

    #[test]
    fn paths_are_relative_to_the_file_and_the_nearest_file_counts() {
        let dir = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(dir.path()).unwrap();
        let deep = top.join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(
            top.join("a").join(NAME),
            "plugin-dir = ['p']\n[run]\nworkdir = 'out'\ncwd = '/x'",
        )
        .unwrap();
        std::fs::write(top.join(NAME), "nonsense").unwrap();
        let config = load(None, &deep).unwrap();
        assert_eq!(config.plugin_dir, [top.join("a/p")]);
        assert_eq!(config.run.workdir, Some(top.join("a/out").into()));
        assert_eq!(config.run.cwd, Some("/x".into()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let say = |text: &str| {
            let bad = parse(text).unwrap_err();
            format!("{}: {} ({})", bad.line, bad.message, bad.help.unwrap_or_default())
        };
        insta::assert_snapshot!(say("[run]\nforks = 0"), @"2: with 0 no job could ever run; the least is 1 ()");
        insta::assert_snapshot!(say("[run]\n\nforks = \"many\""), @"3: expected a whole number from 1 ()");
        insta::assert_snapshot!(say("[run]\nerror-strategy = \"shrug\""), @"2: unknown variant `shrug`, expected one of `ignore`, `retry`, `halt` ()");
        insta::assert_snapshot!(say("[run]\ntimeout = \"soon\""), @"2: expected a duration above 0, such as `90` (seconds), `1.5s`, `20m` or `1h 30m` ()");
        insta::assert_snapshot!(say("[run]\nretry-on = [0]"), @"2: expected an exit code from 1 to 255, or one of timed-out, signal, out-of-memory, preempted, node-failure, never-started, lost, submission-failed, other ()");
        insta::assert_snapshot!(say("[run]\nmax-failures = 0"), @"2: expected a whole number from 1; without it, the run bears any number of failures ()");
        insta::assert_snapshot!(say("[plugins.x]\nallow = [\"fly\"]"), @"2: there is no right `fly`; known are run, read, write, env, net and script ()");
        insta::assert_snapshot!(say("[plugins.x.limits]\nmemory-mib = 0"), @"2: with 0 no call of the plugin could ever succeed; the least is 1, and without this line the default holds ()");
        insta::assert_snapshot!(say("[plugins.x]\nlimits = { call-ms = 0 }"), @"2: with 0 no call of the plugin could ever succeed; the least is 1, and without this line the default holds ()");
        insta::assert_snapshot!(say("[run\n"), @"1: unclosed table, expected `]` ()");
    }

    #[test]
    fn a_missing_file_is_an_error_only_when_it_was_named() {
        let dir = tempfile::tempdir().unwrap();
        let here = Utf8Path::from_path(dir.path()).unwrap();
        assert!(load(None, here).is_ok());
        assert_eq!(load(Some("none.toml".into()), here).unwrap_err().exit, Exit::Usage);
    }
}
