use std::time::Duration;

use crate::log::Position;

/// How a target stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub name: Box<str>,
    /// Whether the last attempt succeeded; true before the first.
    pub up: bool,
    /// Why the last attempt failed, while it is not up. No credential and no record is in it.
    pub problem: Option<Box<str>>,
    /// Everything before it is delivered; `None`: nothing yet.
    pub position: Option<Position>,
    /// Durable bytes that are not delivered, as they were counted last: at most a second or so ago.
    pub lag_bytes: u64,
    /// How old the oldest record is that is not delivered; zero if there is none.
    pub lag: Duration,
    /// Records the target took since the start.
    pub sent: u64,
    /// Records the target refused for good since the start.
    pub rejected: u64,
    /// Records the target refused again and again since the start, which are in `egress-<name>.refused` now.
    pub put_aside: u64,
    /// Records that were gone before they could be sent, since the start; at least so many.
    pub skipped: u64,
    /// Attempts that failed since the start.
    pub failures: u64,
}
