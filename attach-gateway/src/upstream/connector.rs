use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::BoxError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::HeaderValue;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::resolver::Resolver;
use crate::config::{Proxy, Upstream};

type Tcp = HttpConnector<Resolver<GaiResolver>>;

/// Opens connections to one upstream: directly, or through its proxy.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: Tcp,
    tunnel: Option<Tunnel<Tcp>>,
    limit: Duration,
}

/// Connections as `upstream` wants them.
pub(super) fn connector(upstream: &Upstream) -> io::Result<HttpsConnector<Connector>> {
    let connect = upstream.timeouts.connect;
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new(GaiResolver::new()));
    tcp.set_connect_timeout(Some(connect));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let tunnel = upstream.reach.proxy.as_ref().map(|proxy| tunnel(proxy, tcp.clone())).transpose()?;
    // The proxy, too, has to reach somebody.
    let connector = Connector { tcp, tunnel, limit: connect.saturating_mul(2) };
    let builder = HttpsConnectorBuilder::new().with_tls_config(upstream.reach.tls()?);
    Ok(builder.https_or_http().enable_http1().enable_http2().wrap_connector(connector))
}

fn tunnel(proxy: &Proxy, tcp: Tcp) -> io::Result<Tunnel<Tcp>> {
    let tunnel = Tunnel::new(proxy.url.clone(), tcp);
    let Some(credentials) = &proxy.credentials else { return Ok(tunnel) };
    let basic = format!("Basic {}", STANDARD.encode(credentials.expose()));
    let mut value = HeaderValue::try_from(basic).map_err(io::Error::other)?;
    value.set_sensitive(true);
    Ok(tunnel.with_auth(value))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.tunnel {
            Some(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
            None => self.tcp.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(tunnel) = &mut self.tunnel else {
            let connecting = self.tcp.call(to);
            return Box::pin(async move { connecting.await.map_err(Into::into) });
        };
        let connecting = tokio::time::timeout(self.limit, tunnel.call(to));
        Box::pin(async move {
            match connecting.await {
                Ok(connected) => connected.map_err(|error| format!("proxy: {error}").into()),
                Err(_) => Err("proxy: no tunnel in time".into()),
            }
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("proxied", &self.tunnel.is_some()).finish_non_exhaustive()
    }
}
