//! What a call draws from which buckets.

use std::sync::Arc;
use std::time::SystemTime;

use attach_core::destination::Candidate;
use attach_core::exchange::Route;
use attach_core::{Api, Call, Destination, Rejection, Usage};
use http::StatusCode;

use crate::caller::Caller;
use crate::clamp::{self, Wanted};
use crate::limit::{Limit, Scope, Unit, Window};
use crate::store::{Charge, Key};
use crate::{Overrides, Price, Prices};

/// What is known of a call before it goes on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) api: Option<Api>,
    pub(crate) call: Option<&'a Call>,
    pub(crate) destination: Option<&'a Destination>,
    /// What it will use, probably.
    pub(crate) estimate: Option<Usage>,
    /// What limits that clamp reserve for.
    pub(crate) wanted: Option<Wanted>,
}

impl Asked<'_> {
    /// The same call, if it may produce so much.
    pub(crate) fn with_output(self, output: u64) -> Self {
        Self { wanted: self.wanted.map(|wanted| wanted.with_output(output)), ..self }
    }

    /// What it will use, as far as `limit` goes: where it clamps, all that it may.
    fn expected(&self, limit: &Limit) -> Option<Usage> {
        let mut usage = self.estimate?;
        if let Some(output) = self.wanted.map(Wanted::output) {
            usage.output = if clamp::clamps(limit) { output } else { usage.output.min(output) };
        }
        Some(usage)
    }
}

/// The limits of a layer, and what modifies them.
pub(crate) struct Book<'a> {
    pub(crate) limits: &'a [Arc<Limit>],
    pub(crate) overrides: &'a Overrides,
    pub(crate) prices: &'a Prices,
}

/// A limit that applies to somebody.
pub(crate) struct Applied {
    pub(crate) limit: Arc<Limit>,
    /// `None` if they may use as much as they want.
    pub(crate) window: Option<Window>,
    pub(crate) key: Key,
    /// A group of which membership was withheld is the only reason for which it applies.
    withheld: bool,
}

