//! Writes where it may only read: the option says where.

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
            log::warn!("{path}: {:?}", fs::write(path, "hostile"));
            log::warn!("{path}: {:?}", fs::create_dir(format!("{path}.folder")));
            log::warn!("{path}: {:?}", fs::rename(path, format!("{path}.moved")));
            log::warn!("{path}: {:?}", fs::remove_file(path));
        }
    }
}
