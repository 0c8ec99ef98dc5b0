use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// A receiver's own word is heeded this far: one that says "tomorrow" is asked again today.
const PATIENCE: Duration = Duration::from_secs(300);

/// Pauses between attempts: doubling, with jitter, so that many nodes do not come back at the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait now; `after` is the receiver's own word.
    pub(super) fn next(&mut self, after: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jittered(whole).max(after.unwrap_or_default().min(PATIENCE))
    }
}

/// Between half of it and all.
fn jittered(whole: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) as u32;
    whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_heed_the_receiver() {
        let mut backoff = Backoff::default();
        let mut whole = FIRST;
        for _ in 0..50 {
            let pause = backoff.next(None);
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        assert_eq!(backoff.next(Some(Duration::from_secs(77))), Duration::from_secs(77));
        assert_eq!(backoff.next(Some(Duration::from_secs(86_400))), PATIENCE);
    }
}
