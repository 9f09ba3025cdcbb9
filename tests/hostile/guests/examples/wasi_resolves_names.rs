//! Looks up a name, which tells somebody that it is here.

use std::net::ToSocketAddrs;

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
        let found = address.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        log::warn!("found {found:?}");
    }
}
