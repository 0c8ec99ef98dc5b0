use std::net::IpAddr;

use attach_core::Peer;

use super::allowance::Allowance;
use super::lane::Lane;

/// Questions of one address that are under way at once, and that wait their turn: a quarter of all.
const UNDER_WAY: usize = 16;
const WAITING: usize = 64;

/// What one address has asked for.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) lane: Lane,
    pub(super) junk: Allowance,
}

impl Default for Account {
    fn default() -> Self {
        Self { lane: Lane::new(UNDER_WAY, WAITING), junk: Allowance::default() }
    }
}

/// Who holds an account: an IPv4 address or an IPv6 network of 64 bits, which is what one customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// The server does not say where requests come from: all share one account.
    Unknown,
    V4([u8; 4]),
    V6([u16; 4]),
}

impl Holder {
    pub(super) fn of(peer: Option<&Peer>) -> Self {
        match peer.map(|peer| peer.addr.ip().to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn holder(address: &str) -> Holder {
        let ip: IpAddr = address.parse().expect("an address");
        Holder::of(Some(&Peer::new(SocketAddr::new(ip, 1))))
    }

    #[test]
    fn addresses_of_one_customer_share_an_account() {
        assert_eq!(holder("2001:db8::1"), holder("2001:db8::ffff:2"));
        assert_ne!(holder("2001:db8::1"), holder("2001:db8:0:1::1"));
        assert_eq!(holder("::ffff:192.0.2.1"), holder("192.0.2.1"));
        assert_ne!(holder("192.0.2.1"), holder("192.0.2.2"));
    }
}
