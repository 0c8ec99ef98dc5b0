//! What the two layers know together of one request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use attach_core::{Exchange, Outcome, Rejection};
use http::{Request, StatusCode};
use uuid::Uuid;

use crate::audit::{self, UNAVAILABLE};
use crate::record::{Origin, View};
use crate::refusals::Admission;
use crate::sink::{Ack, Receipt, Slot};
use crate::spoken::Capture;
use crate::{Audit, Kind, Mode, Record};

/// The private value in the request's extensions by which the layers find each other.
#[derive(Clone)]
pub(crate) enum Ticket {
    /// An exempt path: neither layer does anything.
    Exempt,
    /// A request on its way.
    Open(Arc<Trail>),
}

/// One request's way through the audit trail: at most one intent, exactly one end.
pub(crate) struct Trail {
    audit: Arc<Audit>,
    exchange: Exchange,
    origin: Origin,
    content: Capture,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slot: Option<Slot>,
    intent: Option<Uuid>,
    status: Option<u16>,
    waiting_since: Option<Instant>,
    waited: Option<Duration>,
    closed: bool,
}

/// Whether the end of a request is on record.
pub(crate) enum Closed {
    /// On its way; durable when the receipt says so.
    Written(Receipt),
    /// It needs no waiting for: counted, or nobody waits in this mode, or written before.
    Enough,
    /// There is no place for it.
    Full,
}

impl Trail {
    /// Begins a request; `Err` is the refusal if there can be no record of it.
    pub(crate) fn begin<B>(
        audit: &Arc<Audit>,
        request: &mut Request<B>,
    ) -> (Exchange, Result<Arc<Self>, Rejection>) {
        let exchange = Exchange::of_request(request);
        let origin = Origin::of(request);
        let mode = audit.when();
        let shared = audit.shared();
        let slot = if mode == Mode::Single { shared.slot() } else { None };
        let refused =
            mode != Mode::Relaxed && !shared.sink.is_ready() || mode == Mode::Single && slot.is_none();
        if refused {
            shared.refusals.count(UNAVAILABLE, origin.source(), 503, mode);
            return (exchange, Err(audit::unavailable()));
        }
        let state = Mutex::new(State { slot, ..State::default() });
        let content = Capture::begin(audit.packer.as_ref(), &exchange);
        let trail =
            Arc::new(Self { audit: Arc::clone(audit), exchange: exchange.clone(), origin, content, state });
        request.extensions_mut().insert(Ticket::Open(Arc::clone(&trail)));
        (exchange, Ok(trail))
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Whether what is said from here on is the upstream's word, and no refusal of a layer.
    pub(crate) fn is_answered(&self) -> bool {
        self.exchange.facts(|facts| facts.refusal.is_none())
    }

    pub(crate) fn content(&self) -> &Capture {
        &self.content
    }

    pub(crate) fn mode(&self) -> Mode {
        self.audit.when()
    }

    /// Whether the answer has no body that anybody will read to its end.
    pub(crate) fn is_head(&self) -> bool {
        self.origin.method() == http::Method::HEAD
    }

    /// Writes the intent, unless it was written or this mode has none. What is returned is to be waited for.
    pub(crate) fn intend(&self) -> Result<Option<Receipt>, Rejection> {
        let mut state = self.lock();
        if state.intent.is_some() || self.mode() == Mode::Single {
            return Ok(None);
        }
        let shared = self.audit.shared();
        let relaxed = self.mode() == Mode::Relaxed;
        state.slot = shared.slot().filter(|_| !relaxed || shared.sink.is_ready());
        if state.slot.is_none() {
            return if relaxed { Ok(None) } else { Err(audit::unavailable()) };
        }
        let id = Uuid::now_v7();
        state.intent = Some(id);
        state.waiting_since = Some(Instant::now());
        drop(state);
        let record = Record::of_exchange(id, self.view(Kind::Intent, None)).under(self.audit.config());
        Ok(self.append(&record, None, !relaxed))
    }

    /// The intent is durable; how long that took is part of the outcome.
    pub(crate) fn intended(&self) {
        let mut state = self.lock();
        state.waited = state.waiting_since.take().map(|since| since.elapsed());
    }

    /// Notes the status of the answer.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.lock().status = Some(status.as_u16());
    }

