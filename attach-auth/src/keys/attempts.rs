use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use attach_core::Peer;
use quick_cache::sync::Cache;

use crate::throttle::Throttle;

/// How many peers are told apart; the longest unseen is forgotten first.
const PEERS: usize = 10_000;
const BURST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(3);

/// Counts, for each peer, the keys that were none.
///
/// A good key is never refused for what others behind the same address tried: 256 bits are not guessed, so this only
/// keeps floods of junk out of the audit trail and tells a client that it should stop.
pub(super) struct Attempts(Cache<Option<IpAddr>, Arc<Throttle>>);

impl Attempts {
    pub(super) fn new() -> Self {
        Self(Cache::new(PEERS))
    }

    /// Notes a failed attempt; the time to wait if there were too many.
    pub(super) fn fail(&self, peer: Option<&Peer>) -> Result<(), Duration> {
        let from = peer.map(|peer| network(peer.addr.ip()));
        let new = || Ok::<_, Duration>(Arc::new(Throttle::new(BURST, PERIOD)));
        self.0.get_or_insert_with(&from, new)?.take()
    }
}

/// One subscriber has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(prefix).into()
        }
        v4 => v4,
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").field("peers", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_is_slowed_down_and_others_are_not() {
        let attempts = Attempts::new();
        let peer = |address: &str| Peer::new((address.parse::<IpAddr>().expect("an address"), 1).into());
        let (one, same, other) = (peer("2001:db8::1"), peer("2001:db8::2"), peer("2001:db8:0:1::1"));
        for _ in 0..BURST {
            attempts.fail(Some(&one)).expect("within the burst");
        }
        assert!(attempts.fail(Some(&one)).is_err());
        assert!(attempts.fail(Some(&same)).is_err(), "of the same /64");
        assert!(attempts.fail(Some(&other)).is_ok());
        assert!(attempts.fail(None).is_ok());
    }
}
