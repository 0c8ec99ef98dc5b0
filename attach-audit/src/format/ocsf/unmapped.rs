use serde::Serialize;
use serde_json::value::RawValue;

use crate::format::carried::{Carried, CarriedActor};
use crate::format::native::Rest;
use crate::read::Entry;

/// What OCSF has no member for, under the record's own names.
#[derive(Debug, Serialize)]
pub(super) struct Unmapped<'a> {
    actor: CarriedActor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'a str>,
    decision: Decision<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a RawValue>,
    hash: &'a str,
    #[serde(flatten)]
    carried: Carried<'a>,
}

#[derive(Debug, Serialize)]
struct Decision<'a> {
    result: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rule_ids: Vec<&'a str>,
}

impl<'a> Unmapped<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        let decision = &entry.decision;
        Self {
            actor: CarriedActor::of(entry),
            tls: entry.src.tls.as_deref(),
            decision: Decision {
                result: &decision.result,
                rule_ids: decision.rule_ids.iter().map(|rule| &**rule).collect(),
            },
            custom: rest.custom,
            hash: &entry.hash,
            carried: Carried::of(entry, rest),
        }
    }
}
