//! The types of the contract, generated from `wit/`. Only this folder sees them.
//!
//! The world lists every interface that a plugin can export; a component exports some of them. [`Exports`] finds out which,
//! by their names in the component's type, and holds the indices of their functions.

use wasmtime::{
    Result, Store,
    component::{Instance, InstancePre},
};

pub(super) use generated::{
    exports::xqute::plugin::{about, gatekeeper, observer, scheduler, snippets},
    xqute::plugin::{clock, key_value, log, process, run, types},
};

use super::contract::{Interface, Interfaces};

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
pub(super) struct Exports {
    about: about::GuestIndices,
    scheduler: Option<scheduler::GuestIndices>,
    observer: Option<observer::GuestIndices>,
    gatekeeper: Option<gatekeeper::GuestIndices>,
    snippets: Option<snippets::GuestIndices>,
}

/// The functions of one instance.
pub(super) struct Guests {
    pub(super) about: about::Guest,
    pub(super) scheduler: Option<scheduler::Guest>,
    pub(super) observer: Option<observer::Guest>,
    pub(super) gatekeeper: Option<gatekeeper::Guest>,
    pub(super) snippets: Option<snippets::Guest>,
}

impl Exports {
    /// Looks up the functions of the interfaces that a component was found to export.
    pub(super) fn find<T>(pre: &InstancePre<T>, interfaces: Interfaces) -> Result<Self> {
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
    pub(super) fn load<T: Send>(&self, store: &mut Store<T>, instance: &Instance) -> Result<Guests> {
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
