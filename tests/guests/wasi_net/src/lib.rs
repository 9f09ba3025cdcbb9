//! A plugin that reaches for the network in every way that WASI has, as its options say, and tells what came of it. It speaks
//! to WASI itself: a C library between them would look for names and sockets in its own way.

use wasip2::{
    http::{
        outgoing_handler,
        types::{Fields, OutgoingRequest, Scheme},
    },
    io::streams::{InputStream, OutputStream},
    sockets::{
        instance_network::instance_network,
        ip_name_lookup::resolve_addresses,
        network::{ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress},
        tcp::TcpSocket,
        tcp_create_socket::create_tcp_socket,
        udp_create_socket::create_udp_socket,
    },
};
use xqute_plugin::prelude::*;

/// Tells what it can reach.
pub struct WasiNet;

#[export]
impl Plugin for WasiNet {
    fn about(about: About) -> About {
        ["localhost", "127.0.0.1"].into_iter().fold(
            about
                .option("connect", "HOST:PORT to connect to and read from")
                .option("get", "HOST:PORT to ask for / by HTTP")
                .option("listen", "ADDRESS:PORT to listen at")
                .option("udp", "ADDRESS:PORT to send a datagram to")
                .option("hold", "ADDRESS:PORT to connect to, and how often at once"),
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

/// Says what failed, and how.
fn failed(what: &str) -> impl Fn(ErrorCode) -> String + '_ {
    move |error| format!("{what}: {error:?}")
}

/// The host, without the brackets of an IPv6 address, and the port.
fn split(place: &str) -> Result<(&str, u16), String> {
    let (host, port) = place.rsplit_once(':').ok_or("no port")?;
    let port = port.parse().map_err(|_| "no port")?;
    Ok((host.trim_matches(['[', ']']), port))
}

/// Looks for a host, whatever is in its name.
fn look_for(host: &str) -> Result<IpAddress, String> {
    if let Ok(std::net::IpAddr::V4(address)) = host.parse() {
        return Ok(IpAddress::Ipv4(address.octets().into()));
    }
    if let Ok(std::net::IpAddr::V6(address)) = host.parse() {
        return Ok(IpAddress::Ipv6(address.segments().into()));
    }
    let found = resolve_addresses(&instance_network(), host).map_err(failed("lookup"))?;
    let mut last = None;
    loop {
        found.subscribe().block();
        match found.resolve_next_address().map_err(failed("lookup"))? {
            Some(address @ IpAddress::Ipv4(_)) => return Ok(address),
            Some(address) => last = Some(address),
            None => return last.ok_or_else(|| "lookup: nothing".to_owned()),
        }
    }
}

fn socket_address(address: IpAddress, port: u16) -> (IpAddressFamily, IpSocketAddress) {
    match address {
        IpAddress::Ipv4(address) => (
            IpAddressFamily::Ipv4,
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }),
        ),
        IpAddress::Ipv6(address) => (
            IpAddressFamily::Ipv6,
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port,
                flow_info: 0,
                address,
                scope_id: 0,
            }),
        ),
    }
}

/// What belongs to a socket comes before it, as it has to go before it.
struct Connection {
    input: InputStream,
    _output: OutputStream,
    _socket: TcpSocket,
}

fn open(place: &str) -> Result<Connection, String> {
    let (host, port) = split(place)?;
    let (family, address) = socket_address(look_for(host)?, port);
    let socket = create_tcp_socket(family).map_err(failed("socket"))?;
    socket
        .start_connect(&instance_network(), address)
        .map_err(failed("connect"))?;
    let (input, output) = loop {
        socket.subscribe().block();
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => {}
            other => break other.map_err(failed("connect"))?,
        }
    };
    Ok(Connection {
        input,
        _output: output,
        _socket: socket,
    })
}

fn connect(place: &str) -> Result<String, String> {
    Ok(read(&open(place)?.input))
}

/// All that comes.
fn read(input: &InputStream) -> String {
    let mut said = Vec::new();
    while let Ok(bytes) = input.blocking_read(4096) {
        said.extend(bytes);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn listen(place: &str) -> Result<String, String> {
    let (host, port) = split(place)?;
    let (family, address) = socket_address(look_for(host)?, port);
    let socket = create_tcp_socket(family).map_err(failed("socket"))?;
    socket
        .start_bind(&instance_network(), address)
        .and_then(|()| socket.finish_bind())
        .map_err(failed("bind"))?;
    socket.start_listen().map_err(failed("listen"))?;
    socket.finish_listen().map_err(failed("listen"))?;
    Ok("it listens".to_owned())
}

fn send(place: &str) -> Result<String, String> {
    let (host, port) = split(place)?;
    let (family, address) = socket_address(look_for(host)?, port);
    let socket = create_udp_socket(family).map_err(failed("socket"))?;
    let (_, any) = socket_address(IpAddress::Ipv4((0, 0, 0, 0)), 0);
    socket
        .start_bind(&instance_network(), any)
        .and_then(|()| socket.finish_bind())
        .map_err(failed("bind"))?;
    let (_input, output) = socket.stream(Some(address)).map_err(failed("stream"))?;
    output.subscribe().block();
    output.check_send().map_err(failed("send"))?;
    let datagram = wasip2::sockets::udp::OutgoingDatagram {
        data: b"x".to_vec(),
        remote_address: None,
    };
    output.send(&[datagram]).map_err(failed("send"))?;
    Ok("sent".to_owned())
}

/// Holds `ADDRESS:PORT TIMES` connections.
fn hold(what: &str) -> Result<String, String> {
    let (place, times) = what.split_once(' ').ok_or("how often?")?;
    let mut held = Vec::new();
    for _ in 0..times.parse().unwrap_or(0) {
        held.push(open(place)?);
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
    Ok(format!("{} {}", answer.status(), read(&stream)))
}
