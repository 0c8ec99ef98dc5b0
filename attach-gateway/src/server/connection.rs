//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::{Arc, Once};

use attach_core::Peer;
use http::header::TRANSFER_ENCODING;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;

use super::Role;
use super::forwarded::Proxies;
use super::framing::LengthSaid;
use super::listener::Accepted;
use super::opening::{Opened, ServerName, Way, open};
use super::patience::Patience;
use super::seats::{Seat, Seats};
use super::tasks::Tasks;
use super::tls::Acceptor;
use super::unshaken::Unshaken;
use crate::config;
use crate::stack::{AnswerBody, Served, Stack};
use crate::telemetry::Telemetry;

/// What all connections of a listener have in common.
pub(super) struct Common {
    pub(super) builder: auto::Builder<Tasks>,
    pub(super) stack: Stack,
    pub(super) tls: Option<Acceptor>,
    pub(super) patience: config::Patience,
    pub(super) proxies: Proxies,
    pub(super) seats: Seats,
    /// Whom it serves, for what is counted.
    pub(super) role: Role,
    pub(super) telemetry: Telemetry,
    /// It was said that somebody connects who is no proxy, or does not speak as one.
    pub(super) told: Once,
}

impl Common {
    /// Hands were not shaken.
    pub(super) fn unshaken(&self, why: Unshaken) {
        self.telemetry.unshaken(self.role, why);
    }

    /// A connection was closed that does not begin as proxies' do. Said once aloud: a client that was not told of the
    /// proxy, or a proxy that was not told of the protocol, hears nothing else of it.
    pub(super) fn misled(&self, why: &str) {
        self.told.call_once(|| {
            tracing::warn!(
                why,
                "server.proxy_protocol: a connection was closed; further ones are not told of"
            );
        });
        tracing::debug!(why, "not by the PROXY protocol");
    }
}

/// A request of HTTP/1 whose head said twice, and differently, how long its body is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ambiguous;

/// Serves one connection, on its seat, until it ends.
pub(super) async fn serve(common: Arc<Common>, (seat, accepted): (Seat, Accepted), watcher: Watcher) {
    let (patience, mut shaking) = (common.patience, false);
    let opening = open(&common, accepted, seat, &mut shaking);
    let opened = tokio::time::timeout(patience.handshake, opening).await;
    let Opened { stream, peer, way, name, seat } = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return tracing::debug!(%error, "no handshake"),
        Err(_) => {
            if shaking {
                common.unshaken(Unshaken::Timeout);
            }
            return tracing::debug!("no handshake in time");
        }
    };
    let line = Patience::new(stream, patience.head, patience.write);
    let service = Peered { common: Arc::clone(&common), peer, way, name, length_said: line.length_said() };
    let connection = common.builder.serve_connection(TokioIo::new(line.clone()), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
        if is_late(&*error) {
            line.too_late().await;
        }
    }
    drop(seat);
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let http = cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout);
        http || cause.downcast_ref::<io::Error>().is_some_and(|why| why.kind() == io::ErrorKind::TimedOut)
    })
}

/// The stack, for one connection.
struct Peered {
    common: Arc<Common>,
    peer: Peer,
    way: Way,
    name: Option<ServerName>,
    length_said: LengthSaid,
}

impl Peered {
    fn peer(&self, request: &Request<Incoming>) -> Peer {
        let mut peer = self.peer.clone();
        if self.way != Way::Unnamed {
            let local = self.way == Way::Local;
            peer.addr = self.common.proxies.client(peer.addr, local, request.headers());
        }
        peer
    }
}

impl Service<Request<Incoming>> for Peered {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Served;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let peer = self.peer(&request);
        let ambiguous = self.length_said.take() && request.headers().contains_key(TRANSFER_ENCODING);
        let extensions = request.extensions_mut();
        extensions.insert(peer);
        if let Some(name) = &self.name {
            extensions.insert(name.clone());
        }
        if ambiguous {
            extensions.insert(Ambiguous);
        }
        self.common.stack.serve(request)
    }
}
