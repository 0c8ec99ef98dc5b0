//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Descriptors that are not for clients' connections: the log and its segments, stores, listeners, files.
const RESERVED: usize = 64;

/// How many are taken by each address.
type Taken = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The places for connections. Clones are the same places.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    all: Arc<Semaphore>,
    by_address: Taken,
    each: usize,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    mine: Option<(IpAddr, Taken)>,
}

impl Seats {
    /// At most `all` connections, and `each` from one address; fewer if the process may not open as many files.
    pub(super) fn new(all: usize, each: usize) -> Self {
        let all = affordable(all, open_files());
        Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            by_address: Arc::default(),
            each,
        }
    }

    /// Waits for a place.
    pub(super) async fn free(&self) -> io::Result<Seat> {
        let permit = Arc::clone(&self.all).acquire_owned().await.map_err(io::Error::other)?;
        Ok(Seat { _permit: permit, mine: None })
    }

    /// Whether one more from `address` may stay on `seat`.
    pub(super) fn take(&self, seat: &mut Seat, address: IpAddr) -> bool {
        let mut taken = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.each {
            return false;
        }
        *count += 1;
        seat.mine = Some((address, Arc::clone(&self.by_address)));
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((address, seats)) = self.mine.take() else { return };
        let mut taken = seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&address);
            }
        }
    }
}

/// A call needs a second descriptor, for its upstream.
fn affordable(wanted: usize, files: Option<usize>) -> usize {
    let Some(files) = files else { return wanted };
    let most = (files.saturating_sub(RESERVED) / 2).max(1);
    if most < wanted {
        tracing::info!(
            files,
            connections = most,
            "the limit of open files allows for fewer connections than configured"
        );
    }
    wanted.min(most)
}

/// How many files the process may open, by Linux's /proc (proc_pid_limits(5)).
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_its_share_and_gets_it_back() {
        let seats = Seats::new(10, 2);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut taken = Vec::new();
        for (address, stays) in [(one, true), (one, true), (one, false), (other, true)] {
            let mut seat = seats.free().await.unwrap();
            assert_eq!(seats.take(&mut seat, address), stays);
            taken.push(seat);
        }
        taken.clear();
        let mut seat = seats.free().await.unwrap();
        assert!(seats.take(&mut seat, one));
        drop(seat);
        assert!(seats.by_address.lock().unwrap().is_empty(), "addresses that have left are forgotten");
    }

    #[test]
    fn descriptors_are_left_for_others() {
        assert_eq!(affordable(20_000, Some(256)), 96);
        assert_eq!(affordable(20_000, Some(1_000_000)), 20_000);
        assert_eq!(affordable(20_000, None), 20_000);
        assert_eq!(affordable(20_000, Some(10)), 1);
    }
}
