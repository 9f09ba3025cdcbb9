//! Plugins that want to talk to others. Whatever they are told, nobody hears of them.

use std::{
    io::ErrorKind,
    net::{TcpListener, UdpSocket},
};

use crate::{
    attempt::{Attempt, Tried},
    loading::importing,
};

/// Tries it with this address.
fn trying(name: &str, address: &str) -> Tried {
    let options = format!("options = {{ address = \"{address}\" }}");
    Attempt::of(name).with(&options).run()
}

#[test]
fn connecting() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    trying("wasi_connects", &address).says("Err(").harmed_no_job();
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn listening() {
    trying("wasi_listens", "127.0.0.1:0").says("Err(").harmed_no_job();
}

#[test]
fn sending_packets() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    trying("wasi_sends_packets", &address).says("Err(").harmed_no_job();
    receiver.set_nonblocking(true).unwrap();
    assert_eq!(receiver.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn looking_up_names() {
    trying("wasi_resolves_names", "localhost:80")
        .says("found Err(")
        .harmed_no_job();
}

#[test]
fn raw_imports_of_the_network() {
    for import in ["wasi:http/outgoing-handler@0.2.6", "wasi:sockets/raw@0.2.6"] {
        let said = Attempt::of_component(&importing(&[import])).refused();
        assert!(said.contains("hostile.wasm"), "{said}");
    }
}
