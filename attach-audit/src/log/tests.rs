//! What only shows from inside.

use std::io::{self, Read};
use std::time::Duration;

use super::simulation::{Simulated, is_durable};
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

#[test]
fn a_segment_that_is_old_enough_is_closed_though_nothing_comes_and_a_log_at_rest_begins_no_other() {
    let disk = Simulated::default();
    disk.restart(u32::MAX, 0);
    let options = Options::new("n").segment_age(Some(Duration::ZERO)).reserve(0);
    let queue = Arc::new(Queue::new(&options));
    let mut writer = Writer::open(Box::new(disk.clone()), options, Arc::clone(&queue)).expect("it opens");
    let (mut batch, segments) = (batch::Batch::default(), || disk.list().expect("listed").len());
    for round in 1..4 {
        assert_eq!(segments(), round);
        assert_eq!(queue.take(&mut batch, writer.due()), queue::Take::Due);
        writer.write(&mut batch);
        assert_eq!(
            (segments(), writer.due()),
            (round + 1, None),
            "there is nothing in it that anybody waits for"
        );
        let (ack, mut receipt) = Ack::awaited(None);
        queue.push(&Record::system(Kind::Admin, |_| ()), ack, false);
        assert_eq!(queue.take(&mut batch, None), queue::Take::Records);
        writer.write(&mut batch);
        assert!(is_durable(&mut receipt), "durable in the segment that there is");
    }
}
