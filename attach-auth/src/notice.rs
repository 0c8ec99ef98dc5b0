use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A line of the log that strangers can provoke, and that is written at most once a minute.
#[derive(Default)]
pub(crate) struct Notice {
    /// Seconds since [`START`] from which on the next one may be written.
    not_before: AtomicU64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Notice {
    pub(crate) fn at_most_each_minute(&self, write: impl FnOnce()) {
        let now = START.elapsed().as_secs();
        let due = self.not_before.load(Ordering::Relaxed);
        let ours = now >= due
            && self.not_before.compare_exchange(due, now + 60, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if ours {
            write();
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_within_a_minute_is_not_written() {
        let (notice, mut written) = (Notice::default(), 0);
        for _ in 0..3 {
            notice.at_most_each_minute(|| written += 1);
        }
        assert_eq!(written, 1);
    }
}
