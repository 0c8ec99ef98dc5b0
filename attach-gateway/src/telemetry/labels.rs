//! Attribute sets, made once for each combination that occurs. What a caller may choose is in none of them: upstreams
//! are the configuration's, and models are what [`Models`] knows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use attach_audit::names;
use attach_core::exchange::Facts;
use attach_core::{Api, Identity, Outcome};
use opentelemetry::KeyValue;

use super::models::Models;
use super::names as own;
use crate::config::{Config, Kind, Label};

/// So many combinations are remembered; further ones are made each time.
const REMEMBERED: usize = 4096;

/// What has no label of its own.
pub(super) const OTHER: &str = "other";

/// How an attempt at an upstream may end.
const ENDS: [&str; 8] = ["ok", "connect", "timeout", "broke", "429", "4xx", "5xx", "abandoned"];

/// The attribute set of attempts that are alike.
type Attempted = [KeyValue; 2];

/// The sets of all requests, and of attempts.
pub(super) struct Labels {
    models: Models,
    upstreams: HashMap<Arc<str>, Kind>,
    attempts: HashMap<Arc<str>, [Attempted; ENDS.len()]>,
    none: Arc<str>,
    extra: Vec<Label>,
    known: RwLock<HashMap<Key, Arc<Sets>>>,
}

/// What tells requests apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    api: Option<Api>,
    model: Arc<str>,
    upstream: Arc<str>,
    outcome: &'static str,
    reason: &'static str,
    status: u16,
    extra: Vec<Box<str>>,
}

/// The attribute sets of requests that are alike.
pub(super) struct Sets {
    /// Of the count of requests.
    pub(super) request: Vec<KeyValue>,
    /// Of its duration.
    pub(super) duration: Vec<KeyValue>,
    /// Of what is measured of calls that went well.
    pub(super) call: Vec<KeyValue>,
    pub(super) input: Vec<KeyValue>,
    pub(super) output: Vec<KeyValue>,
}

impl Labels {
    pub(super) fn new(config: &Config) -> Self {
        let upstreams = || config.upstreams.iter();
        let attempts = |name: &Arc<str>| ENDS.map(|how| attempted(name, how));
        Self {
            models: Models::new(config),
            upstreams: upstreams().map(|one| (Arc::clone(&one.name), one.kind)).collect(),
            attempts: upstreams().map(|one| (Arc::clone(&one.name), attempts(&one.name))).collect(),
            none: "none".into(),
            extra: config.telemetry.labels.clone(),
            known: RwLock::default(),
        }
    }

    /// Those of a request that has ended with `outcome`.
    pub(super) fn of(
        &self,
        api: Option<Api>,
        facts: &Facts,
        caller: Option<&Identity>,
        (outcome, status): (Outcome, u16),
    ) -> Arc<Sets> {
        let key = Key {
            api,
            model: self.models.of(facts, (outcome, status)),
            upstream: self.upstream(facts),
            outcome: outcome.as_str(),
            reason: reason(facts, outcome),
            status,
            extra: self.extra.iter().map(|label| extra(*label, facts, caller)).collect(),
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sets) = known.get(&key) {
            return Arc::clone(sets);
        }
        drop(known);
        let sets = Arc::new(self.make(&key));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED {
            known.insert(key, Arc::clone(&sets));
        }
        sets
    }

    /// That of an attempt at `upstream` that ended as one of [`ENDS`].
    pub(super) fn of_attempt(&self, upstream: &str, how: &str) -> Option<&Attempted> {
        let end = ENDS.iter().position(|end| *end == how)?;
        self.attempts.get(upstream)?.get(end)
    }

    fn upstream(&self, facts: &Facts) -> Arc<str> {
        Arc::clone(facts.route.as_ref().map_or(&self.none, |route| &route.upstream))
    }

    fn make(&self, key: &Key) -> Sets {
        let provider = self.upstreams.get(&key.upstream).map_or(OTHER, |kind| kind.provider());
        let extra = self.extra.iter().zip(&key.extra);
        let extra: Vec<_> =
            extra.map(|(label, value)| KeyValue::new(name(*label), value.to_string())).collect();
        let mut call = vec![
            KeyValue::new(names::GEN_AI_OPERATION_NAME, key.api.map_or(OTHER, Api::operation)),
            KeyValue::new(names::GEN_AI_PROVIDER_NAME, provider),
            KeyValue::new(names::GEN_AI_REQUEST_MODEL, Arc::clone(&key.model)),
            KeyValue::new(names::ATTACH_UPSTREAM, Arc::clone(&key.upstream)),
        ];
        call.extend(extra.iter().cloned());
        let with = |more: Option<KeyValue>| call.iter().cloned().chain(more).collect::<Vec<_>>();
        let error = error(key.outcome, key.reason, key.status);
        let mut request = vec![
            KeyValue::new(names::ATTACH_API, key.api.map_or(OTHER, Api::as_str)),
            KeyValue::new(names::ATTACH_END, key.outcome),
            KeyValue::new(names::ATTACH_DECISION_REASON, key.reason),
            KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(key.status)),
        ];
        request.extend(extra);
        Sets {
            request,
            duration: with(error.map(|error| KeyValue::new(names::ERROR_TYPE, error))),
            input: with(Some(KeyValue::new(names::GEN_AI_TOKEN_TYPE, "input"))),
            output: with(Some(KeyValue::new(names::GEN_AI_TOKEN_TYPE, "output"))),
            call,
        }
    }
}

fn attempted(upstream: &Arc<str>, how: &'static str) -> Attempted {
    [KeyValue::new(names::ATTACH_UPSTREAM, Arc::clone(upstream)), KeyValue::new(names::ATTACH_END, how)]
}

/// What an error is called; `None` if there was none.
pub(super) fn error(outcome: &'static str, reason: &'static str, status: u16) -> Option<String> {
    match outcome {
        "complete" if status < 400 => None,
        "complete" => Some(status.to_string()),
        "rejected" => Some(reason.to_owned()),
        other => Some(other.to_owned()),
    }
}

/// The code of a refusal, else the reason of the decision.
pub(super) fn reason(facts: &Facts, outcome: Outcome) -> &'static str {
    if let Some(refusal) = &facts.refusal {
        return refusal.code;
    }
    match (outcome, &facts.decision) {
        (Outcome::Rejected(code), _) => code,
        (_, Some(decision)) => decision.reason,
        _ => "none",
    }
}

fn name(label: Label) -> &'static str {
    match label {
        Label::Directory => names::ATTACH_ACTOR_DIRECTORY,
        Label::Group => own::GROUP,
    }
}

fn extra(label: Label, facts: &Facts, caller: Option<&Identity>) -> Box<str> {
    let found = match label {
        Label::Directory => caller.map(|caller| &*caller.directory),
        Label::Group => {
            facts.decision.as_ref().and_then(|decision| decision.groups.first()).map(|group| &**group)
        }
    };
    found.unwrap_or("none").into()
}
