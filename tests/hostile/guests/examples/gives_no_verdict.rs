//! Is asked, and does not answer.

use xqute_hostile::description;
use xqute_plugin::{
    Description, Hook, Question, Verdict,
    bindings::{about::exports::xqute::plugin::about, gatekeeper::exports::xqute::plugin::gatekeeper},
};

struct Hostile;

impl about::Guest for Hostile {
    fn describe() -> Description {
        description(&[Hook::JobSubmitting])
    }
}

impl gatekeeper::Guest for Hostile {
    fn decide(_: Vec<Question>) -> Vec<Verdict> {
        Vec::new()
    }
}

xqute_plugin::bindings::about::export!(Hostile with_types_in xqute_plugin::bindings::about);
xqute_plugin::bindings::gatekeeper::export!(Hostile with_types_in xqute_plugin::bindings::gatekeeper);
