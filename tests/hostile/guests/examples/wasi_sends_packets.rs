//! Sends a packet.

use std::net::UdpSocket;

xqute_hostile::tries_address!(
    |address: &str| UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"hostile", address))
);
