//! Numbers in the units that other schemas want.

use std::time::UNIX_EPOCH;

use crate::read::{Entry, instant};

/// Milliseconds since 1970; none for what is no time.
pub(super) fn millis(time: &str) -> Option<u64> {
    let since = instant(time)?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// How long the request took, in units of which a millisecond has `per_milli`.
pub(super) fn took(entry: &Entry<'_>, per_milli: f64) -> Option<u64> {
    let total = entry.timing?.total_ms * per_milli;
    // Saturates; a negative duration is none.
    (total.is_finite() && total >= 0.0).then_some(total.round() as u64)
}
