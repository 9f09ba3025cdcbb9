//! What wit-bindgen makes of `wit/`: one set of bindings for each part that a plugin can export, all of them sharing the
//! types and the imports. Nothing here is written by hand; the rest of the crate gives it a friendlier face.

/// Types and imports.
pub mod imports {
    wit_bindgen::generate!({
        path: "wit",
        world: "imports",
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq],
    });
}

/// Generates the bindings of one part.
macro_rules! part {
    ($name:ident, $world:literal) => {
        pub mod $name {
            wit_bindgen::generate!({
                path: "wit",
                world: $world,
                pub_export_macro: true,
                generate_unused_types: true,
                additional_derives: [PartialEq, Eq],
                with: {
                    "xqute:plugin/types@0.1.0": crate::bindings::imports::xqute::plugin::types,
                    "xqute:plugin/process@0.1.0": crate::bindings::imports::xqute::plugin::process,
                    "xqute:plugin/log@0.1.0": crate::bindings::imports::xqute::plugin::log,
                    "xqute:plugin/key-value@0.1.0": crate::bindings::imports::xqute::plugin::key_value,
                    "xqute:plugin/clock@0.1.0": crate::bindings::imports::xqute::plugin::clock,
                    "xqute:plugin/run@0.1.0": crate::bindings::imports::xqute::plugin::run,
                    "xqute:plugin/mounts@0.1.0": crate::bindings::imports::xqute::plugin::mounts,
                },
            });
        }
    };
}

part!(about, "about-part");
part!(scheduler, "scheduler-part");
part!(observer, "observer-part");
part!(gatekeeper, "gatekeeper-part");
part!(snippets, "snippets-part");