    /// Writes how the request ended, once. The exchange's outcome has to be stated by then.
    pub(crate) fn close(self: &Arc<Self>, wait: bool) -> Closed {
        let mut state = self.lock();
        if std::mem::replace(&mut state.closed, true) {
            return Closed::Enough;
        }
        let (slot, intent, status) = (state.slot.take(), state.intent, state.status);
        drop(state);
        let outcome = self.exchange.outcome().unwrap_or(Outcome::Complete);
        let refused = intent.is_none() && is_refusal(outcome, status);
        let unavailable = outcome == Outcome::Rejected(UNAVAILABLE);
        if refused && unavailable {
            return self.count(outcome, status);
        }
        let wait = wait && !unavailable;
        let kind = if refused { Kind::Reject } else { Kind::Outcome };
        if refused && self.exchange.identity().is_none() {
            drop(slot);
            return self.close_unknown(outcome, status, wait);
        }
        match slot.or_else(|| self.late_slot()) {
            Some(slot) => self.write_end(kind, slot, wait),
            None if self.mode() == Mode::Relaxed => {
                self.audit.shared().refusals.lost("queue_full");
                Closed::Enough
            }
            None => {
                self.count(outcome, status);
                Closed::Full
            }
        }
    }

    /// Somebody nobody knows was refused, or left.
    fn close_unknown(self: &Arc<Self>, outcome: Outcome, status: Option<u16>, wait: bool) -> Closed {
        let (source, refusals) = (self.origin.source(), &self.audit.shared().refusals);
        match refusals.admit(code(outcome), source, status.unwrap_or(0), self.mode()) {
            Admission::Write(slot) => self.write_end(Kind::Reject, slot, wait),
            Admission::Counted => Closed::Enough,
        }
    }

    fn count(&self, outcome: Outcome, status: Option<u16>) -> Closed {
        let (source, refusals) = (self.origin.source(), &self.audit.shared().refusals);
        refusals.count(code(outcome), source, status.unwrap_or(0), self.mode());
        Closed::Enough
    }

    /// A place for a request that took none on its way: it met no [`IntentLayer`](crate::IntentLayer).
    fn late_slot(&self) -> Option<Slot> {
        let shared = self.audit.shared();
        shared.slot().filter(|_| self.mode() != Mode::Relaxed || shared.sink.is_ready())
    }

    fn write_end(self: &Arc<Self>, kind: Kind, slot: Slot, wait: bool) -> Closed {
        let (ack, receipt) = acknowledged(Some(slot), wait && self.mode() != Mode::Relaxed);
        #[cfg(feature = "content")]
        if let Some((packer, parcel)) = self.content.parcel(&self.exchange) {
            let trail = Arc::clone(self);
            packer.pack(parcel, move |packed| trail.write_packed(kind, packed, ack));
            return receipt.map_or(Closed::Enough, Closed::Written);
        }
        let intent = self.lock().intent;
        let record = Record::of_exchange(Uuid::now_v7(), self.view(kind, intent)).under(self.audit.config());
        self.audit.shared().sink.append(&record, ack);
        receipt.map_or(Closed::Enough, Closed::Written)
    }

    /// The end of a request whose content is kept, or was to be.
    #[cfg(feature = "content")]
    fn write_packed(&self, kind: Kind, packed: crate::content::Packed, mut ack: Ack) {
        let intent = self.lock().intent;
        let view = View { content: Some(packed.said), ..self.view(kind, intent) };
        let record = Record::of_exchange(Uuid::now_v7(), view).under(self.audit.config());
        let sink = &self.audit.shared().sink;
        let Some(line) = packed.line else {
            // How it ended is written all the same, but nobody is told that everything is in order.
            ack.part().into_iter().for_each(|ack| ack.failed("its content could not be kept"));
            return sink.append(&record, ack);
        };
        sink.append_with(&record, &line, ack.holding(packed.room));
    }

    fn append(&self, record: &Record<'_>, slot: Option<Slot>, wait: bool) -> Option<Receipt> {
        let (ack, receipt) = acknowledged(slot, wait);
        self.audit.shared().sink.append(record, ack);
        receipt
    }

    fn view(&self, kind: Kind, intent: Option<Uuid>) -> View<'_> {
        let state = self.lock();
        let promised = kind == Kind::Intent || intent.is_some() || kind == Kind::Reject;
        View {
            kind,
            mode: if promised || self.mode() == Mode::Relaxed { self.mode() } else { Mode::Single },
            exchange: &self.exchange,
            origin: &self.origin,
            intent,
            status: state.status,
            waited: state.waited,
            content: self.content.said(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ack, and what waits for it if somebody is to.
fn acknowledged(slot: Option<Slot>, wait: bool) -> (Ack, Option<Receipt>) {
    if !wait {
        return (Ack::unawaited(slot), None);
    }
    let (ack, receipt) = Ack::awaited(slot);
    (ack, Some(receipt))
}

/// Whether a request without an intent was refused, rather than answered. A client that leaves before it has an
/// answer counts with the refused: otherwise leaving early would be a way around the pool.
fn is_refusal(outcome: Outcome, status: Option<u16>) -> bool {
    match outcome {
        Outcome::Rejected(_) | Outcome::Blocked => status.is_none_or(|status| status >= 400),
        Outcome::Disconnected => status.is_none(),
        _ => false,
    }
}

fn code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Rejected(code) => code,
        other => other.as_str(),
    }
}
