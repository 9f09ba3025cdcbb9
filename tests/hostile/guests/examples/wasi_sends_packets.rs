//! Sends a packet.

use std::net::UdpSocket;

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
        let sent = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"hostile", address));
        log::warn!("{sent:?}");
    }
}
