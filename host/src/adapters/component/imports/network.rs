//! `wasi:sockets`: plugins connect to the hosts that they were granted, by TCP. They neither listen nor use UDP.
//!
//! A granted name may be looked for, and the addresses that were found for it may then be connected to. WASI's own lookup
//! does the work; [`Lookup`] stands before it. An address that was granted as such needs no lookup.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::{
    p2::{
        DynPollable, IoError, SocketError,
        bindings::sockets::{
            ip_name_lookup::{self, Host as LookupHost, HostResolveAddressStream, ResolveAddressStream},
            network::{ErrorCode, Host as NetworkHost, HostNetwork, IpAddress, Network},
        },
    },
    sockets::{SocketAddrUse, WasiSocketsCtxView},
};

use crate::adapters::component::{
    instance::state::{HostState, Identity},
    rights::{Host, Refusal},
};

/// The most addresses that are remembered for an instance; the oldest is forgotten.
const MOST_KNOWN: usize = 1024;

/// What an instance may connect to.
pub(crate) struct Reach {
    plugin: Arc<Identity>,
    /// What granted names were resolved to.
    known: Mutex<VecDeque<(IpAddr, Host)>>,
}

impl Reach {
    pub(crate) fn new(plugin: Arc<Identity>) -> Self {
        let known = Mutex::default();
        Self { plugin, known }
    }

    /// Whether a socket may be used so.
    pub(crate) fn permits(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
        match purpose {
            SocketAddrUse::TcpConnect => self.connects(address),
            // Comes before each connect.
            SocketAddrUse::TcpBind if address.ip().is_unspecified() && address.port() == 0 => true,
            _ => {
                self.plugin.refuse(&format!("listen at `{address}`"), Refusal::Never);
                false
            }
        }
    }

    fn connects(&self, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), Some(address.port()));
        let known = self.known();
        let names = known
            .iter()
            .filter(|(known, _)| *known == ip)
            .map(|(_, name)| name.clone());
        let hosts: Vec<Host> = names.chain([Host::from(ip)]).collect();
        drop(known);
        let rights = &self.plugin.rights;
        if hosts.iter().any(|host| rights.reach(host, port).is_ok()) {
            return true;
        }
        // The name, if there is one: that is what the plugin asks for.
        let host = hosts.into_iter().next().unwrap_or_else(|| Host::from(ip));
        let why = rights.reach(&host, port).err().unwrap_or(Refusal::NotGranted);
        self.plugin
            .refuse(&format!("connect to `{host}:{}`", address.port()), why);
        false
    }

    fn remember(&self, ip: IpAddr, name: Host) {
        let mut known = self.known();
        let entry = (ip.to_canonical(), name);
        if !known.contains(&entry) {
            known.truncate(MOST_KNOWN - 1);
            known.push_front(entry);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, VecDeque<(IpAddr, Host)>> {
        // Nothing in here leaves the list half-changed, so a poisoned lock holds a good one.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names that an instance is looking for, by the numbers of their streams.
pub(crate) type Sought = HashMap<u32, Host>;

/// Looks for addresses, of granted names only.
pub(crate) struct Lookup<'a> {
    pub(crate) sockets: WasiSocketsCtxView<'a>,
    pub(crate) reach: &'a Reach,
    pub(crate) sought: &'a mut Sought,
}

struct Lookups;

impl HasData for Lookups {
    type Data<'a> = Lookup<'a>;
}

/// Puts the lookup before the one of WASI, which is linked already.
pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<_, Lookups>(linker, HostState::lookup)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl LookupHost for Lookup<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let host = Host::parse(&name).ok_or(ErrorCode::InvalidArgument)?;
        if let Err(why) = self.reach.plugin.rights.reach(&host, None) {
            self.reach.plugin.refuse(&format!("look for the host `{host}`"), why);
            return Err(ErrorCode::AccessDenied.into());
        }
        let stream = self.sockets.resolve_addresses(network, name)?;
        self.sought.insert(stream.rep(), host);
        Ok(stream)
    }
}

/// Only for the shape of errors that both interfaces share.
impl NetworkHost for Lookup<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl HostNetwork for Lookup<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        HostNetwork::drop(&mut self.sockets, network)
    }
}

impl HostResolveAddressStream for Lookup<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = self.sought.get(&stream.rep()).cloned();
        let found = HostResolveAddressStream::resolve_next_address(&mut self.sockets, stream)?;
        if let (Some(address), Some(name)) = (found, name) {
            self.reach.remember(ip(address), name);
        }
        Ok(found)
    }

    fn subscribe(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        HostResolveAddressStream::subscribe(&mut self.sockets, stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.sought.remove(&stream.rep());
        HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

fn ip(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::adapters::component::rights::{Right, Rights};

    fn reach(granted: &str) -> Reach {
        let rights = [Right::new("net", granted).unwrap()];
        let mut plugin = Identity::nobody("guest");
        plugin.rights = Rights::resolve(&rights, &rights, std::ffi::OsStr::new("")).unwrap();
        Reach::new(Arc::new(plugin))
    }

    fn connects(reach: &Reach, address: &str) -> bool {
        reach.permits(address.parse().unwrap(), SocketAddrUse::TcpConnect)
    }

    #[test]
    fn a_name_means_the_addresses_that_were_found_for_it() {
        let reach = reach("localhost:80");
        assert!(!connects(&reach, "127.0.0.1:80"));
        reach.remember("127.0.0.1".parse().unwrap(), Host::parse("localhost").unwrap());
        assert!(connects(&reach, "127.0.0.1:80"));
        assert!(!connects(&reach, "127.0.0.1:81"));
        assert!(!connects(&reach, "127.0.0.2:80"));
        assert_eq!(reach.plugin.refusals.load(Relaxed), 3);
    }

    #[test]
    fn nobody_listens() {
        let reach = reach("127.0.0.1");
        let address = "127.0.0.1:0".parse().unwrap();
        for purpose in [SocketAddrUse::TcpBind, SocketAddrUse::TcpListen, SocketAddrUse::UdpBind] {
            assert!(!reach.permits(address, purpose));
        }
        assert!(reach.permits("0.0.0.0:0".parse().unwrap(), SocketAddrUse::TcpBind));
        assert!(!reach.permits("0.0.0.0:0".parse().unwrap(), SocketAddrUse::TcpListen));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let reach = reach("localhost");
        for number in 0..2 * u32::try_from(MOST_KNOWN).unwrap() {
            reach.remember(IpAddr::V4(number.into()), Host::parse("localhost").unwrap());
        }
        assert_eq!(reach.known().len(), MOST_KNOWN);
        assert!(connects(&reach, "0.0.7.255:1"), "the last one is known");
        assert!(!connects(&reach, "0.0.0.1:1"), "the first ones are forgotten");
    }
}
