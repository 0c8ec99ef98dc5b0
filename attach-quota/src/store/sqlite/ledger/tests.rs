//! Who waits for what.

use std::task::{Context, Poll, Waker};

use super::*;

const HERE: Account = Account { bucket: 1, until: 100 };

fn entry(account: Account, before: u64, after: u64) -> [Entry; 1] {
    [Entry { account, before, after }]
}

fn is_ready(flushed: &mut Flushed) -> bool {
    flushed.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

#[test]
fn whoever_settled_before_a_write_waits_for_it_and_whoever_settles_during_it_for_the_next() {
    let ledger = Ledger::new(vec![(HERE, 5)]);
    assert!(ledger.flushed().is_none());
    ledger.book(&entry(HERE, 0, 10), 0);
    let mut first = ledger.flushed().expect("not written yet");
    let batch = ledger.take().expect("something to write");
    assert_eq!(batch.rows(), [(HERE, 15)]);
    ledger.book(&entry(HERE, 10, 7), 0);
    let mut second = ledger.flushed().expect("not written yet");
    assert!(!ledger.written(&batch));
    assert!(is_ready(&mut first) && !is_ready(&mut second));
    let batch = ledger.take().expect("something to write");
    assert_eq!(batch.rows(), [(HERE, 12)]);
    ledger.written(&batch);
    assert!(is_ready(&mut second) && ledger.flushed().is_none());
}

#[test]
fn a_failure_lets_all_go_and_is_told_once_and_nothing_of_it_is_forgotten() {
    let ledger = Ledger::new(Vec::new());
    ledger.book(&entry(HERE, 0, 10), 0);
    let batch = ledger.take().expect("something to write");
    let mut waiting = ledger.flushed().expect("not written yet");
    assert!(ledger.failed(&batch), "that is new");
    assert!(is_ready(&mut waiting) && ledger.is_down());
    ledger.book(&entry(HERE, 10, 11), 0);
    assert!(ledger.flushed().is_none(), "nobody waits while it is down");
    let batch = ledger.take().expect("to be tried again");
    assert_eq!(batch.rows(), [(HERE, 11)], "once, with what it is now");
    assert!(!ledger.failed(&batch), "that is known");
    let batch = ledger.take().expect("to be tried again");
    assert!(ledger.written(&batch) && !ledger.is_down());
}

#[test]
fn a_disk_that_failed_is_tried_again_although_nothing_is_left_to_write() {
    let ledger = Ledger::new(Vec::new());
    ledger.book(&entry(HERE, 0, 10), 0);
    ledger.failed(&ledger.take().expect("something to write"));
    ledger.sweep(100);
    assert_eq!(ledger.len(), 0);
    let batch = ledger.take().expect("to be tried again");
    assert!(batch.rows().is_empty() && ledger.written(&batch));
}

#[test]
fn what_is_settled_of_a_period_that_is_over_leaves_no_row_but_is_a_write() {
    let ledger = Ledger::new(Vec::new());
    ledger.book(&entry(HERE, 0, 10), 100);
    assert_eq!(ledger.len(), 0);
    assert!(ledger.flushed().is_some());
    assert!(ledger.take().expect("the time is to be known").rows().is_empty());
}

#[test]
fn when_nobody_writes_any_more_nobody_waits() {
    let ledger = Ledger::new(Vec::new());
    ledger.book(&entry(HERE, 0, 10), 0);
    let mut waiting = ledger.flushed().expect("not written yet");
    ledger.abandoned();
    assert!(is_ready(&mut waiting) && ledger.is_down() && ledger.flushed().is_none());
}

#[test]
fn a_ledger_that_is_closed_is_written_to_its_end() {
    let ledger = Ledger::new(Vec::new());
    ledger.book(&entry(HERE, 0, 10), 0);
    ledger.close();
    ledger.written(&ledger.take().expect("something to write"));
    assert!(ledger.take().is_none());
}
