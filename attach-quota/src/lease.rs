use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::body::{End, Guard, Step};
use attach_core::usage::Source;
use attach_core::{Api, Exchange, Outcome, Rejection, Usage};
use bytes::Bytes;

use self::cutting::spend;
use crate::Prices;
use crate::clamp::Clamped;
use crate::cut::Cutting;
use crate::estimate::{Lesson, output_of_bytes};
use crate::limit::Unit;
use crate::metrics::Metrics;
use crate::store::{Charge, Flushed, Settling, Store};
use crate::tariff::Tariff;

mod cutting;

/// An answer may run this many tokens ahead of what is booked, so that not every frame asks the store.
const SLACK: u64 = 32;

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

    /// No answer that is charged: what the upstream reported nevertheless is booked, else the tokens go back. A place is
    /// held for as long as there is something to send.
    pub(crate) fn refund(&mut self) {
        self.refunded = true;
        self.conclude();
    }

    /// What is known now is what the call comes to: no frame of the answer changes it.
    pub(crate) fn conclude(&mut self) {
        let used = self.used();
        self.book(&used);
        self.settle(Settling::Running);
        self.state(&used);
    }

    /// Has the audit trail say what was charged where the upstream said nothing.
    fn state(&self, used: &Usage) {
        self.exchange.facts(|facts| {
            facts.usage.input = facts.usage.input.max(used.input);
            facts.usage.output = facts.usage.output.max(used.output);
        });
    }

    /// Whether what was settled so far is not as durable yet as it gets.
    pub(crate) fn is_late(&mut self) -> bool {
        self.flush();
        self.flushing.is_some()
    }

    /// Books `used` where it is more than was reserved, and where the stream is cut at some point takes care that more
    /// is reserved in time.
    fn follow(&mut self, used: &Usage) {
        self.tariff.locate(&self.exchange);
        if let Some(cutting) = &mut self.cutting {
            cutting.follow(&self.charges, &self.tariff, used);
        }
        let (tariff, cutting) = (&self.tariff, &self.cutting);
        let mut more = false;
        for (index, charge) in self.charges.iter_mut().enumerate() {
            if !charge.unit().is_metered() || cutting.as_ref().is_some_and(|cutting| cutting.extends(index)) {
                continue;
            }
            let spent = tariff.comes_to(charge, used);
            if spent > charge.reserved().saturating_add(slack(charge)) {
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
            metrics.charged(&self.charges);
            if told {
                metrics.estimated(&self.estimate, used);
            }
        }
    }

    fn book(&mut self, used: &Usage) {
        self.tariff.locate(&self.exchange);
        for (index, charge) in self.charges.iter_mut().enumerate() {
            let spent = self.tariff.comes_to(charge, used);
            let further = self.further.iter_mut().filter(|(of, _)| *of == index).map(|(_, charge)| charge);
            spend(spent, charge, further);
        }
    }

    fn settle(&mut self, settling: Settling) {
        self.store.settle(&self.charges, settling);
        for (_, charge) in &self.further {
            self.store.settle(std::slice::from_ref(charge), settling);
        }
        for charge in self.charges.iter_mut().chain(self.further.iter_mut().map(|(_, charge)| charge)) {
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

    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(flushing) = &mut self.flushing {
            ready!(flushing.as_mut().poll(cx));
            self.flushing = None;
        }
        Poll::Ready(())
    }

    /// What is used so far: what the upstream reported, else what we counted, else what we estimated.
    fn used(&self) -> Usage {
        let (usage, outcome) = self.exchange.facts(|facts| (facts.usage, facts.outcome()));
        self.used_of(usage, outcome)
    }

    fn used_of(&self, mut usage: Usage, outcome: Option<Outcome>) -> Usage {
        if self.refunded {
            return usage;
        }
        let blind = self.blind.map_or(0, |blind| output_of_bytes(blind.api, blind.bytes, blind.encoded));
        usage.output = usage.output.max(blind);
        // No call has no input: zero is what nobody has reported yet, or never does for a cached prompt.
        if usage.input == 0 && !(usage.output == 0 && outcome.is_some_and(broke)) {
            usage.input = self.estimate.input;
        }
        usage
    }
}

/// Money has finer units than tokens: a thousandth of a cent, or a hundredth of what was reserved.
fn slack(charge: &Charge) -> u64 {
    match charge.unit() {
        Unit::MicroUsd => (charge.reserved() / 100).max(10),
        _ => SLACK,
    }
}

/// Whether an exchange ended by no doing of the caller's.
fn broke(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(_) | Outcome::Blocked | Outcome::Failed | Outcome::Timeout)
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

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("charges", &self.charges.len()).field("closed", &self.closed).finish()
    }
}
