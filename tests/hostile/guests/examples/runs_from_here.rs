//! Starts a program of a granted name, which lies in the folder of the run before it lies on PATH.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["id"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let answer = process::run("id", ["ran_by_plugin"]);
        log::warn!("{answer:?}");
    }
}
