//! Gives two scripts for each job.

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
    fn provide(jobs: Vec<Job>) -> Vec<Script> {
        let script = Script {
            init: Some("touch given".to_owned()),
            prep: None,
            end: None,
        };
        vec![script; jobs.len() * 2]
    }
}

xqute_plugin::bindings::about::export!(Hostile with_types_in xqute_plugin::bindings::about);
xqute_plugin::bindings::snippets::export!(Hostile with_types_in xqute_plugin::bindings::snippets);
