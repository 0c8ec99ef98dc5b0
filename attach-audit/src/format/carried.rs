use serde::Serialize;
use serde_json::value::RawValue;

use super::native::{FrontEnd, Rest};
use crate::read::Entry;

type Text<'a> = Option<&'a str>;
type Raw<'a> = Option<&'a RawValue>;

/// What no other schema has a member for, under the record's own names; flattened into what is a format's own.
#[derive(Debug, Serialize)]
pub(super) struct Carried<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cfg_hash: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_id: Text<'a>,
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
    segment: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protections_off: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Text<'a>,
    prev: &'a str,
}

/// The same of who called.
#[derive(Debug, Serialize)]
pub(super) struct CarriedActor<'a> {
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

impl<'a> Carried<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        Self {
            cfg_hash: rest.cfg_hash,
            intent_id: entry.intent_id.as_deref(),
            model: rest.model,
            usage: rest.usage,
            quota: rest.quota,
            redaction: rest.redaction,
            content: rest.content,
            timing: rest.timing,
            end: entry.end.as_deref(),
            segment: rest.segment,
            after: rest.after,
            protections_off: rest.protections_off,
            mode: entry.mode.as_deref(),
            prev: &entry.prev,
        }
    }
}

impl<'a> CarriedActor<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let actor = &entry.actor;
        Self {
            kind: &actor.kind,
            proof: actor.proof.as_deref(),
            acr: actor.acr.as_deref(),
            amr: actor.amr.iter().map(|method| &**method).collect(),
            on_behalf_of: actor.on_behalf_of.as_deref(),
            via: actor.via.as_ref().map(FrontEnd::of),
        }
    }
}
