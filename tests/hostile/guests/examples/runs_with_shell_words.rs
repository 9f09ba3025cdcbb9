//! Hopes for a shell that takes apart what it starts.

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
        let answer = process::run(
            "true; touch ran_by_plugin",
            ["; touch ran_by_plugin", "$(touch ran_by_plugin)"],
        );
        log::warn!("{answer:?}");
    }
}
