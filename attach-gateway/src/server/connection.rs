//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use attach_core::Peer;
use http::header::TRANSFER_ENCODING;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tower::ServiceExt;
use tower::util::Oneshot;

use super::forwarded::Proxies;
use super::framing::LengthSaid;
use super::listener::Accepted;
use super::patience::Patience;
use super::stream::Stream;
use super::tasks::Tasks;
use super::tls::{self, Acceptor};
use crate::config;
use crate::stack::{AnswerBody, Stack};

/// What all connections of a listener have in common.
pub(super) struct Common {
    pub(super) builder: auto::Builder<Tasks>,
    pub(super) stack: Stack,
    pub(super) tls: Option<Acceptor>,
    pub(super) patience: config::Patience,
    pub(super) proxies: Proxies,
}

/// A request of HTTP/1 whose head said twice, and differently, how long its body is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ambiguous;

/// Serves one connection until it ends.
pub(super) async fn serve(common: Arc<Common>, accepted: Accepted, watcher: Watcher) {
    let Accepted { socket, addr, local, uid } = accepted;
    let patience = common.patience;
    let (stream, tls) = match &common.tls {
        None => (Stream::Clear(socket), None),
        Some(acceptor) => match tokio::time::timeout(patience.handshake, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => {
                let facts = tls::facts(&stream);
                (Stream::Tls(Box::new(stream)), Some(Arc::new(facts)))
            }
            Ok(Err(error)) => return tracing::debug!(%error, "no handshake"),
            Err(_) => return tracing::debug!("no handshake in time"),
        },
    };
    let peer = Peer::new(addr);
    let peer = tls.into_iter().fold(peer, Peer::with_tls);
    let peer = uid.into_iter().fold(peer, Peer::with_uid);
    let line = Patience::new(stream, patience.head, patience.write);
    let service = Peered { common: Arc::clone(&common), peer, local, length_said: line.length_said() };
    let connection = common.builder.serve_connection(TokioIo::new(line.clone()), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
        if is_late(&*error) {
            line.too_late().await;
        }
    }
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
    local: bool,
    length_said: LengthSaid,
}

impl Peered {
    fn peer(&self, request: &Request<Incoming>) -> Peer {
        let mut peer = self.peer.clone();
        let addr: SocketAddr = self.common.proxies.client(peer.addr, self.local, request.headers());
        peer.addr = addr;
        peer
    }
}

impl Service<Request<Incoming>> for Peered {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Oneshot<Stack, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let peer = self.peer(&request);
        let ambiguous = self.length_said.take() && request.headers().contains_key(TRANSFER_ENCODING);
        let extensions = request.extensions_mut();
        extensions.insert(peer);
        if ambiguous {
            extensions.insert(Ambiguous);
        }
        self.common.stack.clone().oneshot(request)
    }
}
