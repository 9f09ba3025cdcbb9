//! Which of several plugins takes part, what those that were shipped may do, and what is said about names.

use std::{path::Path, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::adapters::{
    clock::Clock,
    component::{load::discover::Shipped, testing},
};

/// A folder as it lies beside the executable, with this guest in it.
fn shipping(guest: &Guest) -> (tempfile::TempDir, LoadOptions) {
    let folder = tempfile::tempdir().unwrap();
    let wasm = fs::read(guest.file(&folder)).unwrap();
    let digest: String = Sha256::digest(&wasm).iter().map(|byte| format!("{byte:02x}")).collect();
    let listing = format!("[[plugin]]\nname = \"{}\"\nsha256 = \"{digest}\"\n", guest.name);
    fs::write(folder.path().join("bundled.toml"), listing).unwrap();
    let shipped = Shipped::in_folder(folder.path());
    let options = LoadOptions { shipped, ..options() };
    (folder, options)
}

fn asking() -> Guest {
    Guest {
        rights: &[(RUN, "sbatch"), (RUN, "squeue"), (SCRIPT, "")],
        ..Guest::default()
    }
}

async fn load(sources: &[&Path], options: LoadOptions) -> Plugins {
    let sources = sources.iter().map(|path| path.to_path_buf().into()).collect();
    Plugins::load(sources, options).await.unwrap()
}

#[tokio::test]
async fn two_plugins_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Guest::default().file(&folder);
    let second = folder.path().join("copy.wasm");
    fs::copy(&first, &second).unwrap();
    let sources = vec![first.clone().into(), second.into(), first.into()];
    let error = Plugins::load(sources, options()).await.err().unwrap().to_string();
    assert!(error.contains("is called `guest`, as is"), "{error}");
    assert!(error.contains("name only one of the files"), "{error}");
}

#[tokio::test]
async fn a_file_of_ones_own_beats_the_shipped_one_of_its_name() {
    let (shipped, options) = shipping(&Guest::default());
    let folder = tempfile::tempdir().unwrap();
    let own = Guest::default().file(&folder);
    let beside = shipped.path().join("guest.wasm");
    for sources in [[own.as_path(), &beside], [&beside, own.as_path()]] {
        let plugins = load(&sources, options.clone()).await.list();
        let paths: Vec<_> = plugins.iter().map(|plugin| plugin.path.as_path()).collect();
        assert_eq!(paths, [own.as_path()]);
    }
}

#[tokio::test]
async fn a_shipped_plugin_may_do_what_it_asks_for_unless_the_user_says_how_much() {
    let (shipped, options) = shipping(&asking());
    let beside = shipped.path().join("guest.wasm");
    let effective = async |options| load(&[&beside], options).await.list()[0].effective.clone();
    assert_eq!(effective(options.clone()).await.len(), 3);
    for (grant, flag, count) in [
        (Some(Grant::default()), None, 0),
        (Some(Grant::Only(vec![Right::Script])), None, 1),
        (Some(Grant::default()), Some("guest"), 3),
        (None, Some("guest:run=sbatch,squeue"), 2),
        (None, Some("other:script"), 3),
    ] {
        let mut options = options.clone();
        options.named.entry("guest".into()).or_default().grant = grant.clone();
        options.allowed.extend(flag.map(|flag| flag.parse().unwrap()));
        assert_eq!(effective(options).await.len(), count, "{grant:?} {flag:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_every_flag_that_is_missing() {
    let allow = |source: &mut PluginSource, _: &mut LoadOptions| {
        source.settings.grant = Some(Grant::Only(vec![Right::new("run", "squeue").unwrap()]));
    };
    let error = asking().start(Some("guest"), allow).await.err().unwrap();
    insta::assert_snapshot!(error, @"plugin guest needs the right to put bash or directives into job scripts; allow it with `--allow guest:run=sbatch --allow guest:script`, which is all that it lacks, or disable the plugin");
}

async fn no_scheduler(plugins: Plugins, name: &str) -> String {
    let (run, jobs) = (Arc::new(testing::run()), Arc::new(testing::NoJobs));
    let started = plugins.start(run, jobs, Clock::start(), Some(name)).await;
    started.err().unwrap().to_string()
}

#[tokio::test]
async fn schedulers_that_were_shipped_are_known_although_nobody_loaded_them() {
    let (_shipped, mut options) = shipping(&Guest::default());
    let plugins = load(&[], options.clone()).await;
    insta::assert_snapshot!(no_scheduler(plugins, "nope").await, @"there is no scheduler `nope`; known are `local`, `guest`");
    options.disabled.insert("guest".into());
    options.scheduler = Some("guest".into());
    let plugins = load(&[], options).await;
    insta::assert_snapshot!(no_scheduler(plugins, "guest").await, @"the plugin `guest` is disabled, so it cannot be the scheduler; known are `local`");
}

#[tokio::test]
async fn all_names_are_known_by_which_a_plugin_can_be_meant() {
    let (_shipped, mut options) = shipping(&Guest::default());
    let folder = tempfile::tempdir().unwrap();
    let own = GATE.file(&folder);
    options.disabled.insert("gate".into());
    let plugins = load(&[&own], options).await;
    assert!(plugins.list().is_empty());
    assert_eq!(plugins.known_names().into_iter().collect::<Vec<_>>(), ["gate", "guest"]);
}
