//! Why a plugin cannot be loaded or started. Each names the file or plugin, the item, and the remedy.

use std::{io, path::PathBuf};

use super::{contract::Interface, instance::call::CallFailure, rights::BadRight};
use crate::model::hook::Hook;

/// A plugin file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("plugin {}: {problem}", file.display())]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a plugin file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Io(io::Error),
    /// A folder, a device, a pipe.
    #[error("it is not a regular file; a plugin is one .wasm file")]
    NotAFile,
    /// It is bigger than a plugin may be.
    #[error("it has {size} bytes; a plugin may have at most {limit}. Strip its debug information, or split it")]
    TooBig {
        /// Its size in bytes.
        size: u64,
        /// The most it may have.
        limit: u64,
    },
    /// Somebody writes to it.
    #[error("it changed while it was read; try again when nobody writes to it")]
    Changing,
    /// It does not start as WebAssembly does.
    #[error("it is not WebAssembly; a plugin is a WebAssembly component (.wasm)")]
    NotWasm,
    /// A module without component.
    #[error(
        "it is a core module, not a component; turn it into one with `wasm-tools component new MODULE -o PLUGIN.wasm`, or \
         build it with `cargo xtask build` or for the target wasm32-wasip2"
    )]
    CoreModule,
    /// Truncated, corrupt, or made with features that the engine does not know.
    #[error("it is not a valid component, it may be truncated: {0}. Build or fetch it again")]
    Invalid(String),
    /// Another version of the contract.
    #[error(
        "it asks for `{asked}`, but this xqute speaks version {SPOKEN} of the contract; rebuild the plugin with an SDK of that \
         version, or use an xqute that speaks the other one"
    )]
    OtherContract {
        /// The interface that it asks for.
        asked: String,
    },
    /// The host does not have what it imports.
    #[error("it imports {}, which xqute does not provide: {remedy}", names(unknown))]
    UnknownImports {
        /// All that is unknown.
        unknown: Vec<String>,
        /// What to do about it.
        remedy: &'static str,
    },
    /// An interface looks different from what its name promises.
    #[error("it does not fit the contract: {0}. Rebuild it against the wit/ folder of this xqute")]
    Misfit(String),
    /// It does not say who it is.
    #[error("it does not export `xqute:plugin/about`; every plugin must, see wit/about.wit")]
    NoAbout,
    /// There is nothing to call.
    #[error(
        "it exports nothing but `xqute:plugin/about`, so there is nothing to call; export a scheduler, an observer, a \
         gatekeeper or snippets"
    )]
    NothingToCall,
    /// `describe` failed.
    #[error("call {}: {}", .0.call, .0.kind)]
    Describe(CallFailure),
    /// `describe` answered something that cannot be.
    #[error("its `describe` gives {what}; this is a mistake in the plugin")]
    BadDescription {
        /// What is wrong.
        what: String,
    },
    /// `describe` asked for a right that cannot be.
    #[error("its `describe` asks for what nobody could grant: {0}; this is a mistake in the plugin")]
    BadRight(BadRight),
    /// A hook without the interface that has it.
    #[error("it subscribes to {hook} but does not export `xqute:plugin/{interface}`; this is a mistake in the plugin")]
    HookWithoutInterface {
        /// The hook.
        hook: Hook,
        /// The interface that is missing.
        interface: Interface,
    },
    /// It is not the file that was locked.
    #[error(
        "{name} changed since it was locked (xqute.lock, sha256 {then}… then, {now}… now): look at it with `xqute plugin \
         inspect`, then lock it again with `xqute plugin lock {name}`"
    )]
    Changed {
        /// Its name.
        name: String,
        /// The start of the digest in the lock file.
        then: String,
        /// The start of its digest.
        now: String,
    },
    /// Two plugins of one name.
    #[error(
        "it is called `{name}`, as is {}, and a run can use only one of them; name only one of the files, or take one out of \
         its plugin folder or leave that folder out (`--disable {name}` would leave out both)",
        other.display()
    )]
    SameName {
        /// The name.
        name: String,
        /// The other file.
        other: PathBuf,
    },
    /// The engine could not be set up.
    #[error("the component engine does not start: {0}")]
    Engine(String),
}

/// The version of the contract that this host speaks.
pub(super) const SPOKEN: &str = "0.1";

/// An error of wasmtime in one line.
pub(super) fn shortened(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

fn names(list: &[String]) -> String {
    let quoted: Vec<_> = list.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Why plugins that are loaded cannot take part in this run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No plugin brings this scheduler.
    #[error("{}; known are {}", why.said(name), names(known))]
    UnknownScheduler {
        /// The name that was asked for.
        name: String,
        /// What is known of it.
        why: NoScheduler,
        /// The names of those that are there.
        known: Vec<String>,
    },
    /// The plugin has no such option.
    #[error("plugin {plugin} has no option `{option}`{}; see `xqute plugin inspect {plugin}`", did_you_mean(nearest.as_deref()))]
    UnknownOption {
        /// The plugin.
        plugin: String,
        /// The option that was given.
        option: String,
        /// An option with a similar name.
        nearest: Option<String>,
    },
    /// An option that is no list was given more than once.
    #[error("option `{option}` of plugin {plugin} was given more than once, but takes one value")]
    OptionTwice {
        /// The plugin.
        plugin: String,
        /// The option.
        option: String,
    },
    /// A right without which the plugin makes no sense.
    #[error(
        "plugin {plugin} needs the right to {right}; allow it with `{flags}`, which is all that it lacks, or disable the plugin"
    )]
    RightMissing {
        /// The plugin.
        plugin: String,
        /// The right, in words.
        right: &'static str,
        /// The flags that grant all that it asks for and does not have.
        flags: String,
    },
    /// A granted folder cannot be opened.
    #[error(
        "plugin {plugin} may use the folder {folder}, but it cannot be opened: {why}; create it, or allow the plugin only what \
         else it needs (`xqute plugin inspect` shows the flags), or disable the plugin"
    )]
    Folder {
        /// The plugin.
        plugin: String,
        /// The folder.
        folder: String,
        /// What the operating system says.
        why: String,
    },
    /// What the plugin says cannot be written down.
    #[error("the calls of plugin {plugin} cannot be recorded in {}: {why}; name a file that does not exist yet", file.display())]
    Recording {
        /// The plugin.
        plugin: String,
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The scheduler does not accept the options of the run.
    #[error("scheduler {plugin} does not accept its options: {message}")]
    InvalidOptions {
        /// The plugin.
        plugin: String,
        /// Its words.
        message: String,
    },
    /// The scheduler could not be opened for another reason.
    #[error("scheduler {plugin} cannot be used: {message}")]
    NotOpened {
        /// The plugin.
        plugin: String,
        /// Its words.
        message: String,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallFailure),
}

/// Why a name is not that of a scheduler which can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoScheduler {
    /// Nobody has this name.
    Unknown,
    /// A plugin has it that brings no scheduler.
    OtherPlugin,
    /// The user disabled it.
    Disabled,
}

impl NoScheduler {
    fn said(self, name: &str) -> String {
        match self {
            Self::Unknown => format!("there is no scheduler `{name}`"),
            Self::OtherPlugin => format!("`{name}` is a plugin but no scheduler"),
            Self::Disabled => format!("the plugin `{name}` is disabled, so it cannot be the scheduler"),
        }
    }
}

fn did_you_mean(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}
