//! Waits for a program that never ends, and for what that started.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["bash"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let _never = process::run("bash", ["-c", "trap '' TERM; touch started; sleep 3600 & sleep 3600"]);
    }
}
