//! Opens files without end, and closes none.

use std::{fs::File, mem::forget};

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about
            .option("try", "the file to open")
            .asks_for(Right::Read("granted".to_owned()))
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let options = run::options();
        let file = options.value("try").unwrap_or_default();
        log::warn!("opened once: {}", File::open(file).is_ok());
        loop {
            forget(File::open(file));
        }
    }
}
