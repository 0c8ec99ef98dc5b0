use std::time::Duration;

use tokio::time::Instant;

/// So many parts a window has: what is counted leaves it after its length, or up to one part earlier.
const PARTS: usize = 10;

/// Two counts over the last while.
#[derive(Debug)]
pub(super) struct Window {
    part: Duration,
    counts: [[u64; 2]; PARTS],
    /// Where it was begun, and the part that is counted in now, from there.
    origin: Instant,
    at: u64,
}

impl Window {
    /// Nothing has been counted; `length` is not zero.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        let part = (length / PARTS as u32).max(Duration::from_millis(1));
        Self { part, counts: [[0; 2]; PARTS], origin: now, at: 0 }
    }

    /// Counts one more of the first kind, or of the `second`.
    pub(super) fn add(&mut self, second: bool, now: Instant) {
        self.advance(now);
        let slot = self.at as usize % PARTS;
        if let Some(counts) = self.counts.get_mut(slot) {
            counts[usize::from(second)] += 1;
        }
    }

    /// How many of each kind there were.
    pub(super) fn sums(&mut self, now: Instant) -> [u64; 2] {
        self.advance(now);
        self.counts.iter().fold([0; 2], |[a, b], [c, d]| [a + c, b + d])
    }

    pub(super) fn clear(&mut self) {
        self.counts = [[0; 2]; PARTS];
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.origin).as_nanos() / self.part.as_nanos();
        let to = u64::try_from(passed).unwrap_or(u64::MAX).max(self.at);
        for part in (self.at + 1..=to).rev().take(PARTS) {
            if let Some(counts) = self.counts.get_mut(part as usize % PARTS) {
                *counts = [0; 2];
            }
        }
        self.at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_secs(10), now);
        window.add(false, at(0));
        window.add(true, at(4));
        window.add(true, at(4));
        assert_eq!(window.sums(at(9)), [1, 2]);
        assert_eq!(window.sums(at(10)), [0, 2]);
        assert_eq!(window.sums(at(14)), [0, 0]);
        window.add(false, at(14));
        assert_eq!(window.sums(at(1000)), [0, 0]);
        // A clock that goes back is the same moment.
        window.add(false, at(1000));
        assert_eq!(window.sums(at(5)), [1, 0]);
    }
}
