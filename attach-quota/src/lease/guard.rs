//! A lease as it watches over an answer's body, to its end.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::body::{End, Guard, Step};
use attach_core::usage::Source;
use attach_core::{Outcome, Rejection, Usage};
use bytes::Bytes;

use super::Lease;
use crate::Prices;
use crate::limit::Unit;
use crate::store::Settling;

impl Lease {
    /// Whether what was settled so far is not as durable yet as it gets.
    pub(crate) fn is_late(&mut self) -> bool {
        self.flush();
        self.flushing.is_some()
    }

    /// The completing event: settled, and as durable as it gets, before the caller sees it and calls again.
    fn complete(&mut self, frame: Bytes) -> Step {
        self.cutting = None;
        self.conclude();
        self.flush();
        match self.flushing {
            Some(_) => Step::Hold(frame),
            None => Step::Pass(frame),
        }
    }

    fn close(&mut self, used: &Usage) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.leave_with(used);
        self.settle(Settling::Last);
        self.state(used);
        self.review(used);
    }

    /// The client has left, and somebody reads its answer on: what is known is booked now, and corrected once by what will
    /// be known then. Whatever becomes of the reader, this lease's successor is dropped and settles.
    fn hand_over(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.leave_with(&self.used());
        self.settle(Settling::Running);
        let (store, exchange) = (Arc::clone(&self.store), self.exchange.clone());
        let charges = std::mem::take(&mut self.charges);
        let mut successor = Self::new(store, Prices::new(), exchange, charges, Some(self.estimate));
        std::mem::swap(&mut successor.tariff, &mut self.tariff);
        std::mem::swap(&mut successor.further, &mut self.further);
        std::mem::swap(&mut successor.metrics, &mut self.metrics);
        self.exchange.afterwards(move || drop(successor));
    }

    /// Books `used` and holds no place any more.
    fn leave_with(&mut self, used: &Usage) {
        // What the store is still asked for is not needed any more, and nothing of it stays booked.
        self.cutting = None;
        self.book(used);
        for charge in self.charges.iter_mut().filter(|charge| charge.unit() == Unit::Concurrent) {
            charge.spend(0);
        }
    }

    /// What operators and the estimator are told of a call that has ended.
    fn review(&self, used: &Usage) {
        let complete = self.exchange.outcome() == Some(Outcome::Complete);
        let told = complete && used.source == Source::Reported;
        if let Some(lesson) = self.lesson.as_ref().filter(|_| told && used.output > 0) {
            lesson.learn(used.output);
        }
        if let Some(metrics) = &self.metrics {
            metrics.charged(self.charges.iter().chain(self.further.iter().map(|(_, charge)| charge)));
            if told {
                metrics.estimated(&self.estimate, used);
            }
        }
    }

    /// Waits for what this lease has settled, once: other calls have always something on its way.
    pub(super) fn flush(&mut self) {
        if std::mem::take(&mut self.unflushed) {
            self.flushing = self.store.flushed();
        }
    }

    pub(super) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(flushing) = &mut self.flushing {
            ready!(flushing.as_mut().poll(cx));
            self.flushing = None;
        }
        Poll::Ready(())
    }
}

impl Guard for Lease {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        if let Some(blind) = &mut self.blind {
            blind.bytes = blind.bytes.saturating_add(frame.len() as u64);
        }
        if let Some(cutting) = &mut self.cutting {
            cutting.tracker.push(&frame);
        }
        // The end is decided, and follows what the client has seen.
        match self.ending.take_if(|_| last) {
            Some(ending) => return Step::End(ending),
            None if self.ending.is_some() => return Step::Pass(Bytes::new()),
            None => {}
        }
        let (usage, outcome) = self.exchange.facts(|facts| (facts.usage, facts.outcome()));
        if !last && outcome.is_none() {
            self.follow(&self.used_of(usage, outcome));
            return Step::Pass(frame);
        }
        self.complete(frame)
    }

    /// Asks for more where a limit cuts, and ends the stream where there is no more.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        self.poll_cut(cx)
    }

    fn end(&mut self) -> Step {
        if let Some(ending) = self.ending.take() {
            return Step::End(ending);
        }
        self.complete(Bytes::new())
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        self.poll_flushed(cx).map(Ok)
    }

    fn done(&mut self, end: End) {
        if end == End::Dropped && self.exchange.is_read_on() {
            return self.hand_over();
        }
        self.close(&self.used());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close(&self.used());
    }
}
