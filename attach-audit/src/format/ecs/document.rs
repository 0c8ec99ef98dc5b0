use serde::Serialize;
use serde_json::value::RawValue;

use super::event::Event;
use super::fields::{GenAi, Http, Id, Rule, Service, Source, Tls, Url, User, UserAgent};
use super::own::Own;
use crate::format::native::Rest;
use crate::read::Entry;

/// One document.
#[derive(Debug, Serialize)]
pub(in crate::format) struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: &'a str,
    ecs: Version,
    event: Event<'a>,
    service: Service<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<UserAgent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Id<'a>>,
    /// The request: what `X-Request-Id` says.
    transaction: Id<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Rule<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gen_ai: Option<GenAi<'a>>,
    /// The service's own fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a RawValue>,
    attach: Own<'a>,
}

#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
}

impl<'a> Document<'a> {
    pub(in crate::format) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        Self {
            timestamp: &entry.ts,
            ecs: Version { version: "9.2.0" },
            event: Event::of(entry),
            service: Service::of(entry),
            user: User::of(entry),
            source: Source::of(entry),
            http: Http::of(entry),
            url: entry.route.path.as_deref().map(|path| Url { path }),
            user_agent: entry.src.ua.as_deref().map(|original| UserAgent { original }),
            tls: entry.src.tls.as_deref().map(Tls::of),
            trace: entry.trace_id.as_deref().map(|id| Id { id }),
            transaction: Id { id: &entry.req_id },
            rule: entry.decision.rule_ids.first().map(|id| Rule { id }),
            gen_ai: GenAi::of(entry),
            labels: rest.custom,
            attach: Own::of(entry, rest),
        }
    }
}
