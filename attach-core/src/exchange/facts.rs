use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TraceContext;
use crate::{Outcome, Usage};

/// What is known of one exchange so far.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Facts {
    /// The trace the request belongs to: the caller's, if it named one, or the one a service of ours began for it.
    pub trace: Option<TraceContext>,
    /// The model asked for, as the caller spelled it.
    pub model: Option<Box<str>>,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// What policy decided.
    pub decision: Option<Decision>,
    /// Where the request went.
    pub route: Option<Route>,
    /// The limit that came closest, or bit.
    pub quota: Option<QuotaFacts>,
    /// The upstreams that were tried before, and how each went; see [`tried`](Self::tried).
    pub tried: Vec<Tried>,
    /// What was found and replaced.
    pub redaction: Option<Redaction>,
    /// What was used so far.
    pub usage: Usage,
    /// What usage costs where the call went, if somebody said; see [`cost`](Self::cost).
    pub costs: Option<Costs>,
    /// The model that answered, in the upstream's words.
    pub answered_by: Option<Box<str>>,
    /// The upstream's own id of the request: what its support asks for.
    pub upstream_request_id: Option<Box<str>>,
    /// Why a layer refused, if one did.
    pub refusal: Option<Refusal>,
    /// Time to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// How long the upstream had the call: from when it was sent to the last that came of its answer so far.
    pub upstream_time: Option<Duration>,
    /// The answer is a stream of events, so that an event of ours may end it.
    pub streamed: bool,
    /// The answer has a content encoding, so nobody can look into it.
    pub encoded: bool,
    /// How it ended. Written through [`Exchange::finish`](crate::Exchange::finish).
    pub(crate) outcome: Option<Outcome>,
    /// A service's own fields for the audit record.
    pub custom: Vec<(&'static str, Box<str>)>,
}

impl Facts {
    /// How the exchange ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Notes how the attempt went that [`route`](Self::route) is about, once for each. A first attempt that was answered
    /// is not noted: the route says all there is.
    pub fn tried(&mut self, end: &'static str, status: Option<u16>, time: Duration) {
        let Some(route) = &self.route else { return };
        let (noted, only) = (self.tried.len(), route.attempts == 1 && end == "ok");
        if !only && noted < route.attempts as usize && noted < Self::MOST_TRIED {
            let (upstream, model) = (Arc::clone(&route.upstream), Arc::clone(&route.model));
            self.tried.push(Tried { upstream, model, end, status, time });
        }
    }

    /// More attempts than this are counted only.
    const MOST_TRIED: usize = 16;

    /// What was used so far costs, in millionths of a US dollar; `None` if nobody said what the model costs.
    #[must_use]
    pub fn cost(&self) -> Option<u64> {
        self.costs.as_ref().map(|costs| costs.of(&self.usage))
    }
}

/// What usage costs where a call went.
#[derive(Clone)]
pub struct Costs(Arc<dyn Fn(&Usage) -> u64 + Send + Sync>);

impl Costs {
    /// `cost` says what usage costs, in millionths of a US dollar.
    pub fn new(cost: impl Fn(&Usage) -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(cost))
    }

    /// What `usage` costs, in millionths of a US dollar.
    #[must_use]
    pub fn of(&self, usage: &Usage) -> u64 {
        (self.0)(usage)
    }
}

impl fmt::Debug for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Costs(..)")
    }
}

/// What policy decided, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the call may go on.
    pub allowed: bool,
    /// A stable code.
    pub reason: &'static str,
    /// The rule that decided, if one did.
    pub rule: Option<Arc<str>>,
    /// The groups that decided, not all the caller has.
    pub groups: Vec<Box<str>>,
}

impl Decision {
    /// A decision without a rule.
    #[must_use]
    pub fn new(allowed: bool, reason: &'static str) -> Self {
        Self { allowed, reason, rule: None, groups: Vec::new() }
    }
}

/// Where a request went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Route {
    /// The upstream's name in the configuration.
    pub upstream: Arc<str>,
    /// The model's name at that upstream.
    pub model: Arc<str>,
    /// Who runs it, as OpenTelemetry's `gen_ai.provider.name` has it: `openai`, `anthropic`, `ollama` …
    pub provider: Option<&'static str>,
    /// How many upstreams were tried.
    pub attempts: u32,
}

impl Route {
    /// The first attempt, at `upstream` with its `model`.
    #[must_use]
    pub fn new(upstream: Arc<str>, model: Arc<str>) -> Self {
        Self { upstream, model, provider: None, attempts: 1 }
    }
}

