use std::collections::BTreeMap;

use serde::Serialize;

use super::class::{self, Class};
use super::objects::{
    AiModel, Api, Endpoint, HttpRequest, HttpResponse, Item, MessageContext, Metadata, Named, Product, Trace,
};
use super::people::{Actor, User};
use super::unmapped::Unmapped;
use crate::format::figures;
use crate::format::native::Rest;
use crate::format::subject::Subject;
use crate::read::Entry;

/// One event. Which members are there depends on its class.
#[derive(Debug, Serialize)]
pub(in crate::format) struct Event<'a> {
    #[serde(flatten)]
    class: Class,
    /// Milliseconds since 1970.
    time: u64,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<u64>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Actor<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<Product<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<Api<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_endpoint: Option<Endpoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_request: Option<HttpRequest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_response: Option<HttpResponse>,
    status_id: u32,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_model: Option<AiModel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_context: Option<MessageContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace<'a>>,
    unmapped: Unmapped<'a>,
}

impl<'a> Event<'a> {
    pub(in crate::format) fn of(entry: &'a Entry<'_>, rest: &Rest<'a>) -> Self {
        let subject = Subject::of(entry);
        let class = Class::of(entry, subject);
        let is_call = class.class_uid == class::API_ACTIVITY;
        let is_login = class.class_uid == class::AUTHENTICATION;
        let of_somebody = is_call || class.class_uid < 6000;
        let (status_id, status) = status(entry);
        let fold = entry.fold.as_ref();
        let model = entry.model.as_ref().filter(|_| is_call);
        Self {
            class,
            time: figures::millis(&entry.ts).unwrap_or_default(),
            metadata: Metadata::of(entry, is_call),
            count: fold.map(|fold| fold.n),
            start_time: fold.and_then(|fold| figures::millis(&fold.first)),
            end_time: fold.and_then(|fold| figures::millis(&fold.last)),
            duration: figures::took(entry, 1.0),
            actor: of_somebody.then(|| Actor::of(entry)),
            user: match subject {
                Subject::Stranger => Some(User::caller(entry)),
                Subject::Account(_) | Subject::Session => Some(User::target(entry)),
                _ => None,
            },
            entity: matches!(subject, Subject::Thing(_)).then(|| Item::of(entry)),
            app: matches!(subject, Subject::Log).then(|| Product::of(entry)),
            service: is_login.then_some(Named { name: super::objects::NAME }),
            api: is_call.then(|| Api::of(entry)),
            src_endpoint: (is_call || subject == Subject::Stranger).then(|| Endpoint::of(entry)),
            http_request: HttpRequest::of(entry),
            http_response: entry.decision.http_status.map(|code| HttpResponse { code }),
            status_id,
            status,
            status_code: entry.decision.reason.as_deref().or(entry.end.as_deref()),
            status_detail: entry.decision.detail.as_deref(),
            ai_model: model.map(AiModel::of),
            message_context: model.map(|model| MessageContext::of(entry, model)),
            trace: entry.trace_id.as_deref().filter(|_| is_call).map(|uid| Trace { uid }),
            unmapped: Unmapped::of(entry, rest),
        }
    }
}

/// 1 is success, 2 failure. What an intent announces has neither succeeded nor failed yet.
fn status<'a>(entry: &'a Entry<'_>) -> (u32, &'a str) {
    match (&*entry.decision.result, &*entry.kind) {
        ("deny" | "error", _) => (2, "Failure"),
        (_, "intent") => (99, "Pending"),
        _ => (1, "Success"),
    }
}

/// Text about an entry's own custom fields: `target` and the like.
pub(super) fn custom<'a>(entry: &'a Entry<'_>, name: &str) -> Option<&'a str> {
    let fields: &BTreeMap<_, _> = &entry.custom;
    fields.get(name).map(|value| &**value)
}
