//! `xqute plugin check FILE`: what is wrong with a plugin, step by step. Nothing of it runs but `describe`, which has no
//! rights.

use camino::Utf8Path;
use xqute::adapters::component::{
    contract::Interface,
    error::Problem,
    flags::flags,
    plugins::PluginInfo,
    rights::Right,
    trial::check::{Check, CheckVerdict},
};

use super::{Wanted, verdicts};
use crate::cli::{error::Result, exit::Exit};

/// What is looked at, in this order. What comes after a step that failed is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    File,
    Code,
    Contract,
    Types,
    Description,
}

impl Step {
    const ALL: [Self; 5] = [Self::File, Self::Code, Self::Contract, Self::Types, Self::Description];

    /// The step that a problem belongs to.
    const fn of(problem: &Problem) -> Self {
        match problem {
            Problem::Io(_)
            | Problem::Changing
            | Problem::NotAFile
            | Problem::TooBig { .. }
            | Problem::NotWasm
            | Problem::CoreModule => Self::File,
            Problem::Invalid(_) | Problem::Engine(_) => Self::Code,
            Problem::OtherContract { .. }
            | Problem::UnknownImports { .. }
            | Problem::NoAbout
            | Problem::NothingToCall => Self::Contract,
            Problem::Misfit(_) => Self::Types,
            Problem::Describe(_)
            | Problem::BadRight(_)
            | Problem::Changed { .. }
            | Problem::BadDescription { .. }
            | Problem::HookWithoutInterface { .. }
            | Problem::SameName { .. } => Self::Description,
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::File => "file: it is a WebAssembly component",
            Self::Code => "code: it is valid, and compiles",
            Self::Contract => "contract: its imports and exports are those of this xqute",
            Self::Types => "types: each function looks as the contract says",
            Self::Description => "describe: it says who it is",
        }
    }
}

/// Looks at one plugin.
pub(super) async fn check(wanted: &Wanted<'_>, file: &Utf8Path) -> Result<Exit> {
    let (problem, plugin) = match wanted.one(file, &[]).await? {
        Ok(plugins) => (None, plugins.list().into_iter().next()),
        Err(error) => (Some(error.problem), None),
    };
    let failed_at = problem.as_ref().map(Step::of);
    let mut checks = Vec::new();
    for step in Step::ALL
        .into_iter()
        .filter(|step| failed_at.is_none_or(|failed| *step <= failed))
    {
        let verdict = match &problem {
            Some(problem) if failed_at == Some(step) => CheckVerdict::Failed(problem.to_string()),
            _ => CheckVerdict::Passed,
        };
        let what = step.said().to_owned();
        checks.push(Check { what, verdict });
    }
    checks.extend(plugin.iter().flat_map(remarks));
    let title = plugin.as_ref().map_or_else(|| file.to_string(), title);
    match verdicts::show(&title, &checks)? {
        Exit::Success => Ok(Exit::Success),
        _ => Ok(Exit::Plugin),
    }
}

fn title(plugin: &PluginInfo) -> String {
    let interfaces: Vec<String> = plugin
        .interfaces
        .iter()
        .map(|interface| interface.to_string())
        .collect();
    format!(
        "{} {}: {}\n{} bytes, sha256 {}\nexports {}; imports {}",
        plugin.name,
        plugin.version,
        plugin.summary,
        plugin.size,
        plugin.digest,
        interfaces.join(", "),
        if plugin.imports.is_empty() {
            "nothing".to_owned()
        } else {
            plugin.imports.join(", ")
        },
    )
}

/// What is no mistake by itself, but probably not meant.
fn remarks(plugin: &PluginInfo) -> Vec<Check> {
    let imports = |part: &str| plugin.imports.iter().any(|name| name.starts_with(part));
    let asks = |kind: fn(&Right) -> bool| plugin.asked.iter().any(kind);
    let runs = |right: &Right| matches!(right, Right::Run(_));
    let connects = |right: &Right| matches!(right, Right::Net(_));
    let uses_files = |right: &Right| matches!(right, Right::Read(_) | Right::Write(_));
    let speaks = imports("wasi:sockets/") || imports("wasi:http/");
    let scripts = [Interface::Snippets, Interface::Scheduler];
    let gives_bash = scripts.iter().any(|interface| plugin.interfaces.contains(*interface));
    let mut checks = Vec::new();
    let mut remark = |is_odd: bool, what: &str, remedy: &str| {
        if is_odd {
            checks.push(Check {
                what: format!("rights: {what}"),
                verdict: CheckVerdict::Skipped(remedy.to_owned()),
            });
        }
    };
    let missing = "add the right to `describe`, or take the import out";
    let extra = "take the right out of `describe`: nobody grants gladly what is not needed";
    remark(
        imports("xqute:plugin/process@") && !asks(runs),
        "it imports `process`, but asks for no `run`, so it can start nothing",
        missing,
    );
    remark(
        !imports("xqute:plugin/process@") && asks(runs),
        "it asks for `run`, but does not import `process`",
        extra,
    );
    remark(
        !speaks && asks(connects),
        "it asks for `net`, but imports neither sockets nor HTTP of WASI",
        extra,
    );
    remark(
        !imports("wasi:filesystem/") && asks(uses_files),
        "it asks for folders, but imports no files of WASI",
        extra,
    );
    remark(
        asks(|right| *right == Right::Script) && !gives_bash,
        "it asks for `script`, but exports neither snippets nor a scheduler",
        extra,
    );
    if !plugin.asked.is_empty() {
        let verdict = CheckVerdict::Passed;
        let flags = flags(&plugin.name, &plugin.asked).join(" ");
        let what = format!(
            "rights: it asks for {}; to grant them: {flags}",
            plugin
                .asked
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        );
        checks.push(Check { what, verdict });
    }
    checks
}
