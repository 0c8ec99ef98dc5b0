use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is reserved by this much at a time.
const STEP: usize = 4 << 10;

/// The memory that all running requests together may use for content, in steps.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / STEP).min(Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let steps = u32::try_from(bytes.div_ceil(STEP)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(steps).ok()
    }
}

/// The beginning of what went one way, as much of it as may be kept.
#[derive(Default)]
pub(super) struct Recording {
    pub(super) bytes: Vec<u8>,
    pub(super) truncated: bool,
    pub(super) room: Option<OwnedSemaphorePermit>,
    reserved: usize,
}

impl Recording {
    /// Adds what follows, up to `limit` bytes in all and as far as there is room; from the first byte that is left
    /// out on nothing is added.
    pub(super) fn push(&mut self, bytes: &[u8], limit: usize, room: &Room) {
        if self.truncated {
            return;
        }
        let taken = bytes.len().min(limit - self.bytes.len().min(limit));
        let needed = (self.bytes.len() + taken).saturating_sub(self.reserved);
        if needed > 0 {
            let Some(more) = room.take(needed) else {
                self.truncated = true;
                return;
            };
            self.reserved += more.num_permits() * STEP;
            match &mut self.room {
                Some(room) => room.merge(more),
                None => self.room = Some(more),
            }
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.truncated = taken < bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_left_out_and_said_so() {
        let room = Room::of(1 << 20);
        let mut recording = Recording::default();
        recording.push(b"0123", 6, &room);
        assert!(!recording.truncated);
        recording.push(b"4567", 6, &room);
        recording.push(b"8", 6, &room);
        assert_eq!((recording.bytes.as_slice(), recording.truncated), (b"012345".as_slice(), true));
    }

    #[test]
    fn room_is_shared_and_given_back() {
        let room = Room::of(2 * STEP);
        let (mut one, mut other) = (Recording::default(), Recording::default());
        one.push(&[0; STEP + 1], usize::MAX, &room);
        other.push(&[0; 1], usize::MAX, &room);
        assert_eq!((one.truncated, other.truncated, other.bytes.len()), (false, true, 0));
        drop(one);
        let mut third = Recording::default();
        third.push(&[0; 2 * STEP], usize::MAX, &room);
        assert!(!third.truncated);
    }
}
