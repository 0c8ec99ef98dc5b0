//! What only shows from inside: the copy on the standard output, in place of which stands a pipe.

use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::*;
use crate::{Ack, Kind};

/// A reader of the copy that takes what it gets, or nothing for a while.
#[derive(Clone, Default)]
pub(super) struct Pipe(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    text: Vec<u8>,
    stuck: bool,
    used: bool,
    broken: bool,
}

impl Pipe {
    pub(super) fn stuck() -> Self {
        let pipe = Self::default();
        pipe.lock().stuck = true;
        pipe
    }

    pub(super) fn release(&self) {
        self.lock().stuck = false;
        self.0.1.notify_all();
    }

    pub(super) fn set_broken(&self, broken: bool) {
        self.lock().broken = broken;
    }

    /// Waits until somebody writes.
    pub(super) fn until_used(&self) {
        drop(self.0.1.wait_while(self.lock(), |state| !state.used).expect("unpoisoned"));
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.lock().text.clone()).expect("text")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("unpoisoned")
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        state.used = true;
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| state.stuck).expect("unpoisoned");
        if state.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that takes everything.
struct Nowhere;

impl Storage for Nowhere {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn read(&self, _: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(io::empty()))
    }
    fn create(&self, _: &str) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(Self))
    }
    fn remove(&self, _: &str) {}
}

impl Segment for Nowhere {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_stuck_reader_of_the_copy_keeps_nobody_waiting() {
    let pipe = Pipe::stuck();
    let tee = Tee::new(pipe.clone()).expect("a thread");
    let options = Options::new("n").patience(Duration::from_secs(60));
    let log = Log::start(Box::new(Nowhere), options, Some(tee)).expect("it opens");
    pipe.until_used();
    for _ in 0..10 {
        let (ack, receipt) = Ack::awaited(None);
        log.append(&Record::system(Kind::Gap, |_| ()), ack);
        receipt.await.expect("durable");
    }
    assert!(log.is_ready() && pipe.text().is_empty());
    pipe.release();
    drop(log);
    assert_eq!(pipe.text().lines().count(), 11);
}

#[tokio::test]
async fn the_watchdog_sleeps_when_nothing_comes() {
    let log =
        Log::start(Box::new(Nowhere), Options::new("n").patience(Duration::ZERO), None).expect("it opens");
    let (ack, receipt) = Ack::awaited(None);
    log.append(&Record::system(Kind::Gap, |_| ()), ack);
    receipt.await.expect("durable");
    for _ in 0..1000 {
        if !log.queue.lock().watched {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it stays awake");
}
