use std::fmt;
use std::sync::Arc;

use attach_core::{Api, Exchange, Rejection, Usage};

use crate::Prices;
use crate::clamp::Clamped;
use crate::cut::Cutting;
use crate::estimate::Lesson;
use crate::limit::Unit;
use crate::metrics::Metrics;
use crate::store::{Charge, Flushed, Store};
use crate::tariff::Tariff;

mod account;
mod cutting;
mod guard;

/// A reservation and its settlement.
///
/// Made before the inner service is called, kept in the response's future, moved into the body: wherever it is
/// dropped, the charges are settled by what is known of the exchange at that moment.
pub(crate) struct Lease {
    store: Arc<dyn Store>,
    tariff: Tariff,
    exchange: Exchange,
    charges: Vec<Charge>,
    /// What was booked in addition to the charge of an index and has to be settled apart from it, oldest first.
    further: Vec<(usize, Charge)>,
    /// What the call was expected to use.
    estimate: Usage,
    /// Whether the caller asked for a stream to end with its usage.
    wants_usage: bool,
    /// While a limit may cut the stream.
    cutting: Option<Cutting>,
    /// How the stream ends as soon as what it used is durable.
    ending: Option<Rejection>,
    /// What the answer may teach about its model.
    lesson: Option<Lesson>,
    metrics: Option<Metrics>,
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
    /// The answer is shorter than the caller wanted it.
    pub(crate) clamped: Option<Clamped>,
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
            tariff: Tariff::new(prices, model),
            exchange,
            charges,
            further: Vec::new(),
            estimate,
            wants_usage: false,
            cutting: None,
            ending: None,
            lesson: None,
            metrics: None,
            blind: None,
            refunded: false,
            unflushed: false,
            flushing: None,
            closed: false,
            unasked: false,
            clamped: None,
        }
    }

    /// The same, of which there is something to learn.
    pub(crate) fn teaching(mut self, lesson: Option<Lesson>) -> Self {
        self.lesson = lesson;
        self
    }

    /// The output cap of each answer was lowered to `cap`.
    pub(crate) fn capped(&mut self, cap: u64) {
        if let Some(lesson) = &mut self.lesson {
            lesson.capped(cap);
        }
    }

    /// The same, which counts for `metrics`.
    pub(crate) fn counting(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
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
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("charges", &self.charges.len()).field("closed", &self.closed).finish()
    }
}
