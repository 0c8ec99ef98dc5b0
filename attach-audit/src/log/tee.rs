//! The copy of the log on the standard output. Nobody waits for it: what its reader does not take is left out.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that wait for a reader that is slow; further records are left out. One group may be larger by itself.
const ROOM: usize = 4 << 20;
/// How long the end of the log waits for the reader.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where durable records go as well; written by a thread of its own.
pub(super) struct Tee(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    text: Vec<u8>,
    /// Something is being written at the moment.
    writing: bool,
    /// Records left out since the reader kept up.
    dropped: u64,
    closed: bool,
    ended: bool,
}

impl Tee {
    pub(super) fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new() });
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name("attach-audit-tee".into()).spawn(move || thread.run(out))?;
        Ok(Self(shared))
    }

    /// Takes whole lines, or leaves them out. Never waits.
    pub(super) fn copy(&self, lines: &[u8]) {
        let mut state = self.0.lock();
        let fits = match state.dropped {
            0 => state.text.is_empty() || state.text.len() + lines.len() <= ROOM,
            // One hole, rather than one behind every other record.
            _ => state.text.is_empty() && !state.writing,
        };
        if fits {
            state.text.extend_from_slice(lines);
            drop(state);
            return self.0.wake.notify_all();
        }
        let begins = state.dropped == 0;
        state.dropped += count(lines);
        drop(state);
        if begins {
            tracing::warn!(
                "the standard output does not keep up: records are left out there, not in the log"
            );
        }
    }
}

impl Shared {
    fn run(&self, mut out: impl Write) {
        let (mut text, mut state) = (Vec::new(), self.lock());
        loop {
            while state.text.is_empty() {
                if state.closed {
                    state.ended = true;
                    return self.wake.notify_all();
                }
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.text, &mut text);
            state.writing = true;
            drop(state);
            let written = out.write_all(&text).and_then(|()| out.flush());
            state = self.lock();
            state.writing = false;
            match written {
                Ok(()) if state.text.is_empty() && state.dropped > 0 => {
                    let dropped = std::mem::take(&mut state.dropped);
                    drop(state);
                    tracing::warn!(
                        dropped,
                        "the standard output keeps up again; so many records were left out"
                    );
                    state = self.lock();
                }
                Ok(()) => {}
                Err(error) => {
                    let begins = state.dropped == 0;
                    state.dropped += count(&text);
                    drop(state);
                    if begins {
                        tracing::warn!(%error, "the standard output fails: records are left out there, not in the log");
                    }
                    state = self.lock();
                }
            }
            text.clear();
            text.shrink_to(ROOM);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Waits a moment for the reader to take the rest.
impl Drop for Tee {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.wake.notify_all();
        let waited = self.0.wake.wait_timeout_while(state, FAREWELL, |state| !state.ended);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let (dropped, ended) = (state.dropped + count(&state.text), state.ended);
        drop(state);
        if dropped > 0 || !ended {
            tracing::warn!(
                dropped,
                "the log ends, and the standard output lacks so many records or a few more"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::Pipe;

    #[test]
    fn a_reader_that_keeps_up_sees_everything_in_order() {
        let pipe = Pipe::default();
        let tee = Tee::new(pipe.clone()).expect("a thread");
        for n in 0..1000 {
            tee.copy(format!("{n}\n").as_bytes());
        }
        drop(tee);
        let expected: String = (0..1000).map(|n| format!("{n}\n")).collect();
        assert_eq!(pipe.text(), expected);
    }

    #[test]
    fn what_a_stuck_reader_does_not_take_is_left_out_and_counted() {
        let pipe = Pipe::stuck();
        let tee = Tee::new(pipe.clone()).expect("a thread");
        let line = [vec![b'x'; 1 << 20], vec![b'\n']].concat();
        tee.copy(b"first\n");
        pipe.until_used();
        for _ in 0..10 {
            tee.copy(&line);
        }
        let state = tee.0.lock();
        assert_eq!((state.text.len(), state.dropped), (3 * line.len(), 7));
        drop(state);
        pipe.release();
        while tee.0.lock().dropped > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        tee.copy(b"last\n");
        drop(tee);
        assert_eq!(pipe.text(), format!("first\n{}last\n", String::from_utf8_lossy(&line).repeat(3)));
    }

    #[test]
    fn a_reader_that_went_away_is_no_trouble_and_neither_is_its_return() {
        let pipe = Pipe::default();
        let tee = Tee::new(pipe.clone()).expect("a thread");
        pipe.set_broken(true);
        tee.copy(b"lost\n");
        while tee.0.lock().dropped == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        pipe.set_broken(false);
        tee.copy(b"back\n");
        drop(tee);
        assert_eq!(pipe.text(), "back\n");
    }
}
