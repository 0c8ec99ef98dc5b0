//! A lease whose limits may cut the stream.

use std::task::{Context, Poll, ready};

use attach_core::{Api, Rejection};

use super::Lease;
use crate::cut::{Cutting, Refusal, Tracker, Turn, Why};
use crate::metrics::Decided;
use crate::store::Charge;
use crate::{headers, refusal};

impl Lease {
    /// Whether the caller asked for a stream to end with its usage.
    pub(crate) fn usage_wanted(&mut self, wanted: bool) {
        self.wants_usage = wanted;
    }

    /// From here on limits that cut do: the answer is a stream of events that is ours to end.
    pub(crate) fn cut_when_due(&mut self, api: Api) {
        let tracker = Tracker::new(api, self.wants_usage);
        self.cutting = tracker.and_then(|tracker| Cutting::new(tracker, &self.charges));
    }

    /// Ready when the stream is to be ended, and what it used is as durable as it gets.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        if self.ending.is_none() {
            let ending = ready!(self.poll_denied(cx));
            self.conclude();
            self.flush();
            self.ending = Some(ending);
        }
        ready!(self.poll_flushed(cx));
        self.ending.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Asks for more where there is need, and is ready when there is no more.
    fn poll_denied(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let Some(mut cutting) = self.cutting.take() else { return Poll::Pending };
        loop {
            match cutting.poll(cx, &self.store, &self.charges) {
                Poll::Ready(Turn::Extended(index, more)) => self.extend(index, more),
                Poll::Ready(Turn::Cut(index, refused)) => {
                    if let Some(rejection) = self.rejection(index, &cutting, refused) {
                        return Poll::Ready(rejection);
                    }
                }
                Poll::Pending => {
                    self.cutting = Some(cutting);
                    return Poll::Pending;
                }
            }
        }
    }

    fn extend(&mut self, index: usize, more: Charge) {
        let apart = match self.charges.get_mut(index) {
            Some(charge) => charge.join(more),
            None => Some(more),
        };
        self.further.extend(apart.map(|more| (index, more)));
    }

    /// The end of the stream by the limit of the charge `index`.
    fn rejection(&self, index: usize, cutting: &Cutting, refused: Refusal) -> Option<Rejection> {
        let charge = self.charges.get(index)?;
        if let Some(metrics) = &self.metrics {
            metrics.decided(charge.limit(), Decided::Cut);
        }
        let why = Why {
            limit: charge.limit().id(),
            code: refused.code,
            retry_after: headers::seconds(refused.retry_after),
            usage: self.used(),
            elapsed: self.exchange.elapsed(),
        };
        let events = cutting.tracker.has_begun().then(|| cutting.tracker.ending(&why));
        Some(refusal::cut(charge, refused, &self.exchange, events))
    }
}

/// Spreads `amount` over what was booked for it, oldest first; what is beyond all of it is the newest's debt.
pub(super) fn spend<'a>(amount: u64, first: &'a mut Charge, further: impl Iterator<Item = &'a mut Charge>) {
    let (mut left, mut newest) = (amount, first);
    for next in further {
        let part = left.min(newest.reserved());
        newest.spend(part);
        left -= part;
        newest = next;
    }
    newest.spend(left);
}
