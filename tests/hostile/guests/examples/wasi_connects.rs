//! Connects to a server.

use std::net::TcpStream;

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
        log::warn!("{:?}", TcpStream::connect(address).map(drop));
    }
}
