//! The watchdog: nobody waits for a record longer than `patience`, whatever the disk does.
//!
//! The writer cannot see to that, because a write that hangs does not return. So a thread of its own looks at the
//! clock. It sleeps until the oldest record that somebody waits for would be overdue, and without a limit when
//! nothing has come for a while: two wake-ups a second under load, none at rest.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::queue::{Outage, Queue, State};
use crate::Ack;

/// A disk that works is given this long at least.
const LEAST: Duration = Duration::from_millis(100);

impl Queue {
    /// Watches until the writer has ended.
    pub(super) fn watch(&self) {
        let mut state = self.lock();
        while !state.gone {
            let patience = if state.outage.is_some() { self.patience } else { self.patience.max(LEAST) };
            let now = Instant::now();
            let due = state.due(patience);
            if due.is_some_and(|due| due <= now) {
                let begins = state.outage.is_none();
                let overdue = state.give_up(now, patience);
                self.publish(&state);
                drop(state);
                if begins {
                    tracing::error!(
                        ?patience,
                        "the disk does not answer: requests are refused until it does"
                    );
                }
                overdue.into_iter().for_each(|ack| ack.failed("the disk does not take it"));
                state = self.lock();
                continue;
            }
            let busy = std::mem::take(&mut state.busy);
            let sleep = due.map(|due| due - now).or(busy.then_some(patience));
            state.watched = sleep.is_some();
            state = match sleep {
                Some(sleep) => {
                    self.watch.wait_timeout(state, sleep).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.watch.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl State {
    /// When patience ends with the oldest record that somebody waits for, or with the write in progress.
    fn due(&self, patience: Duration) -> Option<Instant> {
        let awaited = self.flight.iter().chain(&self.waiting).find(|waiting| waiting.ack.is_awaited());
        let began = self.began.filter(|_| self.outage.is_none());
        let oldest = awaited.map(|waiting| waiting.since).into_iter().chain(began).min();
        oldest.and_then(|oldest| oldest.checked_add(patience))
    }

    /// Begins an outage, if there is none, and gives up what is overdue; it stays in the queue.
    fn give_up(&mut self, now: Instant, patience: Duration) -> Vec<Ack> {
        let all = self.flight.iter_mut().chain(&mut self.waiting);
        let old = all.filter(|waiting| now.saturating_duration_since(waiting.since) >= patience);
        let overdue: Vec<_> = old.filter_map(|waiting| waiting.ack.part()).collect();
        self.outage.get_or_insert_with(Outage::begin).refused += overdue.len() as u64;
        overdue
    }
}
