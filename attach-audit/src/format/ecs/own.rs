use serde::Serialize;

use crate::format::carried::{Carried, CarriedActor};
use crate::format::native::Rest;
use crate::read::Entry;

type Text<'a> = Option<&'a str>;

/// What ECS has no field for, under the record's own names.
#[derive(Debug, Serialize)]
pub(super) struct Own<'a> {
    kind: &'a str,
    actor: Actor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Text<'a>,
    decision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    #[serde(flatten)]
    carried: Carried<'a>,
}

#[derive(Debug, Serialize)]
struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Text<'a>,
    #[serde(flatten)]
    carried: CarriedActor<'a>,
}

impl<'a> Own<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        let actor = &entry.actor;
        Self {
            kind: &entry.kind,
            actor: Actor {
                iss: actor.iss.as_deref(),
                sub: actor.sub.as_deref(),
                client_id: actor.client_id.as_deref(),
                jti: actor.jti.as_deref(),
                sid: actor.sid.as_deref(),
                carried: CarriedActor::of(entry),
            },
            api: entry.route.api.as_deref(),
            decision: &entry.decision.result,
            events: entry.fold.as_ref().map(|fold| fold.n),
            carried: Carried::of(entry, rest),
        }
    }
}