/// An attempt to get an answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tried {
    /// The upstream's name in the configuration.
    pub upstream: Arc<str>,
    /// The model's name there.
    pub model: Arc<str>,
    /// How it went, in one word: `ok`, `connect`, `timeout`, `5xx` …
    pub end: &'static str,
    /// The status it was answered with, if it was.
    pub status: Option<u16>,
    /// Until it was answered, or given up on.
    pub time: Duration,
}

/// A limit and where the caller stands with it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QuotaFacts {
    /// The limit's id.
    pub limit_id: Arc<str>,
    /// The limit, in its own unit.
    pub limit: u64,
    /// Left after this request's reservation.
    pub remaining: u64,
    /// Reserved for this request.
    pub reserved: u64,
    /// The store was down and the limit's degraded mode decided.
    pub degraded: bool,
    /// Limits in shadow mode that had no room for this request.
    pub shadow: Vec<Arc<str>>,
    /// What this request came to under budgets that are kept where several processes count; nothing before it was
    /// settled.
    pub charged: Vec<Charged>,
}

/// What a request came to in one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "made by literal")]
pub struct Charged {
    /// The limit's id.
    pub limit_id: Arc<str>,
    /// Stands for whose bucket it is, in every process, and names nobody.
    pub bucket: u128,
    /// When the period ends in which it counts, in seconds since 1970.
    pub until: u64,
    /// How much, in the limit's own unit.
    pub amount: u64,
}

impl QuotaFacts {
    /// Where the caller stands with the limit `limit_id`.
    #[must_use]
    pub fn new(limit_id: Arc<str>, limit: u64) -> Self {
        Self {
            limit_id,
            limit,
            remaining: 0,
            reserved: 0,
            degraded: false,
            shadow: Vec::new(),
            charged: Vec::new(),
        }
    }
}

/// What redaction found. Counts only, never values.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Redaction {
    /// What looked: the engine's name and version.
    pub engine: Option<&'static str>,
    /// Which rules it looked by, in its owner's words: changes when the rules do.
    pub ruleset: Option<Arc<str>>,
    /// What is done with what is found, unless an entity has an action of its own.
    pub mode: Option<RedactionMode>,
    /// The answer was looked at as well, for placeholders to restore.
    pub answer: bool,
    /// How many of each entity were replaced or masked.
    pub counts: Vec<(Box<str>, u32)>,
    /// How many placeholders were restored in the answer.
    pub restored: u32,
    /// How many were left in place because restoring them would have been unsafe.
    pub withheld: u32,
    /// How much of the request was looked at.
    pub coverage: Coverage,
}

/// What is done with what redaction finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedactionMode {
    /// Nothing: only entities with an action of their own are looked for.
    Off,
    /// It is counted and left as it is.
    Detect,
    /// Something else stands for it.
    Mask,
    /// The request is refused.
    Block,
}

/// How much of a request redaction could look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// Nothing: the destination is trusted.
    #[default]
    None,
    /// All of it.
    Full,
    /// A part (image, audio, file) was let through uninspected, as configured.
    Partial,
}

/// Why a layer refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The status the client saw.
    pub status: u16,
    /// The code the client saw.
    pub code: &'static str,
    /// What only the audit trail is told.
    pub reason: Option<Box<str>>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, reason: Option<Box<str>>) -> Self {
        Self { status, code, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_is_noted_once_and_a_first_that_was_answered_not_at_all() {
        let mut facts = Facts::default();
        facts.tried("ok", Some(200), Duration::ZERO);
        assert!(facts.tried.is_empty(), "there is no route");
        facts.route = Some(Route::new("a".into(), "m".into()));
        facts.tried("ok", Some(200), Duration::ZERO);
        assert!(facts.tried.is_empty());
        facts.tried("5xx", Some(503), Duration::from_millis(2));
        facts.tried("5xx", Some(503), Duration::from_millis(3));
        facts.route = Some(Route { attempts: 2, ..Route::new("b".into(), "m".into()) });
        facts.tried("ok", Some(200), Duration::from_millis(4));
        facts.tried("ok", Some(200), Duration::from_millis(5));
        let seen: Vec<_> = facts.tried.iter().map(|one| (&*one.upstream, one.end, one.status)).collect();
        assert_eq!(seen, [("a", "5xx", Some(503)), ("b", "ok", Some(200))]);
        facts.route = Some(Route { attempts: 99, ..Route::new("c".into(), "m".into()) });
        (0..99).for_each(|_| facts.tried("connect", None, Duration::ZERO));
        assert_eq!(facts.tried.len(), 16);
    }
}
