//! A request's facts as a record's members.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_core::exchange::{Coverage, Facts, RedactionMode};
use attach_core::identity::Kind as Caller;
use attach_core::{Api, Exchange, Identity, Outcome};
use uuid::Uuid;

use super::shape::{self, Members};
use super::usage::usage;
use super::value::{Id, Pairs, Text};
use super::{Kind, Origin, end};
use crate::Mode;

/// A record about an exchange, before it is written.
pub(crate) struct View<'a> {
    pub(crate) kind: Kind,
    pub(crate) mode: Mode,
    pub(crate) exchange: &'a Exchange,
    pub(crate) origin: &'a Origin,
    pub(crate) intent: Option<Uuid>,
    pub(crate) status: Option<u16>,
    pub(crate) waited: Option<Duration>,
    pub(crate) content: Option<shape::Said>,
}

impl View<'_> {
    /// Calls `with` under the exchange's lock, so that nothing has to be copied.
    pub(super) fn with_members(&self, with: impl FnOnce(&Members<'_>)) {
        let outcome = self.exchange.outcome().filter(|_| self.kind != Kind::Intent);
        self.exchange.facts(|facts| with(&self.members(facts, outcome)));
    }

    fn members<'f>(&'f self, facts: &'f Facts, outcome: Option<Outcome>) -> Members<'f> {
        let ended = self.kind != Kind::Intent;
        Members {
            intent_id: self.intent.filter(|_| ended).map(Id::Uuid),
            req_id: Id::Exchange(self.exchange.id()),
            trace_id: facts.trace.map(|trace| Id::Trace(trace.trace_id())),
            client_req_id: self.origin.client_req_id(),
            actor: self.exchange.identity().map_or_else(anonymous, |identity| actor(identity, facts)),
            src: self.origin.src(),
            route: self.route(),
            decision: self.decision(facts, outcome),
            model: model(facts),
            usage: ended.then(|| usage(facts)),
            quota: facts.quota.as_ref().map(quota),
            redaction: facts.redaction.as_ref().map(redaction),
            content: self.content.as_ref(),
            timing: ended.then(|| shape::Timing {
                total_ms: millis(self.exchange.elapsed()),
                ttft_ms: facts.first_byte.map(millis),
                upstream_ms: facts.upstream_time.map(millis),
                audit_wait_ms: self.waited.map(millis),
            }),
            end: outcome.map(|outcome| end::names(outcome).0),
            custom: (!facts.custom.is_empty()).then(|| Pairs(&facts.custom)),
            mode: Some(self.mode),
            ..Members::system(self.kind.as_str(), Uuid::nil())
        }
    }

    fn route(&self) -> shape::Route<'_> {
        let api = self.exchange.api();
        shape::Route {
            method: Some(Text(self.origin.method().as_str())),
            path: Some(Text(self.origin.path())),
            api: api.map(Api::as_str),
            op: api.map(Api::operation),
        }
    }

    fn decision<'f>(&self, facts: &'f Facts, outcome: Option<Outcome>) -> shape::Decision<'f> {
        let refusal = facts.refusal.as_ref();
        let decided = facts.decision.as_ref();
        let replaced = facts.redaction.as_ref().is_some_and(has_replaced);
        let result = match (refusal, outcome.map(|outcome| end::names(outcome).1)) {
            (Some(refusal), _) if refusal.status >= 500 => "error",
            (Some(_), _) => "deny",
            (None, None | Some("allow")) if replaced => "modify",
            (None, result) => result.unwrap_or("allow"),
        };
        shape::Decision {
            result,
            reason: refusal.map(|refusal| refusal.code).or(decided.map(|decided| decided.reason)),
            detail: refusal.and_then(|refusal| refusal.reason.as_deref()).map(Text),
            rule_ids: decided.and_then(|decided| decided.rule.as_deref()).map(|rule| [Text(rule)]),
            http_status: self.status,
        }
    }
}

fn anonymous<'a>() -> shape::Actor<'a> {
    shape::Actor { kind: "anonymous", ..shape::Actor::default() }
}

