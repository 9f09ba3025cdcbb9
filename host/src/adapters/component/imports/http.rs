//! `wasi:http`: requests to the hosts that a plugin was granted, by name or address as they stand in the request. What a
//! redirect leads to is another request, which is checked again.

use std::sync::Arc;

use http::{Request, Response, Uri, uri::Scheme};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::adapters::component::{
    instance::{state::Identity, throttle::Waited},
    rights::Host,
};

/// Sends the requests of an instance, after a look at where they go.
pub(crate) struct Requests {
    pub(in crate::adapters::component) plugin: Arc<Identity>,
    pub(in crate::adapters::component) waited: Waited,
}

/// What follows a request or an answer: whether its transport went well.
type Transported = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Requests {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Transported,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Transported), Error>> + Send> {
        let checked = self.check(request.uri());
        let (plugin, waited) = (Arc::clone(&self.plugin), self.waited.clone());
        Box::new(async move {
            checked?;
            let _turn = plugin.throttle.turn(&waited).await;
            let (answer, transport) = default_send_request(request, options).await?;
            Ok((answer.map(BodyExt::boxed_unsync), Box::new(transport) as Transported))
        })
    }
}

impl Requests {
    fn check(&self, uri: &Uri) -> Result<(), Error> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        // Whoever puts a user before the host wants it to look like another one.
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let host = Host::parse(authority.host()).ok_or(Error::HttpRequestUriInvalid)?;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if uri.scheme() == Some(&Scheme::HTTP) => 80,
            None => 443,
        };
        let why = match self.plugin.rights.reach(&host, Some(port)) {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        self.plugin.refuse(&format!("connect to `{host}:{port}`"), why);
        Err(Error::HttpRequestDenied)
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, sync::atomic::Ordering::Relaxed};

    use super::*;
    use crate::adapters::component::rights::{Right, Rights};

    #[test]
    fn requests_go_where_they_may() {
        let rights = ["a.org:443", "*.b.org:80", "127.0.0.1"].map(|host| Right::new("net", host).unwrap());
        let mut plugin = Identity::nobody("guest");
        plugin.rights = Rights::resolve(&rights, &rights, OsStr::new("")).unwrap();
        let requests = Requests {
            plugin: Arc::new(plugin),
            waited: Waited::default(),
        };
        let check = |uri: &str| requests.check(&uri.parse().unwrap());
        for uri in [
            "https://a.org/x",
            "http://A.org:443",
            "http://x.b.org",
            "http://127.0.0.1:1234/",
        ] {
            assert!(check(uri).is_ok(), "{uri}");
        }
        for uri in [
            "http://a.org/",
            "https://x.b.org",
            "https://b.org:80",
            "http://localhost",
        ] {
            assert!(matches!(check(uri), Err(Error::HttpRequestDenied)), "{uri}");
        }
        assert_eq!(requests.plugin.refusals.load(Relaxed), 4);
        for uri in [
            "https://a.org@evil.org/",
            "https://evil.org@a.org/",
            "http://0x7f.1/",
            "/x",
        ] {
            assert!(matches!(check(uri), Err(Error::HttpRequestUriInvalid)), "{uri}");
        }
    }
}
