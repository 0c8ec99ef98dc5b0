use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How much junk an address may show at once, in tokens.
const BURST: u32 = 30;
/// The time after which one more is allowed.
const PERIOD: Duration = Duration::from_secs(1);

/// How much junk somebody may still show: the generic cell rate algorithm, charged after the fact, because only the
/// provider's answer tells junk from a token.
#[derive(Debug, Default)]
pub(super) struct Allowance(Mutex<Duration>);

impl Allowance {
    /// How long until there is any left, if there is none.
    pub(super) fn check(&self, now: Duration) -> Result<(), Duration> {
        let paid_until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = paid_until.saturating_sub(now).saturating_sub(PERIOD * (BURST - 1));
        if over.is_zero() { Ok(()) } else { Err(over) }
    }

    /// One token was junk.
    pub(super) fn charge(&self, now: Duration) {
        let mut paid_until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_until = now.max(*paid_until) + PERIOD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_each_period() {
        let allowance = Allowance::default();
        let mut now = Duration::from_secs(1000);
        for _ in 0..BURST {
            assert_eq!(allowance.check(now), Ok(()));
            allowance.charge(now);
        }
        assert_eq!(allowance.check(now), Err(PERIOD));
        now += PERIOD;
        assert_eq!(allowance.check(now), Ok(()));
        allowance.charge(now);
        assert!(allowance.check(now).is_err());
        now += PERIOD * BURST;
        assert_eq!(allowance.check(now), Ok(()));
    }
}
