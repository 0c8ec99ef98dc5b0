use serde::Serialize;
use serde_json::value::RawValue;

use crate::format::native::{FrontEnd, Rest};
use crate::read::Entry;

type Text<'a> = Option<&'a str>;
type Raw<'a> = Option<&'a RawValue>;

/// What OCSF has no member for, under the record's own names.
#[derive(Debug, Serialize)]
pub(super) struct Unmapped<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cfg_hash: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_id: Text<'a>,
    actor: Actor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Text<'a>,
    decision: Decision<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redaction: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protections_off: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Text<'a>,
    prev: &'a str,
    hash: &'a str,
}

#[derive(Debug, Serialize)]
struct Actor<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<FrontEnd<'a>>,
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    result: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rule_ids: Vec<&'a str>,
}

impl<'a> Unmapped<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        let (actor, decision) = (&entry.actor, &entry.decision);
        Self {
            cfg_hash: rest.cfg_hash,
            intent_id: entry.intent_id.as_deref(),
            actor: Actor {
                kind: &actor.kind,
                proof: actor.proof.as_deref(),
                acr: actor.acr.as_deref(),
                amr: actor.amr.iter().map(|method| &**method).collect(),
                on_behalf_of: actor.on_behalf_of.as_deref(),
                via: actor.via.as_ref().map(FrontEnd::of),
            },
            tls: entry.src.tls.as_deref(),
            decision: Decision {
                result: &decision.result,
                rule_ids: decision.rule_ids.iter().map(|rule| &**rule).collect(),
            },
            model: rest.model,
            usage: rest.usage,
            quota: rest.quota,
            redaction: rest.redaction,
            content: rest.content,
            timing: rest.timing,
            end: entry.end.as_deref(),
            custom: rest.custom,
            segment: rest.segment,
            after: rest.after,
            protections_off: rest.protections_off,
            mode: entry.mode.as_deref(),
            prev: &entry.prev,
            hash: &entry.hash,
        }
    }
}