/// Who it was, by ids alone: the display name and the e-mail address stay out of the log.
fn actor<'a>(identity: &'a Identity, facts: &'a Facts) -> shape::Actor<'a> {
    shape::Actor {
        kind: if identity.kind == Caller::Service { "service" } else { "user" },
        directory: Some(Text(&identity.directory)),
        iss: Some(Text(&identity.issuer)),
        sub: Some(Text(&identity.subject)),
        uid: Some(Text(&identity.id)),
        client_id: identity.client_id.as_deref().map(Text),
        jti: identity.token_id.as_deref().map(Text),
        sid: identity.session_id.as_deref().map(Text),
        proof: Some(identity.proof.as_str()),
        acr: identity.assurance.acr.as_deref().map(Text),
        amr: first(&identity.assurance.amr),
        auth_time: identity.assurance.auth_time.and_then(unix),
        groups_used: facts.decision.as_ref().map_or(&[], |decided| first(&decided.groups)),
        token_exp: identity.expires_at.and_then(unix),
        on_behalf_of: identity.actor.as_ref().map(|_| Text(&identity.id)),
        via: identity.actor.as_deref().map(via),
    }
}

fn via(actor: &Identity) -> shape::Via<'_> {
    shape::Via {
        directory: Text(&actor.directory),
        uid: Text(&actor.id),
        client_id: actor.client_id.as_deref().map(Text),
        jti: actor.token_id.as_deref().map(Text),
        proof: actor.proof.as_str(),
    }
}

fn model(facts: &Facts) -> Option<shape::Model<'_>> {
    let route = facts.route.as_ref();
    facts.model.as_ref()?;
    Some(shape::Model {
        requested: facts.model.as_deref().map(Text),
        routed: route.map(|route| Text(&route.model)),
        response: facts.answered_by.as_deref().map(Text),
        provider: route.and_then(|route| route.provider),
        upstream: route.map(|route| Text(&route.upstream)),
        upstream_req_id: facts.upstream_request_id.as_deref().map(Text),
        attempts: route.map(|route| route.attempts),
        tried: if facts.tried.len() > 1 { facts.tried.iter().map(tried).collect() } else { Vec::new() },
        stream: facts.stream,
    })
}

fn tried(tried: &attach_core::exchange::Tried) -> shape::Tried<'_> {
    shape::Tried {
        upstream: Text(&tried.upstream),
        model: Text(&tried.model),
        end: tried.end,
        status: tried.status,
        ms: millis(tried.time),
    }
}

fn quota(quota: &attach_core::exchange::QuotaFacts) -> shape::Quota<'_> {
    shape::Quota {
        key: Text(&quota.limit_id),
        limit: quota.limit,
        used: quota.limit.saturating_sub(quota.remaining),
        reserved: quota.reserved,
        degraded: quota.degraded,
        shadow: quota.shadow.iter().map(|id| Text(id)).collect(),
        charged: quota.charged.iter().map(charged).collect(),
    }
}

fn charged(charged: &attach_core::exchange::Charged) -> shape::Charged<'_> {
    shape::Charged {
        limit: Text(&charged.limit_id),
        bucket: Id::Number(charged.bucket),
        until: charged.until,
        amount: charged.amount,
    }
}

fn redaction(redaction: &attach_core::exchange::Redaction) -> shape::Redaction<'_> {
    shape::Redaction {
        engine: redaction.engine,
        ruleset: redaction.ruleset.as_deref().map(Text),
        mode: redaction.mode.map(mode),
        counts: Pairs(&redaction.counts),
        dir: if redaction.answer { "both" } else { "in" },
        restored: redaction.restored,
        withheld: redaction.withheld,
        coverage: match redaction.coverage {
            Coverage::Full => "full",
            Coverage::Partial => "partial",
            _ => "none",
        },
    }
}

fn mode(mode: RedactionMode) -> &'static str {
    match mode {
        RedactionMode::Detect => "detect",
        RedactionMode::Mask => "mask",
        RedactionMode::Block => "block",
        _ => "off",
    }
}

/// What is only counted is still there.
fn has_replaced(redaction: &attach_core::exchange::Redaction) -> bool {
    !redaction.counts.is_empty() && redaction.mode != Some(RedactionMode::Detect)
}

/// At most this many entries of a list that somebody else chose the length of.
fn first(list: &[Box<str>]) -> &[Box<str>] {
    &list[..list.len().min(64)]
}

fn unix(time: SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Milliseconds with microsecond precision.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
