//! Starts a program with forty megabytes of arguments.

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
        let _refused = process::run("touch", ["tried".to_owned(), "x".repeat(40 << 20)]);
    }
}
