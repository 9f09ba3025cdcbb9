//! A plugin that needs WASI: it reads the environment, the clock and a file, which only a grant makes possible, and says
//! what it saw.

use std::{env, fs, time::SystemTime};

use xqute_plugin::prelude::*;

/// Says what it can see of the machine.
pub struct WasiHello;

#[export]
impl Plugin for WasiHello {
    fn about(about: About) -> About {
        about
            .option_or("file", "/etc/hostname", "a file to read")
            .asks_for(Right::Env("HOME".to_owned()))
            .asks_for(Right::Read("/etc".to_owned()))
    }
}

#[export]
impl Observer for WasiHello {
    fn on_init() {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is what the guest is for: WASI's clock, not the run's"
        )]
        let clock = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let options = run::options();
        let file = options.value("file").unwrap_or("/etc/hostname");
        let text = fs::read_to_string(file).unwrap_or_else(|error| format!("({error})"));
        let home = env::var("HOME").unwrap_or_else(|_| "(not granted)".to_owned());
        log::info!(
            "HOME={home} clock={} {file}={}",
            if clock > 0 { "goes" } else { "stands" },
            text.trim()
        );
    }
}
