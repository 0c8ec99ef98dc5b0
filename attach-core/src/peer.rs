use std::net::{IpAddr, SocketAddr};
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
    /// The user id at the other end of a socket in the file system, as the kernel told when it was opened
    /// (`SO_PEERCRED`, unix(7)).
    pub uid: Option<u32>,
}

impl Peer {
    /// A clear-text connection from `addr`.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, tls: None, uid: None }
    }

    /// The same connection, encrypted.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<TlsFacts>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same connection, opened by this user id of the machine.
    #[must_use]
    pub fn with_uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// What floods are counted by: an IPv4 address, or the /64 of an IPv6 one, which is what one subscriber gets.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        match self.addr.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            v4 => v4,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> IpAddr {
        Peer::new(SocketAddr::new(address.parse().expect("an address"), 1)).network()
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
