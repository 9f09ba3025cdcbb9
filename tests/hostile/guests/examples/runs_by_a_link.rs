//! Starts a link in the folder of the run, where the name of the link is granted.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["innocent"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let answer = process::run("./innocent", ["ran_by_plugin"]);
        log::warn!("{answer:?}");
    }
}
