//! Reads files that it was not granted: the option says which.

use std::fs;

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about
            .list_option("try", "what to try")
            .asks_for(Right::Read("granted".to_owned()))
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        for path in run::options().values("try") {
            log::warn!("{path}: {:?}", fs::read_to_string(path));
        }
    }
}
