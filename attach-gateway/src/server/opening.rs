//! What comes before the first request: a proxy says for whom it connects, and hands are shaken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use attach_core::{Peer, TlsFacts};

use super::connection::Common;
use super::listener::Accepted;
use super::proxy_protocol::{self, Source};
use super::seats::Seat;
use super::stream::{Socket, Stream};
use super::tls;
use super::unshaken::Unshaken;

/// The host that a client asked for when it shook hands (SNI, RFC 6066 §3).
#[derive(Debug, Clone)]
pub(crate) struct ServerName(pub(crate) Arc<str>);

/// A connection that requests can come over.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) peer: Peer,
    pub(super) way: Way,
    /// The host that the client asked for in its handshake.
    pub(super) name: Option<ServerName>,
    /// Given back when the connection has ended.
    pub(super) seat: Seat,
}

/// How it is known who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By its address: the connection's, or the one that a proxy named when it connected.
    Address,
    /// It came at a socket in the file system.
    Local,
    /// A proxy named nobody when it connected, so that nobody else's word about it counts either.
    Unnamed,
}

/// Opens a connection that has been accepted. While hands are shaken, `shaking`.
///
/// # Errors
///
/// When a proxy does not say for whom it connects, somebody has too many connections, or there is no handshake.
pub(super) async fn open(
    common: &Common,
    accepted: Accepted,
    mut seat: Seat,
    shaking: &mut bool,
) -> io::Result<Opened> {
    let Accepted { mut socket, addr, local, uid } = accepted;
    let (addr, way) = if common.proxies.speak_first() {
        source(common, &mut socket, addr).await?
    } else {
        (addr, if local { Way::Local } else { Way::Address })
    };
    let peer = Peer::new(addr);
    let alone = way == Way::Address && !common.proxies.trusts(addr.ip());
    if alone && !common.seats.take(&mut seat, peer.network()) {
        return Err(io::Error::other("one connection too many from one address"));
    }
    *shaking = common.tls.is_some();
    let (stream, tls, name) = shake(common, socket).await?;
    let peer = tls.into_iter().fold(peer, Peer::with_tls);
    let peer = uid.into_iter().fold(peer, Peer::with_uid);
    Ok(Opened { stream, peer, way, name, seat })
}

/// Who is at the other end of the proxy at `addr`.
async fn source(common: &Common, socket: &mut Socket, addr: SocketAddr) -> io::Result<(SocketAddr, Way)> {
    let said = proxy_protocol::read(socket).await;
    // Load balancers look whether somebody listens by connecting and saying nothing.
    let said = said.inspect_err(|error| {
        if error.kind() == io::ErrorKind::InvalidData {
            common.misled(&error.to_string());
        }
    });
    match said? {
        Source::Client(client) => Ok((client, Way::Address)),
        Source::Unnamed => Ok((addr, Way::Unnamed)),
    }
}

type Shaken = (Stream, Option<Arc<TlsFacts>>, Option<ServerName>);

async fn shake(common: &Common, socket: Socket) -> io::Result<Shaken> {
    let Some(acceptor) = &common.tls else { return Ok((Stream::Clear(socket), None, None)) };
    let shaken = acceptor.accept(socket).await;
    let stream = shaken.inspect_err(|error| common.unshaken(Unshaken::of(error)))?;
    let (facts, name) = (tls::facts(&stream), tls::server_name(&stream).map(ServerName));
    Ok((Stream::Tls(Box::new(stream)), Some(Arc::new(facts)), name))
}
