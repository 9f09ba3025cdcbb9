//! Wants all that a program prints that never stops printing.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["yes"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let answer = process::run("yes", [""; 0]);
        log::warn!("{answer:?}");
    }
}
