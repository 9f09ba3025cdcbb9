//! Starts a program that it never asked for.

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
        let answer = process::run("touch", ["ran_by_plugin"]);
        log::warn!("{answer:?}");
    }
}
