//! Who a plugin is: the trait `Plugin`, and the description that grows out of the package and the plugin's other parts.

use std::{marker::PhantomData, time::Duration};

use crate::{
    Description, Gatekeeper, Hook, Limits, Observer, OptionInfo, Right, Scheduler, Snippets,
    bindings::about::exports::xqute::plugin::about,
};

/// Who the plugin is and what it wants; every plugin has one. Exports `xqute:plugin/about`.
///
/// The name, the version and the one-line summary are those of the package in `Cargo.toml` (without `xqute-` in front of
/// the name). The hooks are those that the plugin's other parts implement. The right `script` is asked for when one of
/// them gives bash. What is left to say is said in [`about`](Plugin::about).
pub trait Plugin {
    /// Written by `#[export]`.
    #[doc(hidden)]
    const PACKAGE: Package;

    /// Written by `#[export]`.
    #[doc(hidden)]
    fn parts() -> Parts;

    /// Says more than the package does: rights, options, limits, priority.
    fn about(about: About) -> About {
        about
    }
}

/// What the plugin exports as its description.
pub fn describe<P: Plugin>() -> Description {
    let Package { name, version, summary } = P::PACKAGE;
    let parts = P::parts();
    let mut hooks = Vec::new();
    for hook in [parts.observed, parts.gated, parts.scripted].concat() {
        if !hooks.contains(&hook) {
            hooks.push(hook);
        }
    }
    let scripts = parts.wraps || !parts.scripted.is_empty();
    P::about(About(Description {
        name: name.strip_prefix("xqute-").unwrap_or(name).to_owned(),
        version: version.to_owned(),
        summary: summary.to_owned(),
        rights: scripts.then_some(Right::Script).into_iter().collect(),
        hooks,
        options: Vec::new(),
        limits: Limits {
            memory_mib: None,
            call_ms: None,
            instances: None,
        },
        priority: 0,
        attributes: Vec::new(),
    }))
    .0
}

/// A plugin's description in the making.
#[derive(Clone, Debug)]
#[must_use]
pub struct About(Description);

impl About {
    /// A name other than that of the package: 1 to 32 of `a-z`, `0-9`, `-`, `_`, starting with a letter.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.name);
        self
    }

    /// A summary other than that of the package, in one line.
    pub fn summary(mut self, summary: &str) -> Self {
        summary.clone_into(&mut self.0.summary);
        self
    }

    /// Asks for a right. Users see it, and decide.
    pub fn asks_for(mut self, right: Right) -> Self {
        if !self.0.rights.contains(&right) {
            self.0.rights.push(right);
        }
        self
    }

    /// Asks for the right to start these programs, see [`process`](crate::process).
    pub fn runs<'a>(self, programs: impl IntoIterator<Item = &'a str>) -> Self {
        programs
            .into_iter()
            .fold(self, |about, program| about.asks_for(Right::Run(program.to_owned())))
    }

    /// Documents an option. Options that are not documented are refused when a user gives them.
    pub fn option(self, name: &str, summary: &str) -> Self {
        self.any_option(name, summary, None, false)
    }

    /// Documents an option that has a default.
    pub fn option_or(self, name: &str, default: &str, summary: &str) -> Self {
        self.any_option(name, summary, Some(default), false)
    }

    /// Documents an option that may be given more than once.
    pub fn list_option(self, name: &str, summary: &str) -> Self {
        self.any_option(name, summary, None, true)
    }

    fn any_option(mut self, name: &str, summary: &str, default: Option<&str>, repeatable: bool) -> Self {
        self.0.options.push(OptionInfo {
            name: name.to_owned(),
            summary: summary.to_owned(),
            default: default.map(str::to_owned),
            repeatable,
        });
        self
    }

    /// Wants other limits than the host's defaults, for one instance or one call.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// How many jobs one call of [`Scheduler::submit`] takes gladly, where the user does not say it. If that is more than one,
    /// jobs whose slots become free while calls are under way share the next.
    pub fn jobs_per_submit(self, jobs: u32) -> Self {
        self.attribute("jobs-per-submit", &jobs.to_string())
    }

    /// The shortest time from one answer of [`Scheduler::poll`] to the next question.
    pub fn polled_at_most_every(self, pause: Duration) -> Self {
        self.attribute("poll-ms", &pause.as_millis().to_string())
    }

    /// An attempt whose script ended and left exit code 0 has succeeded: [`Scheduler::poll`] need not be called about it.
    pub fn zero_is_final(self) -> Self {
        self.attribute("zero-is-final", "true")
    }

    /// Jobs can be started by words that stand before the path of their scripts: see [`run::carrier`](crate::run::carrier).
    pub fn carries_jobs(self) -> Self {
        self.attribute("carries", "true")
    }

    /// A run's directory that is in a store, see [`run::store`](crate::run::store), is mounted here, where jobs run.
    pub fn mounts_workdir_at(self, path: &str) -> Self {
        self.attribute("mounts-workdir-at", path)
    }

    fn attribute(mut self, name: &str, value: &str) -> Self {
        self.0.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Plugins are called, and their snippets pasted, from the highest priority to the lowest. The default is 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.0.priority = priority;
        self
    }
}

/// What `Cargo.toml` says.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub summary: &'static str,
}

/// What the plugin's type implements besides `Plugin`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub observed: &'static [Hook],
    pub gated: &'static [Hook],
    pub scripted: &'static [Hook],
    pub wraps: bool,
}

/// Finds out what a type implements: its own constants win over those of [`Absent`], but exist only for types that
/// implement the trait.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T: Observer> Probe<T> {
    pub const OBSERVED: &'static [Hook] = T::HOOKS;
}

impl<T: Gatekeeper> Probe<T> {
    pub const GATED: &'static [Hook] = T::HOOKS;
}

impl<T: Snippets> Probe<T> {
    pub const SCRIPTED: &'static [Hook] = T::HOOKS;
}

impl<T: Scheduler> Probe<T> {
    pub const WRAPS: bool = T::WRAPS;
}

/// What holds for a part that a type does not have.
#[doc(hidden)]
pub trait Absent {
    const OBSERVED: &'static [Hook] = &[];
    const GATED: &'static [Hook] = &[];
    const SCRIPTED: &'static [Hook] = &[];
    const WRAPS: bool = false;
}

impl<T> Absent for Probe<T> {}

impl<P: Plugin> about::Guest for crate::Part<P> {
    fn describe() -> Description {
        crate::panics::are_told();
        describe::<P>()
    }
}
