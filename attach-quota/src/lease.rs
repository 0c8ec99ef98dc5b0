use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::body::{End, Guard, Step};
use attach_core::{Api, Exchange, Outcome, Rejection, Usage};
use bytes::Bytes;

use crate::Prices;
use crate::bill::{cost, measure};
use crate::estimate::output_of_bytes;
use crate::limit::Unit;
use crate::store::{Charge, Flushed, Settling, Store};

/// An answer may run this many tokens ahead of what is booked, so that not every frame asks the store.
const SLACK: u64 = 32;

/// A reservation and its settlement.
///
/// Made before the inner service is called, kept in the response's future, moved into the body: wherever it is
/// dropped, the charges are settled by what is known of the exchange at that moment.
pub(crate) struct Lease {
    store: Arc<dyn Store>,
    prices: Prices,
    exchange: Exchange,
    charges: Vec<Charge>,
    /// What the call was expected to use.
    estimate: Usage,
    /// The model asked for.
    model: Box<str>,
    /// How to count an answer that the meter cannot read.
    blind: Option<Blind>,
    /// Nothing is charged but what the upstream reported.
    refunded: bool,
    /// Something was settled that nobody has waited for yet.
    unflushed: bool,
    /// What the last frame waits for.
    flushing: Option<Flushed>,
    closed: bool,
    /// The answer reports its usage although the caller did not ask.
    pub(crate) unasked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Blind {
    api: Api,
    encoded: bool,
    bytes: u64,
}

impl Lease {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        prices: Prices,
        exchange: Exchange,
        charges: Vec<Charge>,
        estimate: Option<Usage>,
    ) -> Self {
        let model = exchange.facts(|facts| facts.model.clone()).unwrap_or_default();
        let estimate = estimate.unwrap_or_default();
        Self {
            store,
            prices,
            exchange,
            charges,
            estimate,
            model,
            blind: None,
            refunded: false,
            unflushed: false,
            flushing: None,
            closed: false,
            unasked: false,
        }
    }

    pub(crate) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// Whether an answer's usage decides how much is charged.
    pub(crate) fn is_metered(&self) -> bool {
        self.charges.iter().any(|charge| charge.unit().is_metered())
    }

    /// Whether anything is held for as long as the answer runs.
    pub(crate) fn holds_a_place(&self) -> bool {
        self.charges.iter().any(|charge| charge.unit() == Unit::Concurrent)
    }

    /// From here on bytes are counted, because nobody can look into the answer.
    pub(crate) fn blindfold(&mut self, api: Api) {
        let encoded = self.exchange.facts(|facts| facts.encoded);
        self.blind = Some(Blind { api, encoded, bytes: 0 });
    }

    /// No answer that is charged: what the upstream reported nevertheless is booked, else the tokens go back. A place is
    /// held for as long as there is something to send.
    pub(crate) fn refund(&mut self) {
        self.refunded = true;
        self.conclude();
    }

    /// What is known now is what the call comes to: no frame of the answer changes it.
    pub(crate) fn conclude(&mut self) {
        self.book(&self.used());
        self.settle(Settling::Running);
    }

    /// Whether what was settled so far is not as durable yet as it gets.
    pub(crate) fn is_late(&mut self) -> bool {
        self.flush();
        self.flushing.is_some()
    }

    /// Books what is used so far where it is more than was reserved.
    fn follow(&mut self) {
        let used = self.used();
        let mut more = false;
        for index in 0..self.charges.len() {
            let spent = self.comes_to(&self.charges[index], &used);
            let charge = &mut self.charges[index];
            if charge.unit().is_metered() && spent > charge.reserved().saturating_add(slack(charge)) {
                charge.spend(spent);
                more = true;
            }
        }
        if more {
            self.settle(Settling::Running);
        }
    }

    /// The completing event: settled, and as durable as it gets, before the caller sees it and calls again.
    fn complete(&mut self, frame: Bytes) -> Step {
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
        self.book(used);
        for charge in self.charges.iter_mut().filter(|charge| charge.unit() == Unit::Concurrent) {
            charge.spend(0);
        }
        self.settle(Settling::Last);
    }

    fn book(&mut self, used: &Usage) {
        for index in 0..self.charges.len() {
            let spent = self.comes_to(&self.charges[index], used);
            self.charges[index].spend(spent);
        }
    }

    fn settle(&mut self, settling: Settling) {
        self.store.settle(&self.charges, settling);
        for charge in &mut self.charges {
            self.unflushed |= charge.used() != charge.used_before();
            charge.settled();
        }
    }

    /// Waits for what this lease has settled, once: other calls have always something on its way.
    fn flush(&mut self) {
        if std::mem::take(&mut self.unflushed) {
            self.flushing = self.store.flushed();
        }
    }

    /// What `used` is under the limit of `charge`.
    fn comes_to(&self, charge: &Charge, used: &Usage) -> u64 {
        let route = self.exchange.facts(|facts| facts.route.clone());
        if !charge.limit().what().went_to(route.as_ref().map(|route| &*route.upstream)) {
            return 0;
        }
        match charge.unit() {
            Unit::MicroUsd => {
                cost(&self.prices, &self.model, route.as_ref(), used).unwrap_or_else(|| charge.reserved())
            }
            _ => measure(charge.limit(), used),
        }
    }

    /// What is used so far: what the upstream reported, else what we counted, else what we estimated.
    fn used(&self) -> Usage {
        let mut usage = self.exchange.usage();
        if self.refunded {
            return usage;
        }
        let blind = self.blind.map_or(0, |blind| output_of_bytes(blind.api, blind.bytes, blind.encoded));
        usage.output = usage.output.max(blind);
        // No call has no input: zero is what nobody has reported yet, or never does for a cached prompt.
        if usage.input == 0 && !(usage.output == 0 && self.broke()) {
            usage.input = self.estimate.input;
        }
        usage
    }

    /// Whether the exchange ended by no doing of the caller's.
    fn broke(&self) -> bool {
        matches!(
            self.exchange.outcome(),
            Some(Outcome::Rejected(_) | Outcome::Blocked | Outcome::Failed | Outcome::Timeout)
        )
    }
}

/// Money has finer units than tokens: a thousandth of a cent, or a hundredth of what was reserved.
fn slack(charge: &Charge) -> u64 {
    match charge.unit() {
        Unit::MicroUsd => (charge.reserved() / 100).max(10),
        _ => SLACK,
    }
}

impl Guard for Lease {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        if let Some(blind) = &mut self.blind {
            blind.bytes = blind.bytes.saturating_add(frame.len() as u64);
        }
        if !last && self.exchange.outcome().is_none() {
            self.follow();
            return Step::Pass(frame);
        }
        self.complete(frame)
    }

    fn end(&mut self) -> Step {
        self.complete(Bytes::new())
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        if let Some(flushing) = &mut self.flushing {
            ready!(flushing.as_mut().poll(cx));
            self.flushing = None;
        }
        Poll::Ready(Ok(()))
    }

    fn done(&mut self, _end: End) {
        self.close(&self.used());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close(&self.used());
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("charges", &self.charges.len()).field("closed", &self.closed).finish()
    }
}
