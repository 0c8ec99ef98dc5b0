use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use attach_core::Peer;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Wrong requests from one address at once, and the time until there may be one more.
const BURST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(3);
/// Addresses that are told apart; those beyond share one throttle.
const ADDRESSES: usize = 10_000;
/// Whoever has no address of their own.
const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How often an address may show something wrong: a key, a signal. Being right is not throttled here: behind one proxy
/// all have one address, and nobody may keep a directory from revoking, or a key from working, by sending junk beside it.
pub(crate) struct Failures {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    clock: DefaultClock,
}

impl Failures {
    pub(crate) fn new() -> Self {
        let one = Quota::with_period(PERIOD).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let quota = one.allow_burst(NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN));
        let clock = DefaultClock::default();
        Self { limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Counts one failure of whoever is at `peer`; the time to wait when it is one too many.
    pub(crate) fn count(&self, peer: Option<&Peer>) -> Result<(), Duration> {
        let mut address = peer.map_or(ANYBODY, Peer::network);
        if self.limiter.len() >= ADDRESSES {
            self.limiter.retain_recent();
            if self.limiter.len() >= ADDRESSES {
                address = ANYBODY;
            }
        }
        self.limiter.check_key(&address).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        Peer::new((address.parse::<IpAddr>().expect("an address"), 1).into())
    }

    #[test]
    fn one_address_does_not_use_up_anothers_patience() {
        let failures = Failures::new();
        while failures.count(Some(&at("192.0.2.1"))).is_ok() {}
        assert!(failures.count(Some(&at("192.0.2.2"))).is_ok());
        assert!(failures.count(None).is_ok());
    }

    #[test]
    fn a_burst_is_forgiven_and_no_more() {
        let (failures, one) = (Failures::new(), at("2001:db8::1"));
        for _ in 0..BURST {
            failures.count(Some(&one)).expect("within the burst");
        }
        assert!(failures.count(Some(&one)).is_err());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let failures = Failures::new();
        while failures.count(Some(&at("2001:db8::1"))).is_ok() {}
        assert!(failures.count(Some(&at("2001:db8::2"))).is_err());
        assert!(failures.count(Some(&at("2001:db8:0:1::2"))).is_ok());
    }
}
