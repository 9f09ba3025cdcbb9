//! A plugin that needs WASI: it reads the environment, the clock and a file, which only a grant makes possible, and says
//! what it saw. With the option `slow` it is an observer that takes its time.

use std::{
    env, fs,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use xqute_plugin::prelude::*;

/// Says what it can see of the machine.
pub struct WasiHello;

#[export]
impl Plugin for WasiHello {
    fn about(about: About) -> About {
        about
            .option_or("file", "/etc/hostname", "a file to read")
            .option_or("slow", "0", "how many milliseconds to sleep when a job is queued")
            .asks_for(Right::Env("HOME".to_owned()))
            .asks_for(Right::Read("/etc".to_owned()))
    }
}

/// The jobs that were queued, as this instance saw them.
static QUEUED: AtomicU32 = AtomicU32::new(0);

#[export]
impl Observer for WasiHello {
    fn on_job_queued(_job: &JobFact) {
        let pause = run::options().value("slow").and_then(|millis| millis.parse().ok());
        thread::sleep(Duration::from_millis(pause.unwrap_or(0)));
        QUEUED.fetch_add(1, Ordering::Relaxed);
    }

    fn on_shutdown(_signal: Option<&str>) {
        log::info!("saw {} jobs queued", QUEUED.load(Ordering::Relaxed));
    }

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
