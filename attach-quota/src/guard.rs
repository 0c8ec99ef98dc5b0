use std::fmt;
use std::sync::Arc;

use attach_core::body::{End, Guard, Step};
use attach_core::{Api, Exchange, Outcome};
use bytes::Bytes;

use crate::Unit;
use crate::estimate::{Estimate, output_of_bytes};
use crate::store::{Charge, Store};

/// An answer may run this many tokens ahead of what is booked, so that not every frame asks the store.
const SLACK: u64 = 32;

/// A reservation and its settlement.
///
/// Made before the inner service is called, kept in the response's future, moved into the body: wherever it is
/// dropped, the charges are settled by what is known of the exchange at that moment.
pub(crate) struct Lease {
    store: Arc<dyn Store>,
    exchange: Exchange,
    charges: Vec<Charge>,
    estimate: Estimate,
    /// How to count an answer that the meter cannot read.
    blind: Option<Blind>,
    closed: bool,
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
        exchange: Exchange,
        charges: Vec<Charge>,
        estimate: Estimate,
    ) -> Self {
        Self { store, exchange, charges, estimate, blind: None, closed: false }
    }

    pub(crate) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// Whether there is anything that the answer can change.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.charges.iter().any(|charge| charge.limit().unit() == Unit::Tokens)
    }

    /// From here on bytes are counted, because nobody can look into the answer.
    pub(crate) fn blindfold(&mut self, api: Api) {
        let encoded = self.exchange.facts(|facts| facts.encoded);
        self.blind = Some(Blind { api, encoded, bytes: 0 });
    }

    /// No answer that is charged: what the upstream reported nevertheless is booked, else the tokens go back.
    pub(crate) fn refund(mut self) {
        let usage = self.exchange.usage();
        self.close(usage.total());
    }

    /// Books what is used so far where it is more than was reserved.
    fn follow(&mut self) {
        let used = self.used();
        for charge in tokens(&mut self.charges) {
            if used > charge.reserved().saturating_add(SLACK) {
                charge.spend(used);
            }
        }
        self.settle();
    }

    fn close(&mut self, used: u64) {
        self.closed = true;
        self.book(used);
    }

    fn book(&mut self, used: u64) {
        for charge in tokens(&mut self.charges) {
            charge.spend(used);
        }
        self.settle();
    }

    fn settle(&mut self) {
        if self.charges.iter().all(|charge| charge.spent() == charge.reserved()) {
            return;
        }
        self.store.settle(&self.charges);
        for charge in &mut self.charges {
            charge.booked(charge.spent());
        }
    }

    /// The tokens used so far: what the upstream reported, else what we counted, else what we estimated.
    fn used(&self) -> u64 {
        let usage = self.exchange.usage();
        let blind = self.blind.map_or(0, |blind| output_of_bytes(blind.api, blind.bytes, blind.encoded));
        let output = usage.output.max(blind);
        if usage.input == 0 && output == 0 && self.broke() {
            return 0;
        }
        // No call has no input: zero is what nobody has reported yet, or never does for a cached prompt.
        let input = if usage.input == 0 { self.estimate.input } else { usage.input };
        input.saturating_add(output)
    }

    /// Whether the exchange ended by no doing of the caller's.
    fn broke(&self) -> bool {
        matches!(
            self.exchange.outcome(),
            Some(Outcome::Rejected(_) | Outcome::Blocked | Outcome::Failed | Outcome::Timeout)
        )
    }
}

fn tokens(charges: &mut [Charge]) -> impl Iterator<Item = &mut Charge> {
    charges.iter_mut().filter(|charge| charge.limit().unit() == Unit::Tokens)
}

impl Guard for Lease {
    fn frame(&mut self, frame: Bytes, _last: bool) -> Step {
        if let Some(blind) = &mut self.blind {
            blind.bytes = blind.bytes.saturating_add(frame.len() as u64);
        }
        if self.exchange.outcome().is_some() {
            // The completing event: settled before the caller sees it and calls again.
            self.book(self.used());
        } else {
            self.follow();
        }
        Step::Pass(frame)
    }

    fn done(&mut self, _end: End) {
        self.close(self.used());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.closed {
            self.close(self.used());
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("charges", &self.charges.len()).field("closed", &self.closed).finish()
    }
}
