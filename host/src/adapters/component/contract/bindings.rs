//! The types of the contract, generated from `wit/`. Only this folder sees them.
//!
//! The world lists every interface that a plugin can export; a component exports some of them. [`Exports`] finds out which,
//! by their names in the component's type, and holds the indices of their functions.

use wasmtime::{
    Result, Store,
    component::{Instance, InstancePre},
};

pub(crate) use generated::{
    exports::xqute::plugin::{about, gatekeeper, observer, scheduler, snippets},
    xqute::plugin::{clock, key_value, log, mounts, process, run, types},
};

use super::{Interface, Interfaces};

mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "xqute:plugin/plugin",
        imports: { default: trappable, "xqute:plugin/process.run": async | trappable },
        exports: { default: async },
        // For recordings, and for calls by hand.
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// Where the functions of a component are.
#[derive(Clone)]
pub(crate) struct Exports {
    about: about::GuestIndices,
    scheduler: Option<scheduler::GuestIndices>,
    observer: Option<observer::GuestIndices>,
    gatekeeper: Option<gatekeeper::GuestIndices>,
    snippets: Option<snippets::GuestIndices>,
}

/// The functions of one instance.
pub(crate) struct Guests {
    pub(crate) about: about::Guest,
    pub(crate) scheduler: Option<scheduler::Guest>,
    pub(crate) observer: Option<observer::Guest>,
    pub(crate) gatekeeper: Option<gatekeeper::Guest>,
    pub(crate) snippets: Option<snippets::Guest>,
}

impl Exports {
    /// Looks up the functions of the interfaces that a component was found to export.
    pub(crate) fn find<T>(pre: &InstancePre<T>, interfaces: Interfaces) -> Result<Self> {
        let has = |interface| interfaces.contains(interface).then_some(());
        Ok(Self {
            about: about::GuestIndices::new(pre)?,
            scheduler: has(Interface::Scheduler)
                .map(|()| scheduler::GuestIndices::new(pre))
                .transpose()?,
            observer: has(Interface::Observer)
                .map(|()| observer::GuestIndices::new(pre))
                .transpose()?,
            gatekeeper: has(Interface::Gatekeeper)
                .map(|()| gatekeeper::GuestIndices::new(pre))
                .transpose()?,
            snippets: has(Interface::Snippets)
                .map(|()| snippets::GuestIndices::new(pre))
                .transpose()?,
        })
    }

    /// Type-checks the functions and binds them to one instance.
    pub(crate) fn load<T: Send>(&self, store: &mut Store<T>, instance: &Instance) -> Result<Guests> {
        Ok(Guests {
            about: self.about.load(&mut *store, instance)?,
            scheduler: self
                .scheduler
                .as_ref()
                .map(|at| at.load(&mut *store, instance))
                .transpose()?,
            observer: self
                .observer
                .as_ref()
                .map(|at| at.load(&mut *store, instance))
                .transpose()?,
            gatekeeper: self
                .gatekeeper
                .as_ref()
                .map(|at| at.load(&mut *store, instance))
                .transpose()?,
            snippets: self
                .snippets
                .as_ref()
                .map(|at| at.load(&mut *store, instance))
                .transpose()?,
        })
    }
}
