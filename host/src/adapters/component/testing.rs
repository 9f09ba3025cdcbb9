//! Guests for tests, written as core WebAssembly text and turned into components with the real contract: nothing has to be
//! built before the tests run.

use std::{fs, path::PathBuf, sync::Arc};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{
    adapters::clock::Clock,
    model::{
        access::Access,
        job::{Attempt, JobIndex, JobSpec},
        path::SpecPath,
        run::{JobAttempt, Run},
        settings::Settings,
    },
    ports::jobs::Jobs,
};

use super::{
    error::{LoadError, StartError},
    plugins::{LoadOptions, PluginSource, Plugins, Started},
};

/// A guest: what `describe` says and the bodies of its functions. A function without a body traps.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) name: &'static str,
    /// The numbers of `about.hook`.
    pub(super) hooks: &'static [u8],
    /// The numbers of `about.right` and their values.
    pub(super) rights: &'static [(u8, &'static str)],
    pub(super) observe: &'static str,
    pub(super) decide: &'static str,
    pub(super) provide: &'static str,
    pub(super) submit: &'static str,
    pub(super) describe: &'static str,
}

pub(super) const JOB_QUEUED: u8 = 3;
pub(super) const JOB_SUBMITTING: u8 = 4;
pub(super) const JOBCMD_INIT: u8 = 12;
pub(super) const RUN: u8 = 0;
pub(super) const SCRIPT: u8 = 5;

/// A body that answers the list at address 64, which has one entry at address 128.
pub(super) const ONE_ENTRY: &str =
    "(i32.store (i32.const 64) (i32.const 128)) (i32.store (i32.const 68) (i32.const 1)) (i32.const 64)";

impl Default for Guest {
    fn default() -> Self {
        Self {
            name: "guest",
            hooks: &[JOB_QUEUED],
            rights: &[],
            observe: "",
            decide: "unreachable",
            provide: "unreachable",
            submit: "unreachable",
            describe: "(i32.const 1024)",
        }
    }
}

impl Guest {
    /// The component.
    pub(super) fn component(&self) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path("../wit").unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default()
            .module(&module)
            .unwrap()
            .validate(true)
            .encode()
            .unwrap()
    }

    /// The component, in a file.
    pub(super) fn file(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join(format!("{}.wasm", self.name));
        fs::write(&path, self.component()).unwrap();
        path
    }

    /// Loads and starts this guest alone.
    pub(super) async fn start(
        &self,
        scheduler: Option<&str>,
        change: impl FnOnce(&mut PluginSource, &mut LoadOptions),
    ) -> Result<Started, StartError> {
        let folder = tempfile::tempdir().unwrap();
        let mut source = PluginSource::from(self.file(&folder));
        let mut options = options();
        change(&mut source, &mut options);
        let plugins = Plugins::load(vec![source], options).await.unwrap();
        plugins
            .start(Arc::new(run()), Arc::new(NoJobs), Clock::start(), scheduler)
            .await
    }

    /// What is wrong with this guest.
    pub(super) async fn refused(&self) -> LoadError {
        let folder = tempfile::tempdir().unwrap();
        Plugins::load(vec![self.file(&folder).into()], options())
            .await
            .err()
            .unwrap()
    }

    fn text(&self) -> String {
        let Self {
            observe,
            decide,
            provide,
            submit,
            describe,
            ..
        } = self;
        let (data, rights) = self.data();
        format!(
            r#"(module
  (import "xqute:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))
  (import "xqute:plugin/process@0.1.0" "run" (func $run (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (table 1 funcref)
  (data (i32.const 1024) "{data}")
  (data (i32.const 1200) "{rights}")
  (data (i32.const 4096) "sleep1000id")
  (func $give_up unreachable)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 32768))
  (func (export "xqute:plugin/about@0.1.0#describe") (result i32) {describe})
  (func (export "xqute:plugin/observer@0.1.0#observe") (param i32 i32) {observe})
  (func (export "xqute:plugin/gatekeeper@0.1.0#decide") (param i32 i32) (result i32) {decide})
  (func (export "xqute:plugin/snippets@0.1.0#provide") (param i32 i32) (result i32) {provide})
  (func (export "xqute:plugin/scheduler@0.1.0#open")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 64))
  (func (export "xqute:plugin/scheduler@0.1.0#wrap") (param i32 i32) (result i32) unreachable)
  (func (export "xqute:plugin/scheduler@0.1.0#submit") (param i32 i32) (result i32) {submit})
  (func (export "xqute:plugin/scheduler@0.1.0#poll") (param i32 i32) (result i32) unreachable)
  (func (export "xqute:plugin/scheduler@0.1.0#cancel") (param i32 i32) (result i32) unreachable)
  (func (export "xqute:plugin/scheduler@0.1.0#find") (param i32 i32) (result i32) unreachable))"#
        )
    }

    /// The description at address 1024, as the canonical ABI lays it out, and its list of rights at 1200.
    fn data(&self) -> (String, String) {
        let mut texts = Vec::new();
        let mut text = |text: &str| {
            let at = 3072 + texts.len();
            texts.extend_from_slice(text.as_bytes());
            [u32::try_from(at).unwrap(), u32::try_from(text.len()).unwrap()]
        };
        let mut words = Vec::new();
        words.extend([text(self.name), text("1.0"), text("a guest")]);
        words.push([1200, u32::try_from(self.rights.len()).unwrap()]);
        words.push([2048, u32::try_from(self.hooks.len()).unwrap()]);
        words.extend([[0, 0], [0, 0], [0, 0], [0, 0]]);
        words.extend([[0, 0], [0, 0]]);
        let rights: Vec<u32> = self
            .rights
            .iter()
            .flat_map(|(kind, value)| {
                let [at, length] = text(value);
                [u32::from(*kind), at, length]
            })
            .collect();
        let mut memory = bytes(&words.concat());
        memory.resize(2048 - 1024, 0);
        memory.extend(self.hooks);
        memory.resize(3072 - 1024, 0);
        memory.extend(texts);
        (escaped(&memory), escaped(&bytes(&rights)))
    }
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Nothing that lasts, so that tests see neither what others keep nor what the user does.
pub(super) fn options() -> LoadOptions {
    LoadOptions {
        cache: None,
        key_values: None,
        ..LoadOptions::default()
    }
}

pub(super) fn run() -> Run {
    Run {
        tag: "0123456789abcdef".to_owned(),
        workdir: SpecPath::same(camino::Utf8Path::new("/work")),
        home: "/work".into(),
        access: Access::Shared,
        scheduler: "guest".to_owned(),
        settings: Settings::default(),
    }
}

pub(super) fn attempt(index: u32) -> JobAttempt {
    run().attempt(JobIndex(index), Attempt::FIRST, Arc::new(JobSpec::from("true")))
}

pub(super) struct NoJobs;

impl Jobs for NoJobs {
    fn job(&self, _: JobIndex) -> Option<JobAttempt> {
        None
    }
}
