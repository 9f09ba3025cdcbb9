//! What a component imports and exports, by name: whether it fits the contract, and which interfaces it brings.
//!
//! Its types are generated (`bindings`) and stay within the plugin host: `convert` translates between them and the words of
//! the model. `schema` checks options against those that a plugin describes. `peek` reads the names in a file that is not compiled.

pub(super) mod bindings;
pub(super) mod convert;
pub(super) mod peek;
pub(super) mod schema;

use std::fmt;

use wasmtime::component::types::ComponentItem;

use super::error::Problem;

/// An interface that plugins may export besides `about`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Interface {
    /// Hands jobs to a backend.
    Scheduler,
    /// Is told what happened.
    Observer,
    /// Is asked before something happens.
    Gatekeeper,
    /// Adds bash to job scripts.
    Snippets,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Scheduler, Self::Observer, Self::Gatekeeper, Self::Snippets];

    /// The name in `wit/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Observer => "observer",
            Self::Gatekeeper => "gatekeeper",
            Self::Snippets => "snippets",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The interfaces that a component exports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interfaces(u8);

impl Interfaces {
    /// Whether this one is among them.
    pub const fn contains(self, interface: Interface) -> bool {
        self.0 & (1 << interface as u8) != 0
    }

    /// All of them, in the order of [`Interface::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Interface> {
        Interface::ALL
            .into_iter()
            .filter(move |interface| self.contains(*interface))
    }

    /// The same set with this one.
    #[must_use]
    pub const fn with(self, interface: Interface) -> Self {
        Self(self.0 | 1 << interface as u8)
    }
}

/// What was found out about a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) interfaces: Interfaces,
    /// Whether it wants anything of WASI.
    pub(super) wasi: bool,
    /// Whether it wants to send requests.
    pub(super) http: bool,
}

/// Looks at a compiled component.
pub(super) fn examine(engine: &wasmtime::Engine, component: &wasmtime::component::Component) -> Result<Shape, Problem> {
    let ty = component.component_type();
    let imports = imports(engine, component);
    let exports: Vec<_> = ty
        .exports(engine)
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    check(&imports, &exports)
}

/// The names of what a component imports.
pub(super) fn imports(engine: &wasmtime::Engine, component: &wasmtime::component::Component) -> Vec<String> {
    let ty = component.component_type();
    ty.imports(engine).map(|(name, _)| name.to_owned()).collect()
}

fn check(imports: &[String], exports: &[String]) -> Result<Shape, Problem> {
    let mut unknown = Vec::new();
    let (mut wasi, mut http) = (false, false);
    for import in imports {
        match Name::parse(import) {
            Name::Contract { item, ours: true } if IMPORTS.contains(&item) => {}
            Name::Contract { ours: false, .. } => return Err(Problem::OtherContract { asked: import.clone() }),
            Name::Wasi { package } if WASI.contains(&package) => {
                wasi = true;
                http |= package == "http";
            }
            _ => unknown.push(import.clone()),
        }
    }
    if !unknown.is_empty() {
        let remedy = remedy(&unknown);
        return Err(Problem::UnknownImports { unknown, remedy });
    }
    let mut interfaces = Interfaces::default();
    let mut about = false;
    for export in exports {
        let Name::Contract { item, ours } = Name::parse(export) else {
            continue;
        };
        if !ours {
            return Err(Problem::OtherContract { asked: export.clone() });
        }
        about |= item == "about";
        if let Some(found) = Interface::ALL.into_iter().find(|known| known.name() == item) {
            interfaces = interfaces.with(found);
        }
    }
    match (about, interfaces == Interfaces::default()) {
        (false, _) => Err(Problem::NoAbout),
        (true, true) => Err(Problem::NothingToCall),
        (true, false) => Ok(Shape { interfaces, wasi, http }),
    }
}

/// What of the contract can be imported.
const IMPORTS: [&str; 7] = ["types", "process", "log", "key-value", "clock", "run", "mounts"];

