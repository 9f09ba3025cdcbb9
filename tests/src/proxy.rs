//! A way to a service on loopback that can be closed and opened again, or be slow, and that counts what passes.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long a piece of an answer takes on a slow way: a megabyte takes a third of a second.
const SLOW: Duration = Duration::from_millis(20);

/// Passes connections on, while it is open. It ends with the process.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    open: bool,
    slow: bool,
    /// The ends of what passes now, so that it can be cut.
    streams: BTreeMap<u64, [TcpStream; 2]>,
    connections: u64,
    requests: BTreeMap<String, u32>,
}

impl Proxy {
    /// To a port of this machine.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            open: true,
            slow: false,
            streams: BTreeMap::new(),
            connections: 0,
            requests: BTreeMap::new(),
        }));
        let known = shared.clone();
        thread::spawn(move || {
            for incoming in listener.incoming().flatten() {
                // A connection that breaks is the business of those at its ends.
                let _ = connect(&incoming, port, &known);
            }
        });
        Self { address, shared }
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Cuts what passes, and lets nothing through any more.
    pub fn close(&self) {
        let mut shared = lock(&self.shared);
        shared.open = false;
        for stream in std::mem::take(&mut shared.streams).into_values().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn open(&self) {
        lock(&self.shared).open = true;
    }

    /// Whether answers take their time.
    pub fn slow(&self, slow: bool) {
        lock(&self.shared).slow = slow;
    }

    /// How many HTTP requests of each method have passed.
    pub fn requests(&self) -> BTreeMap<String, u32> {
        lock(&self.shared).requests.clone()
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(client: &TcpStream, port: u16, shared: &Arc<Mutex<Shared>>) -> io::Result<()> {
    let mut known = lock(shared);
    if !known.open {
        return client.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    known.connections += 1;
    let connection = known.connections;
    known
        .streams
        .insert(connection, [client.try_clone()?, server.try_clone()?]);
    let (asks, answers) = (
        (client.try_clone()?, server.try_clone()?),
        (server, client.try_clone()?),
    );
    let counts = shared.clone();
    thread::spawn(move || pass(asks, |bytes| count(bytes, &mut lock(&counts).requests)));
    let pace = shared.clone();
    thread::spawn(move || {
        pass(answers, |_| {
            let slow = lock(&pace).slow;
            if slow {
                thread::sleep(SLOW);
            }
        });
        lock(&pace).streams.remove(&connection);
    });
    Ok(())
}

/// Passes on what comes, to its end. What nobody takes any more is read all the same: a service that cannot get rid of an answer
/// may have no time for others.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    let mut taken = true;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if taken {
            look(&buffer[..read]);
            taken = to.write_all(&buffer[..read]).is_ok();
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Counts the lines with which requests begin.
fn count(bytes: &[u8], requests: &mut BTreeMap<String, u32>) {
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_suffix(b" HTTP/1.1\r"))
    {
        let method = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        *requests
            .entry(String::from_utf8_lossy(method).into_owned())
            .or_default() += 1;
    }
}
