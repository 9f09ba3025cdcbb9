//! Sleeps for a year in the host.

use std::time::Duration;

xqute_hostile::on_each_success!(std::thread::sleep(Duration::from_secs(365 * 24 * 3600)));
