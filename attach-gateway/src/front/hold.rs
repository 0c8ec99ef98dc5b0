//! How much of requests and answers is held in memory at a time, in the whole process.

use std::sync::{Arc, Mutex, PoisonError};

use attach_core::Rejection;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted at once, in bytes; less is rounded up.
const UNIT: usize = 1 << 10;

/// The most that is held unless the configuration says otherwise.
const MOST: usize = 1 << 30;

tokio::task_local! {
    static HERE: Hold;
}

/// The memory for what is held. Clones are the same memory.
#[derive(Debug, Clone)]
pub(crate) struct Memory(Arc<Semaphore>);

/// What one request holds of it; given back when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Hold(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Memory {
    /// Room for so many bytes; by default a quarter of what the machine, or the control group, has.
    pub(crate) fn new(most: Option<usize>) -> Self {
        let most = most.unwrap_or_else(|| available().map_or(MOST, |have| (have / 4).min(MOST)));
        Self(Arc::new(Semaphore::new((most / UNIT).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// What a request holds that has sent nothing yet.
    pub(crate) fn hold(&self) -> Hold {
        Hold(Arc::new(Inner { memory: self.clone(), held: Mutex::default() }))
    }
}

impl Hold {
    /// Holds this many bytes more.
    ///
    /// # Errors
    ///
    /// 503 `memory_exhausted`, if there is no room.
    pub(crate) fn more(&self, bytes: usize) -> Result<(), Rejection> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let total = held.bytes.saturating_add(bytes);
        self.reach(&mut held, total)?;
        held.bytes = total;
        Ok(())
    }

    /// Makes room for this many bytes in all, before they come.
    ///
    /// # Errors
    ///
    /// As [`more`](Self::more).
    pub(crate) fn expect(&self, bytes: usize) -> Result<(), Rejection> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.reach(&mut held, bytes)
    }

    fn reach(&self, held: &mut Held, bytes: usize) -> Result<(), Rejection> {
        let have = held.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT).saturating_sub(have);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| exhausted())?;
        let more = Arc::clone(&self.0.memory.0).try_acquire_many_owned(missing).map_err(|_| exhausted())?;
        match &mut held.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Runs `future` so that what it reads for the request can be [counted](Self::here).
    pub(super) fn around<F: Future>(self, future: F) -> tokio::task::futures::TaskLocalFuture<Self, F> {
        HERE.scope(self, future)
    }

    /// What the request holds that is being served here, if one is.
    pub(crate) fn here() -> Option<Self> {
        HERE.try_with(Clone::clone).ok()
    }
}

fn exhausted() -> Rejection {
    let message = "the gateway holds as many bytes of requests as it may; try again shortly";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "memory_exhausted", message).with_retry_after(1)
}

/// In bytes: what the control group may use (cgroup v2), else what the machine has (proc_meminfo(5)).
fn available() -> Option<usize> {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    if let Some(limit) = group.and_then(|text| text.trim().parse().ok()) {
        return Some(limit);
    }
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_request_holds_another_cannot_and_it_comes_back() {
        let memory = Memory::new(Some(10 * UNIT));
        let (one, other) = (memory.hold(), memory.hold());
        one.expect(6 * UNIT).unwrap();
        one.more(6 * UNIT).unwrap();
        assert_eq!(other.more(5 * UNIT).unwrap_err().code(), "memory_exhausted");
        other.more(4 * UNIT).unwrap();
        assert_eq!(one.more(1).unwrap_err().status(), 503);
        let clone = one.clone();
        drop(one);
        assert!(other.more(1).is_err(), "a clone holds it still");
        drop(clone);
        other.more(6 * UNIT).unwrap();
        drop(other);
        memory.hold().expect(10 * UNIT).unwrap();
    }

    #[test]
    fn what_comes_without_notice_is_counted_as_it_comes() {
        let memory = Memory::new(Some(2 * UNIT));
        let hold = memory.hold();
        for _ in 0..2 * UNIT {
            hold.more(1).unwrap();
        }
        assert!(hold.more(1).is_err());
    }
}
