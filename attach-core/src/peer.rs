use std::net::SocketAddr;
use std::sync::Arc;

/// The connection a request came in on, put into the request's extensions by the server.
///
/// No layer reads a server's own connect-info type: whoever accepts connections sets this one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The client's address, after a trusted proxy's word about it was taken into account.
    pub addr: SocketAddr,
    /// What TLS established, if the connection is encrypted.
    pub tls: Option<Arc<TlsFacts>>,
}

impl Peer {
    /// A clear-text connection from `addr`.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, tls: None }
    }

    /// The same connection, encrypted.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<TlsFacts>) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// What the TLS handshake established.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFacts {
    /// Protocol version, for example `TLSv1.3`.
    pub version: Box<str>,
    /// The client certificate in DER, if one was verified.
    pub client_certificate: Option<Box<[u8]>>,
}
