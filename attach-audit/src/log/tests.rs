//! What only shows from inside.

use std::io::{self, Read};
use std::time::Duration;

use super::*;
use crate::{Ack, Kind};

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
async fn the_watchdog_sleeps_when_nothing_comes() {
    let log = Log::open_on(Nowhere, Options::new("n").patience(Duration::ZERO)).expect("it opens");
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
