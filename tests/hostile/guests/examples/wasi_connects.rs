//! Connects to a server.

use std::net::TcpStream;

xqute_hostile::tries_address!(|address: &str| TcpStream::connect(address).map(drop));
