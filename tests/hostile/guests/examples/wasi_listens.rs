//! Waits for others to connect to it.

use std::net::TcpListener;

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {
    fn about(about: About) -> About {
        about.option("address", "where to")
    }
}

#[export]
impl Observer for Hostile {
    fn on_init() {
        let options = run::options();
        let address = options.value("address").unwrap_or_default();
        log::warn!("{:?}", TcpListener::bind(address).map(drop));
    }
}
