//! A plugin that reaches for the network, as its options say, and tells what came of it.

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream, UdpSocket},
};

use wasip2::http::{
    outgoing_handler,
    types::{Fields, OutgoingRequest, Scheme},
};
use xqute_plugin::prelude::*;

/// Tells what it can reach.
pub struct WasiNet;

#[export]
impl Plugin for WasiNet {
    fn about(about: About) -> About {
        ["localhost", "127.0.0.1"].into_iter().fold(
            about
                .list_option("connect", "HOST:PORT to connect to and read from")
                .list_option("get", "HOST:PORT to ask for / by HTTP")
                .list_option("listen", "ADDRESS:PORT to listen at")
                .list_option("udp", "ADDRESS:PORT to send a datagram to")
                .list_option("hold", "HOST:PORT to connect to, and how often at once"),
            |about, host| about.asks_for(Right::Net(host.to_owned())),
        )
    }
}

#[export]
impl Observer for WasiNet {
    fn on_init() {
        for (name, value) in run::options() {
            let outcome = match name.as_str() {
                "connect" => connect(&value),
                "get" => get(&value),
                "listen" => listen(&value),
                "udp" => send(&value),
                _ => hold(&value),
            };
            let outcome = outcome.unwrap_or_else(|error| format!("({error})"));
            log::info!("{name} {value}: {outcome}");
        }
    }
}

fn connect(place: &str) -> Result<String, String> {
    let mut said = String::new();
    let mut stream = TcpStream::connect(place).map_err(|error| error.to_string())?;
    stream.read_to_string(&mut said).map_err(|error| error.to_string())?;
    Ok(said)
}

fn listen(place: &str) -> Result<String, String> {
    let listener = TcpListener::bind(place).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("listens at {address}"))
}

fn send(place: &str) -> Result<String, String> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
    let sent = socket.send_to(b"x", place).map_err(|error| error.to_string())?;
    Ok(format!("sent {sent}"))
}

/// Holds `HOST:PORT TIMES` connections.
fn hold(what: &str) -> Result<String, String> {
    let (place, times) = what.split_once(' ').ok_or("how often?")?;
    let mut held = Vec::new();
    for _ in 0..times.parse().unwrap_or(0) {
        held.push(TcpStream::connect(place).map_err(|error| error.to_string())?);
    }
    Ok(format!("holds {}", held.len()))
}

fn get(place: &str) -> Result<String, String> {
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
        && request.set_authority(Some(place)).is_ok()
        && request.set_path_with_query(Some("/")).is_ok();
    if !set {
        return Err("that cannot be asked for".to_owned());
    }
    let answer = outgoing_handler::handle(request, None).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    let answer = answer.get().ok_or("no answer")?.map_err(|()| "twice")?;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let body = answer.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    let mut said = Vec::new();
    while let Ok(bytes) = stream.blocking_read(4096) {
        said.extend(bytes);
    }
    Ok(format!("{} {}", answer.status(), String::from_utf8_lossy(&said)))
}
