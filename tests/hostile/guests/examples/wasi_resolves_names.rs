//! Looks up a name, which tells somebody that it is here.

use std::net::ToSocketAddrs;

xqute_hostile::tries_address!(|address: &str| address.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
