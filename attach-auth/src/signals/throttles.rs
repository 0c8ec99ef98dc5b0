use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use attach_core::Peer;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::Extensions;

/// Wrong requests from one address at once, and the time until there may be one more.
const BURST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(3);
/// Addresses that are told apart; those beyond share one throttle.
const ADDRESSES: usize = 10_000;
/// Whoever has no address of their own.
const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How often an address may be wrong. Being right is not throttled here: behind one proxy all have one address, and
/// nobody may keep a directory from revoking by sending junk beside it.
pub(super) struct Failures {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    clock: DefaultClock,
}

impl Failures {
    pub(super) fn new() -> Self {
        let one = Quota::with_period(PERIOD).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let quota = one.allow_burst(NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN));
        let clock = DefaultClock::default();
        Self { limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Counts one failure of whoever sent a request with these extensions; the time to wait when it is one too many.
    pub(super) fn count(&self, extensions: &Extensions) -> Result<(), Duration> {
        let mut address = extensions.get::<Peer>().map_or(ANYBODY, |peer| network(peer.addr.ip()));
        if self.limiter.len() >= ADDRESSES {
            self.limiter.retain_recent();
            if self.limiter.len() >= ADDRESSES {
                address = ANYBODY;
            }
        }
        self.limiter.check_key(&address).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// One subscriber's network: an IPv6 address tells nothing in its second half.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
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

    fn from(address: &str) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Peer::new((address.parse::<IpAddr>().expect("an address"), 1).into()));
        extensions
    }

    #[test]
    fn one_address_does_not_use_up_anothers_patience() {
        let failures = Failures::new();
        while failures.count(&from("192.0.2.1")).is_ok() {}
        assert!(failures.count(&from("192.0.2.2")).is_ok());
        assert!(failures.count(&Extensions::new()).is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let failures = Failures::new();
        while failures.count(&from("2001:db8::1")).is_ok() {}
        assert!(failures.count(&from("2001:db8::2")).is_err());
        assert!(failures.count(&from("2001:db8:0:1::2")).is_ok());
    }
}
