//! A bound listener: at an address, or at a socket in the file system.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::stream::Socket;
use super::tls::Acceptor;
#[cfg(unix)]
use super::unix::UnixSocket;
use crate::config::{Channel, Listen};

/// A listener that takes connections.
pub(crate) struct Listener {
    kind: Kind,
    addr: Listen,
    tls: Option<Acceptor>,
}

enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocket),
}

/// A connection that was taken.
pub(super) struct Accepted {
    pub(super) socket: Socket,
    /// Whose it is; of a socket in the file system, this machine's.
    pub(super) addr: SocketAddr,
    /// Whether it came at a socket in the file system.
    pub(super) local: bool,
    /// Which user id opened it there.
    pub(super) uid: Option<u32>,
}

/// How many connections may wait in the kernel until there is room for them (listen(2)).
const BACKLOG: u32 = 1024;

fn tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart does not wait for connections of the gateway before it. Elsewhere it would mean something else.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

impl Listener {
    /// Listens, with the certificate that `channel` names. A socket in the file system gets `mode`.
    ///
    /// # Errors
    ///
    /// When the place is taken, or a certificate makes no sense.
    pub(crate) async fn bind(listen: &Listen, mode: u32, channel: &Channel) -> io::Result<Self> {
        let tls = match channel {
            Channel::Tls(files) => Some(Acceptor::load(files.clone()).await?),
            Channel::Clear | Channel::Proxied => None,
        };
        let (kind, addr) = match listen {
            Listen::Tcp(addr) => {
                let listener = tcp(*addr)?;
                let addr = listener.local_addr()?.into();
                (Kind::Tcp(listener), addr)
            }
            Listen::Unix(path) => {
                #[cfg(unix)]
                let kind = Kind::Unix(UnixSocket::bind(path, mode)?);
                #[cfg(not(unix))]
                let kind = return Err(io::Error::new(io::ErrorKind::Unsupported, format!("{path:?} {mode}")));
                (kind, listen.clone())
            }
        };
        Ok(Self { kind, addr, tls })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> &Listen {
        &self.addr
    }

    pub(super) fn tls(&self) -> Option<&Acceptor> {
        self.tls.as_ref()
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, addr) = listener.accept().await?;
                // Without it an event of a stream waits for the client's acknowledgement of the one before.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY not set");
                }
                Ok(Accepted { socket: Socket::Tcp(stream), addr, local: false, uid: None })
            }
            #[cfg(unix)]
            Kind::Unix(socket) => {
                let stream = socket.accept().await?;
                let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                // Without it nobody is known by it, and what needs no such thing goes on.
                let uid = stream.peer_cred().map(|peer| peer.uid()).ok();
                Ok(Accepted { socket: Socket::Unix(stream), addr, local: true, uid })
            }
        }
    }
}
