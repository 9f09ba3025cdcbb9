//! Starts a program whose name goes on after a NUL.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["true"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let answer = process::run("true\0touch", ["ran_by_plugin"]);
        log::warn!("{answer:?}");
    }
}
