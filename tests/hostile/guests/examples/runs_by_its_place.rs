//! Starts a program by its absolute path, where the name is granted.

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
        let answer = process::run("/usr/bin/touch", ["ran_by_plugin"]);
        log::warn!("{answer:?}");
    }
}