/// The packages of WASI 0.2 that are linked.
const WASI: [&str; 7] = ["cli", "clocks", "filesystem", "http", "io", "random", "sockets"];

enum Name<'a> {
    Contract { item: &'a str, ours: bool },
    Wasi { package: &'a str },
    Other,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Self {
        let (path, version) = name.split_once('@').unwrap_or((name, ""));
        let is = |wanted: &str| version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'));
        match path.split_once('/') {
            Some(("xqute:plugin", item)) => Self::Contract {
                item,
                ours: is(super::error::SPOKEN),
            },
            Some((package, _)) if is("0.2") => match package.strip_prefix("wasi:") {
                Some(package) => Self::Wasi { package },
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

fn remedy(unknown: &[String]) -> &'static str {
    let all = |prefix: &str| unknown.iter().all(|name| name.starts_with(prefix));
    if all("wasi:") {
        "it provides cli, clocks, filesystem, http, io, random and sockets of WASI 0.2; build the plugin for wasm32-wasip2, or for \
         wasm32-unknown-unknown, which imports none of them"
    } else if all("xqute:plugin/") {
        "this version has process, log, key-value, clock, run and mounts; the plugin may need a newer xqute"
    } else {
        "a plugin may import only xqute:plugin and WASI 0.2; compose what else it needs into it with `wac plug`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(imports: &[&str], exports: &[&str]) -> Result<Shape, Problem> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        check(&owned(imports), &owned(exports))
    }

    const ABOUT: &str = "xqute:plugin/about@0.1.0";
    const OBSERVER: &str = "xqute:plugin/observer@0.1.0";

    #[test]
    fn a_component_exports_any_subset() {
        let shape = checked(
            &["xqute:plugin/log@0.1.3", "wasi:io/poll@0.2.6"],
            &[ABOUT, OBSERVER, "x:y/z@1.0.0"],
        )
        .unwrap();
        assert_eq!(shape.interfaces.iter().collect::<Vec<_>>(), [Interface::Observer]);
        assert!(shape.wasi && !shape.http);
        let sends = checked(&["wasi:http/outgoing-handler@0.2.4"], &[ABOUT, OBSERVER]).unwrap();
        assert!(sends.wasi && sends.http);
    }

    #[test]
    fn another_contract_is_named() {
        for (imports, exports) in [
            (&["xqute:plugin/log@0.2.0"][..], &[ABOUT, OBSERVER][..]),
            (&[], &["xqute:plugin/about@0.10.0"]),
            (&[], &["xqute:plugin/about@1.0.0"]),
        ] {
            let error = checked(imports, exports).unwrap_err().to_string();
            assert!(error.contains("speaks version 0.1 of the contract"), "{error}");
        }
    }

    #[test]
    fn unknown_imports_are_all_named() {
        let error = checked(&["my:own/thing", "wasi:io/poll@0.2.6", "other:one/x@1.0.0"], &[ABOUT]).unwrap_err();
        insta::assert_snapshot!(error, @"it imports `my:own/thing`, `other:one/x@1.0.0`, which xqute does not provide: a plugin may import only xqute:plugin and WASI 0.2; compose what else it needs into it with `wac plug`");
    }

    #[test]
    fn each_import_has_its_remedy() {
        let remedy = |import: &str| checked(&[import], &[ABOUT]).unwrap_err().to_string();
        assert!(remedy("wasi:nn/tensor@0.2.6").contains("http"));
        assert!(remedy("wasi:cli/run@0.3.0").contains("wasm32-wasip2"));
        assert!(remedy("xqute:plugin/oracle@0.1.0").contains("newer xqute"));
    }

    #[test]
    fn there_must_be_somebody_to_call() {
        assert!(matches!(checked(&[], &[OBSERVER]), Err(Problem::NoAbout)));
        assert!(matches!(checked(&[], &[ABOUT]), Err(Problem::NothingToCall)));
    }
}
