//! The other field sets.

use std::net::IpAddr;

use serde::Serialize;

use crate::read::Entry;

type Text<'a> = Option<&'a str>;

#[derive(Debug, Serialize)]
pub(super) struct Id<'a> {
    pub(super) id: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule<'a> {
    pub(super) id: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Url<'a> {
    pub(super) path: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct UserAgent<'a> {
    pub(super) original: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Service<'a> {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Text<'a>,
    node: Node<'a>,
}

#[derive(Debug, Serialize)]
struct Node<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct User<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Text<'a>,
    /// The groups that decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Id<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Source<'a> {
    address: &'a str,
    /// Not for a network that folded refusals came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Debug, Serialize)]
pub(super) struct Http<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    id: &'a str,
    method: &'a str,
}

#[derive(Debug, Serialize)]
struct Response {
    status_code: u16,
}

#[derive(Debug, Serialize)]
pub(super) struct Tls<'a> {
    version: &'a str,
    version_protocol: &'static str,
}

/// The field set `gen_ai`: never a word of the messages.
#[derive(Debug, Serialize)]
pub(super) struct GenAi<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Name<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Model<'a> {
    model: &'a str,
}

#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
}

impl<'a> Service<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        Self { name: "attach", version: entry.build.as_deref(), node: Node { name: &entry.node } }
    }
}

impl<'a> User<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Option<Self> {
        let actor = &entry.actor;
        let target = entry.custom.get("target").filter(|_| actor.kind == "admin");
        actor.uid.as_deref().or(actor.sub.as_deref()).map(|id| Self {
            id,
            domain: actor.directory.as_deref(),
            roles: actor.groups_used.iter().map(|group| &**group).collect(),
            target: target.map(|id| Id { id }),
        })
    }
}

impl<'a> Source<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Option<Self> {
        let ip = |address: &&str| address.parse::<IpAddr>().is_ok();
        entry.src.ip.as_deref().map(|address| Self {
            address,
            ip: Some(address).filter(ip),
            port: entry.src.port,
        })
    }
}

impl<'a> Http<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Option<Self> {
        let method = entry.route.method.as_deref();
        let (request, response) = (
            method.map(|method| Request { id: &entry.req_id, method }),
            entry.decision.http_status.map(|status_code| Response { status_code }),
        );
        (request.is_some() || response.is_some()).then_some(Self { request, response })
    }
}

impl<'a> Tls<'a> {
    pub(super) fn of(version: &'a str) -> Self {
        Self { version: version.strip_prefix("TLSv").unwrap_or(version), version_protocol: "tls" }
    }
}

impl<'a> GenAi<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Option<Self> {
        let model = entry.model.as_ref()?;
        let name = |model: Text<'a>| model.map(|model| Model { model });
        Some(Self {
            operation: entry.route.op.as_deref().map(|name| Name { name }),
            system: model.upstream.as_deref(),
            request: name(model.routed.as_deref().or(model.requested.as_deref())),
            response: name(model.response.as_deref()),
            usage: entry
                .usage
                .as_ref()
                .map(|usage| Usage { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens }),
        })
    }
}
