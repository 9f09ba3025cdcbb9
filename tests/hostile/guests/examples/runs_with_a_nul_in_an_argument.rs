//! Starts a program with a NUL in an argument.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["touch"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let answer = process::run("touch", ["ran_by_plugin\0"]);
        log::warn!("{answer:?}");
    }
}