impl Book<'_> {
    /// The limits that apply to `caller` and what they ask for: of alternatives the most generous.
    pub(crate) fn applied(&self, caller: &Caller, asked: Asked<'_>) -> Vec<Applied> {
        let mut applied =
            self.gathered(caller, |limit| limit.what().covers(asked.api, asked.call, asked.destination));
        applied.retain(|one| one.window.is_some());
        applied
    }

    /// The limits that apply to `caller`, whatever they ask for, those that an override lifts included.
    pub(crate) fn applicable(&self, caller: &Caller) -> Vec<Applied> {
        self.gathered(caller, |_| true)
    }

    fn gathered(&self, caller: &Caller, covers: impl Fn(&Limit) -> bool) -> Vec<Applied> {
        let mut applied: Vec<Applied> = Vec::with_capacity(self.limits.len());
        let mut owner = None;
        for limit in self.limits.iter().filter(|limit| covers(limit)) {
            for key in caller.keys_after(&mut owner, limit) {
                let one = self.apply(limit, key, caller);
                let rival = applied
                    .iter_mut()
                    .find(|other| *one.limit.scope() == Scope::GroupMember && other.key == one.key);
                match rival {
                    Some(other) if other.generosity() >= one.generosity() => {}
                    Some(other) => *other = one,
                    None => applied.push(one),
                }
            }
        }
        applied
    }

    fn apply(&self, limit: &Arc<Limit>, key: Key, caller: &Caller) -> Applied {
        let window = match caller.identity() {
            None => Some(limit.window().clone()),
            Some(identity) => {
                self.overrides.window(limit.shared_id(), limit.window(), identity, SystemTime::now)
            }
        };
        let groups = &limit.who().groups;
        let withheld = caller.identity().is_some_and(|identity| {
            !groups.is_empty() && !groups.iter().any(|group| identity.groups.contains(group))
        });
        Applied { limit: Arc::clone(limit), window, key, withheld }
    }

    /// What is to be reserved for the call under every limit that applies.
    ///
    /// # Errors
    ///
    /// When the call goes to a model without a price and a limit on money does not let it.
    pub(crate) fn charges(&self, caller: &Caller, asked: Asked<'_>) -> Result<Vec<Charge>, Rejection> {
        let mut charges = Vec::new();
        for one in self.applied(caller, asked) {
            let Some(window) = one.window else { continue };
            let amount = match (one.limit.unit(), asked.estimate) {
                (Unit::Requests | Unit::Concurrent, _) => 1,
                (_, None) => continue,
                (unit, Some(_)) => match (unit, self.counted_or_told(&one.limit, asked)?) {
                    // What is free is not bought: nobody needs a budget for it.
                    (Unit::MicroUsd, 0) => continue,
                    (_, amount) => amount,
                },
            };
            charges.push(Charge::new(&one.limit, window, one.key, amount).drawn_by(caller));
        }
        Ok(charges)
    }

    /// As [`counted`](Self::counted), and a word to the operator if nobody said what the model costs.
    fn counted_or_told(&self, limit: &Limit, asked: Asked<'_>) -> Result<u64, Rejection> {
        let counted = self.count(limit, asked)?;
        if let (Some(call), true) = (asked.call, counted.unpriced) {
            let model = call.model.as_str();
            tracing::warn!(model, limit = limit.id(), "a model without a price is not charged");
        }
        Ok(counted.amount)
    }

    /// What the call counts under a limit that counts what it uses.
    ///
    /// # Errors
    ///
    /// As [`charges`](Self::charges).
    pub(crate) fn counted(&self, limit: &Limit, asked: Asked<'_>) -> Result<u64, Rejection> {
        Ok(self.count(limit, asked)?.amount)
    }

    fn count(&self, limit: &Limit, asked: Asked<'_>) -> Result<Counted, Rejection> {
        match (limit.unit(), asked.expected(limit)) {
            (_, None) => Ok(Counted::default()),
            (Unit::MicroUsd, Some(usage)) => self.cost(limit, asked, &usage),
            (_, Some(usage)) => Ok(Counted { amount: measure(limit, &usage), unpriced: false }),
        }
    }

    /// What a call would cost at the most expensive of the places where it may go.
    fn cost(&self, limit: &Limit, asked: Asked<'_>, usage: &Usage) -> Result<Counted, Rejection> {
        let mut cost = Counted::default();
        let Some(call) = asked.call else { return Ok(cost) };
        let now = SystemTime::now();
        // Nobody knows how much of the output will be reasoning; where it must fit, all of it may be.
        let mut reasoned = *usage;
        reasoned.reasoning = usage.output;
        let dearest = |price: &Price| match clamp::clamps(limit) {
            true => price.cost(usage).max(price.cost(&reasoned)),
            false => price.cost(usage),
        };
        let mut add = |route: Option<&Route>| match self.prices.there(call.model.as_str(), route, now) {
            Some(price) => cost.amount = cost.amount.max(dearest(price)),
            None => cost.unpriced = true,
        };
        match asked.destination.map(Destination::candidates).unwrap_or_default() {
            [] => add(None),
            some => some.iter().for_each(|place| add(Some(&route_to(place)))),
        }
        if cost.unpriced && limit.refuses_unpriced() { Err(unpriced(limit)) } else { Ok(cost) }
    }
}

/// What a call counts under a limit.
#[derive(Default)]
struct Counted {
    amount: u64,
    /// At one of the places where it may go it has no price.
    unpriced: bool,
}

impl Applied {
    fn generosity(&self) -> (bool, bool, Option<(u64, u64)>) {
        // A small burst makes nobody's rate smaller.
        let amount = self.window.as_ref().map(|window| (window.amount(), window.capacity()));
        // Nothing is more generous than no window; what was withheld is not generous at all.
        (!self.withheld, amount.is_none(), amount)
    }
}

/// What `usage` comes to under a limit that counts tokens; one for a limit that counts calls.
pub(crate) fn measure(limit: &Limit, usage: &Usage) -> u64 {
    match limit.unit() {
        Unit::Tokens => limit.token_weights().count(usage),
        Unit::InputTokens => usage.input,
        Unit::OutputTokens => usage.output,
        _ => 1,
    }
}

fn route_to(place: &Candidate) -> Route {
    Route::new(Arc::clone(&place.upstream), Arc::clone(&place.model))
}

fn unpriced(limit: &Limit) -> Rejection {
    let message = format!("the limit \"{}\" counts money, and the model has no price", limit.id());
    Rejection::new(StatusCode::FORBIDDEN, "price_unknown", message)
}
