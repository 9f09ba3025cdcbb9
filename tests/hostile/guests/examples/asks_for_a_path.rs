//! Asks for the right to start a program by its path.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.runs(["/bin/touch"])
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {}
}
