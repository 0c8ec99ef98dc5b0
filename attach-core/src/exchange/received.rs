//! The request's body as it was received, for who has to keep it.

use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;

use super::Exchange;

/// Whether somebody wants the body as it was received.
#[derive(Default)]
pub(super) enum Received {
    #[default]
    Unwanted,
    Wanted,
    Here(Bytes),
}

impl Exchange {
    /// Asks that the request's body be kept as it was received, whatever later layers make of it, until
    /// [`take_received`](Self::take_received). Has no effect once it was read.
    pub fn keep_received(&self) {
        let mut received = self.received();
        if matches!(*received, Received::Unwanted) {
            *received = Received::Wanted;
        }
    }

    /// The body as it was received; `None` if nobody asked for it in time, it was not read, or it was taken before.
    #[must_use]
    pub fn take_received(&self) -> Option<Bytes> {
        match std::mem::take(&mut *self.received()) {
            Received::Here(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// This is the body; the first reading counts, because later ones may be of what a layer has changed.
    pub(crate) fn receive(&self, bytes: &Bytes) {
        let mut received = self.received();
        if matches!(*received, Received::Wanted) {
            *received = Received::Here(bytes.clone());
        }
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        Exchange::of_request(&mut http::Request::post("/api/chat").body(()).expect("valid"))
    }

    #[test]
    fn the_first_reading_is_kept_if_somebody_asked_for_it() {
        let exchange = exchange();
        exchange.receive(&Bytes::from_static(b"too early"));
        exchange.keep_received();
        exchange.receive(&Bytes::from_static(b"as received"));
        exchange.receive(&Bytes::from_static(b"changed"));
        exchange.keep_received();
        assert_eq!(exchange.take_received().expect("kept"), "as received");
        assert_eq!(exchange.take_received(), None);
    }
}
