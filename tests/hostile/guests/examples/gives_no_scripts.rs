//! Is asked for bash, and gives none to anybody.

use xqute_hostile::description;
use xqute_plugin::{
    Description, Hook, Job, Right, Script,
    bindings::{about::exports::xqute::plugin::about, snippets::exports::xqute::plugin::snippets},
};

struct Hostile;

impl about::Guest for Hostile {
    fn describe() -> Description {
        Description {
            rights: vec![Right::Script],
            ..description(&[Hook::JobcmdInit])
        }
    }
}

impl snippets::Guest for Hostile {
    fn provide(_: Vec<Job>) -> Vec<Script> {
        Vec::new()
    }
}

xqute_plugin::bindings::about::export!(Hostile with_types_in xqute_plugin::bindings::about);
xqute_plugin::bindings::snippets::export!(Hostile with_types_in xqute_plugin::bindings::snippets);
