//! Reads a file again and again, hoping that a part of its path becomes a link at the right moment.

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
            let (mut found, mut harmless) = (String::new(), 0);
            for _ in 0..20_000 {
                match fs::read_to_string(path) {
                    Ok(text) if text == "harmless" => harmless += 1,
                    Ok(text) => found = text,
                    Err(_) => {}
                }
            }
            log::warn!("found {harmless} harmless files and `{found}`");
        }
    }
}
