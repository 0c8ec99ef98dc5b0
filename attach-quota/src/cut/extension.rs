use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use attach_core::Usage;

use crate::limit::Unit;
use crate::store::{Charge, Denied, Store};

/// The smallest and the largest further slice, in output tokens: a stream should neither ask for every word nor keep
/// much from the others that share its bucket.
const SLICE: (u64, u64) = (64, 1024);

/// The limit is used up.
const EXCEEDED: &str = "quota_exceeded";

/// The store cannot be asked, and a limit that is closed then gives no more.
pub(crate) const UNAVAILABLE: &str = "quota_unavailable";

/// What a token costs is not known here, so money is asked for by as many tokens.
const SLICE_OF_MONEY: u64 = 256;

/// What the answer comes to under the limit of one charge, in the limit's own unit.
#[derive(Clone, Copy, Default)]
struct Need {
    /// So far.
    spent: u64,
    /// Before it would be too late to ask.
    soon: u64,
    /// With a further slice.
    later: u64,
}

/// Asks the store for more under one limit while the answer runs, ahead of its use.
pub(super) struct Extension {
    /// Which of the call's charges.
    pub(super) index: usize,
    /// Output tokens.
    slice: u64,
    need: Need,
    /// What is booked in all.
    booked: u64,
    state: State,
    refusal: Refusal,
}

/// Why the store gave no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) retry_after: Duration,
}

enum State {
    /// There is enough for now, or more can be asked for.
    Open,
    Asking(Question, Asking),
    /// There is nothing left but what is booked.
    Dry,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    /// For a whole slice.
    Slice,
    /// For exactly what is left.
    Rest,
    /// Whether the bucket has filled since it was dry.
    Again,
}

type Asking = Pin<Box<dyn Future<Output = (Charge, Result<(), Denied>)> + Send>>;

/// What became of asking.
pub(super) enum Answer {
    /// There is more: this is booked.
    Granted(Charge),
    /// There is no more, and what was booked is used up.
    Denied(Refusal),
}

impl Extension {
    pub(super) fn new(index: usize, charge: &Charge) -> Self {
        let (least, most) = SLICE;
        let slice = match charge.unit() {
            Unit::MicroUsd => SLICE_OF_MONEY,
            _ => (charge.window().capacity() / 20).clamp(least, most),
        };
        let refusal = Refusal { code: EXCEEDED, retry_after: Duration::ZERO };
        Self { index, slice, need: Need::default(), booked: charge.reserved(), state: State::Open, refusal }
    }

    /// Notes what the answer has come to, where `comes_to` says what a usage is in the limit's unit.
    pub(super) fn follow(&mut self, used: &Usage, comes_to: impl Fn(&Usage) -> u64) {
        let with = |more: u64| {
            let mut usage = *used;
            usage.output = usage.output.saturating_add(more);
            comes_to(&usage)
        };
        let soon = with(self.slice / 2);
        // Most frames end here.
        self.need = if soon <= self.booked {
            Need { spent: 0, soon, later: soon }
        } else {
            Need { spent: comes_to(used), soon, later: with(self.slice) }
        };
    }

    /// Ready when something is decided. `charge` is the one that is extended.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        store: &Arc<dyn Store>,
        charge: &Charge,
    ) -> Poll<Answer> {
        loop {
            let Need { spent, soon, later } = self.need;
            match &mut self.state {
                State::Asking(question, asking) => {
                    let question = *question;
                    let (asked, result) = ready!(asking.as_mut().poll(cx));
                    if let Some(answer) = self.answered(question, asked, result, store) {
                        return Poll::Ready(answer);
                    }
                }
                State::Open if soon > self.booked => {
                    let amount = later.max(soon).saturating_sub(self.booked);
                    self.state = ask(Question::Slice, store, charge.further(amount));
                }
                State::Dry if soon > self.booked && spent >= self.booked => {
                    let amount = soon.saturating_sub(self.booked);
                    self.state = ask(Question::Again, store, charge.further(amount));
                }
                State::Open | State::Dry => return Poll::Pending,
            }
        }
    }

    /// What the store said; `None` if it is asked again or there is still something booked.
    fn answered(
        &mut self,
        question: Question,
        asked: Charge,
        result: Result<(), Denied>,
        store: &Arc<dyn Store>,
    ) -> Option<Answer> {
        let Err(denied) = result else {
            self.booked = self.booked.saturating_add(asked.reserved());
            self.state = if question == Question::Rest { State::Dry } else { State::Open };
            return Some(Answer::Granted(asked));
        };
        self.refusal = Refusal::of(denied);
        let left = asked.standing().left.min(asked.reserved());
        let known = matches!(denied, Denied::Limit { .. });
        if question == Question::Slice && known && left > 0 {
            self.state = ask(Question::Rest, store, asked.further(left));
            return None;
        }
        self.state = State::Dry;
        let used_up = question == Question::Again || self.need.spent >= self.booked;
        used_up.then_some(Answer::Denied(self.refusal))
    }
}

impl Refusal {
    fn of(denied: Denied) -> Self {
        match denied {
            Denied::Limit { retry_after, .. } | Denied::Share { retry_after, .. } => {
                Self { code: EXCEEDED, retry_after }
            }
            Denied::Unavailable => Self { code: UNAVAILABLE, retry_after: Duration::ZERO },
        }
    }
}

/// The charge goes with the question, so that whoever drops one drops both, and the store takes back what it booked.
fn ask(question: Question, store: &Arc<dyn Store>, charge: Charge) -> State {
    let store = Arc::clone(store);
    State::Asking(
        question,
        Box::pin(async move {
            let mut charges = [charge];
            let result = store.reserve(&mut charges).await;
            let [charge] = charges;
            (charge, result)
        }),
    )
}
