//! What an answer says after its client has left.

use std::fmt;
use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;

use super::Exchange;
use crate::body::{Events, LineTooLong};
use crate::usage::{Meter, Source};

/// Whether somebody reads an answer on that its client has left.
#[derive(Default)]
pub(super) enum Reading {
    #[default]
    Unwanted,
    /// Somebody would.
    Wanted,
    /// The client has left; this is what counted until then.
    Left(Box<(Meter, Events)>),
    /// Somebody does, and these wait for the end of it.
    Running(Vec<Box<dyn FnOnce() + Send>>),
    Over,
}

impl Exchange {
    /// Says that whoever owns the upstream's body may read it on when the client has left, to learn what was really used:
    /// see [`take_rest`](Self::take_rest).
    pub fn read_on(&self) {
        let mut reading = self.reading();
        if matches!(*reading, Reading::Unwanted) {
            *reading = Reading::Wanted;
        }
    }

    /// The meter of an answer whose client has left, for who may [`read_on`](Self::read_on); `None` for every other answer,
    /// and the second time. A body that [`metered`](crate::body::metered) wraps finds it in its destructor.
    #[must_use]
    pub fn take_rest(&self) -> Option<Rest> {
        let mut reading = self.reading();
        match std::mem::take(&mut *reading) {
            Reading::Left(left) => {
                *reading = Reading::Running(Vec::new());
                let (meter, events) = *left;
                Some(Rest { meter, events, exchange: self.clone() })
            }
            other => {
                *reading = other;
                None
            }
        }
    }

    /// Whether the answer is read on without its client, or has been: what was used may become known better.
    #[must_use]
    pub fn is_read_on(&self) -> bool {
        matches!(*self.reading(), Reading::Running(_) | Reading::Over)
    }

    /// Calls `then` exactly once: when nobody reads the answer on any more, at once if nobody does.
    pub fn afterwards(&self, then: impl FnOnce() + Send + 'static) {
        let mut reading = self.reading();
        if let Reading::Running(waiting) = &mut *reading {
            waiting.push(Box::new(then));
            return;
        }
        drop(reading);
        then();
    }

    /// The client has left, and the meter with it, unless somebody takes it on.
    pub(crate) fn leave(&self, left: impl FnOnce() -> (Meter, Events)) {
        let mut reading = self.reading();
        if matches!(*reading, Reading::Wanted) {
            *reading = Reading::Left(Box::new(left()));
        }
    }

    fn nobody_reads_on(&self) {
        let ended = std::mem::replace(&mut *self.reading(), Reading::Over);
        if let Reading::Running(waiting) = ended {
            waiting.into_iter().for_each(|then| then());
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of an answer that its client did not wait for.
///
/// When it is dropped, what the upstream has reported by then is in the exchange's [`usage`](Exchange::usage), and all who
/// wait for it ([`Exchange::afterwards`]) are called. What was only counted changes nothing: nobody was sent it.
pub struct Rest {
    meter: Meter,
    events: Events,
    exchange: Exchange,
}

impl Rest {
    /// Reads the next bytes of the answer.
    ///
    /// # Errors
    ///
    /// When a line or event is too long to be read; there is no use in going on.
    pub fn push(&mut self, bytes: Bytes) -> Result<(), LineTooLong> {
        if let Some(whole) = self.events.push(bytes)? {
            self.meter.push(&whole);
        }
        Ok(())
    }

    /// Whether the answer has said that it is whole, so that there is nothing more to learn.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.meter.ending().is_some()
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(rest) = self.events.finish() {
            self.meter.push(&rest);
        }
        self.meter.end();
        let usage = self.meter.usage();
        if usage.source == Source::Reported {
            self.exchange.facts(|facts| facts.usage = usage);
        }
        self.exchange.nobody_reads_on();
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("meter", &self.meter).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Api;
    use crate::usage::Wire;

    fn left() -> Exchange {
        let exchange = Exchange::of_request(&mut http::Request::post("/api/chat").body(()).expect("valid"));
        exchange.read_on();
        exchange.leave(|| (Meter::new(Api::OllamaChat, Wire::Ndjson), Events::new(Wire::Ndjson)));
        exchange
    }

    fn counter(exchange: &Exchange) -> Arc<AtomicUsize> {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        exchange.afterwards(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        calls
    }

    #[test]
    fn what_is_reported_late_is_known_before_anybody_is_called_and_everybody_is_called_once() {
        let exchange = left();
        let mut rest = exchange.take_rest().expect("the client has left");
        assert!(exchange.take_rest().is_none() && exchange.is_read_on());
        let calls = counter(&exchange);
        rest.push("{\"message\":{\"content\":\"x\"},\"done\":false}\n{\"done\":true,".into()).expect("short");
        assert!(!rest.is_complete());
        rest.push("\"prompt_eval_count\":9,\"eval_count\":70}\n".into()).expect("short");
        assert!(rest.is_complete());
        assert_eq!((calls.load(Ordering::SeqCst), exchange.usage().output), (0, 0));
        drop(rest);
        assert_eq!((calls.load(Ordering::SeqCst), exchange.usage().output), (1, 70));
        assert_eq!(counter(&exchange).load(Ordering::SeqCst), 1, "at once, from now on");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_was_only_counted_changes_nothing() {
        let exchange = left();
        let mut rest = exchange.take_rest().expect("the client has left");
        rest.push("{\"message\":{\"content\":\"many words\"},\"done\":false}\n".into()).expect("short");
        drop(rest);
        assert_eq!(exchange.usage().output, 0);
    }

    #[test]
    fn nobody_reads_on_unless_somebody_said_so() {
        let exchange = Exchange::of_request(&mut http::Request::post("/api/chat").body(()).expect("valid"));
        exchange.leave(|| panic!("nobody wants it"));
        assert!(exchange.take_rest().is_none() && !exchange.is_read_on());
        assert_eq!(counter(&exchange).load(Ordering::SeqCst), 1);
    }
}
