//! The other objects of an event.

use std::net::IpAddr;

use serde::Serialize;

use super::event::custom;
use crate::read::{Entry, Model};

/// What this product is called.
pub(super) const NAME: &str = "Attach";

/// The object `metadata`.
#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    version: &'static str,
    product: Product<'a>,
    uid: &'a str,
    event_code: &'a str,
    correlation_uid: &'a str,
    sequence: u64,
    log_name: &'a str,
    log_provider: &'a str,
    log_version: &'static str,
    original_time: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    profiles: &'static [&'static str],
}

/// The object `product`.
#[derive(Debug, Serialize)]
pub(super) struct Product<'a> {
    name: &'static str,
    vendor_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// An object that has a name: a service, a group.
#[derive(Debug, Serialize)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
}

/// The object `managed_entity`.
#[derive(Debug, Serialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type")]
    of_type: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
}

/// The object `api`.
#[derive(Debug, Serialize)]
pub(super) struct Api<'a> {
    operation: &'a str,
    request: Request<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Named<'a>>,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    uid: &'a str,
}

#[derive(Debug, Serialize)]
struct Response<'a> {
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The object `network_endpoint`: `ip` or `name` is there.
#[derive(Debug, Serialize)]
pub(super) struct Endpoint<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// A network that folded refusals came from, or that it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The object `http_request`.
#[derive(Debug, Serialize)]
pub(super) struct HttpRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Url<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    uid: &'a str,
}

#[derive(Debug, Serialize)]
struct Url<'a> {
    path: &'a str,
}

/// The object `http_response`.
#[derive(Debug, Serialize)]
pub(super) struct HttpResponse {
    pub(super) code: u16,
}

/// The object `trace`.
#[derive(Debug, Serialize)]
pub(super) struct Trace<'a> {
    pub(super) uid: &'a str,
}

/// The object `ai_model`.
#[derive(Debug, Serialize)]
pub(super) struct AiModel<'a> {
    name: &'a str,
    ai_provider: &'a str,
    /// What the upstream calls the model that answered, which often has its version in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// The object `message_context`: never a word of the messages.
#[derive(Debug, Serialize)]
pub(super) struct MessageContext<'a> {
    uid: &'a str,
    service: Named<'a>,
    ai_role_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<u64>,
}

impl<'a> Metadata<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, is_call: bool) -> Self {
        Self {
            version: "1.8.0",
            product: Product::of(entry),
            uid: &entry.id,
            event_code: &entry.kind,
            correlation_uid: &entry.req_id,
            sequence: entry.seq,
            log_name: &entry.chain,
            log_provider: &entry.node,
            log_version: "1",
            original_time: &entry.ts,
            profiles: match (is_call, entry.trace_id.is_some()) {
                (true, true) => &["ai_operation", "trace"],
                (true, false) => &["ai_operation"],
                (false, _) => &[],
            },
        }
    }
}

impl<'a> Product<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        Self { name: NAME, vendor_name: NAME, version: entry.build.as_deref() }
    }
}

impl<'a> Item<'a> {
    /// `quota.override.create` changes a `quota.override`.
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let action = entry.decision.reason.as_deref().unwrap_or_default();
        let of_type = action.rsplit_once('.').map_or("unknown", |(what, _)| what);
        let uid = custom(entry, "target").or_else(|| custom(entry, "id"));
        Self { of_type, name: uid.unwrap_or(of_type), uid }
    }
}

impl<'a> Api<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let route = &entry.route;
        let operation = route.op.as_deref().or(route.path.as_deref()).unwrap_or("unknown");
        let error = || entry.decision.reason.as_deref();
        Self {
            operation,
            request: Request { uid: &entry.req_id },
            response: entry.decision.http_status.map(|code| Response {
                code,
                error: error().filter(|_| matches!(&*entry.decision.result, "deny" | "error")),
            }),
            service: route.api.as_deref().map(|name| Named { name }),
        }
    }
}

impl<'a> Endpoint<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let (src, known) = (&entry.src, entry.src.ip.as_deref());
        let ip = known.filter(|ip| ip.parse::<IpAddr>().is_ok());
        let name = if ip.is_some() { None } else { Some(known.unwrap_or("unknown")) };
        Self { ip, port: src.port, name }
    }
}

impl<'a> HttpRequest<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Option<Self> {
        entry.route.method.as_ref().map(|method| Self {
            http_method: Some(method),
            url: entry.route.path.as_deref().map(|path| Url { path }),
            user_agent: entry.src.ua.as_deref(),
            uid: &entry.req_id,
        })
    }
}

impl<'a> AiModel<'a> {
    pub(super) fn of(model: &'a Model<'_>) -> Self {
        let name = model.routed.as_deref().or(model.requested.as_deref());
        Self {
            name: name.unwrap_or("unknown"),
            ai_provider: model.upstream.as_deref().unwrap_or("unknown"),
            version: model.response.as_deref(),
        }
    }
}

impl<'a> MessageContext<'a> {
    pub(super) fn of(entry: &'a Entry<'_>, model: &'a Model<'_>) -> Self {
        let usage = entry.usage.as_ref();
        Self {
            uid: &entry.req_id,
            service: Named { name: model.upstream.as_deref().unwrap_or(NAME) },
            // What is about to be asked is the caller's part (1), how it ended the model's (2).
            ai_role_id: if usage.is_some() { 2 } else { 1 },
            prompt_tokens: usage.map(|usage| usage.input_tokens),
            completion_tokens: usage.map(|usage| usage.output_tokens),
            total_tokens: usage.map(|usage| usage.input_tokens.saturating_add(usage.output_tokens)),
        }
    }
}
