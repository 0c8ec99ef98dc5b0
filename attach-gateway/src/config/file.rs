//! The file as it is written; [`super::Config`] is what it means.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::access::Access;
use super::front_end;
use super::listen::ChannelFile;
use super::secret::SecretRef;
use super::units::{Size, Span};
use super::{
    admin, alerts, audit, breaker, engine, host, minting, model, ner, price, probe, quota, revocation,
    server, telemetry, translation, upstream,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) server: Server,
    pub(super) state: State,
    pub(super) host: Vec<host::Table>,
    pub(super) issuer: Vec<Issuer>,
    pub(super) front_end: Vec<front_end::Table>,
    pub(super) upstream: Vec<Upstream>,
    pub(super) model: Vec<model::Entry>,
    pub(super) access: Option<Access>,
    pub(super) quota: Vec<quota::Quota>,
    pub(super) price: Vec<price::Entry>,
    pub(super) redact: Redact,
    pub(super) audit: audit::File,
    pub(super) revocation: revocation::File,
    pub(super) keys: Option<minting::File>,
    pub(super) admin: Option<admin::File>,
    pub(super) alerts: Option<alerts::File>,
    pub(super) telemetry: telemetry::File,
    pub(super) translation: translation::File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) listen: Option<String>,
    pub(super) socket_mode: Option<String>,
    pub(super) tls: Option<ChannelFile>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) proxy_header: Option<String>,
    pub(super) proxy_protocol: bool,
    pub(super) external_url: Option<String>,
    pub(super) max_body: Option<Size>,
    pub(super) max_in_flight: Option<usize>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_connections_per_address: Option<usize>,
    pub(super) max_buffered: Option<Size>,
    pub(super) timeout: server::Timeout,
    pub(super) cors: server::Cors,
    pub(super) drain: Option<Span>,
    pub(super) telemetry_listen: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) dir: Option<PathBuf>,
    pub(super) redis: Option<SecretRef>,
    pub(super) quota_redis: Option<SecretRef>,
    pub(super) quota_deadline: Option<Span>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issuer {
    pub(super) directory: Option<String>,
    #[serde(default = "generic")]
    pub(super) preset: String,
    pub(super) issuer: String,
    pub(super) audience: Vec<String>,
    #[serde(default)]
    pub(super) required_scopes: Vec<String>,
    #[serde(default)]
    pub(super) client_ids: Vec<String>,
    pub(super) groups_claim: Option<String>,
    #[serde(default)]
    pub(super) allowed_groups: Vec<String>,
    pub(super) leeway: Option<Span>,
    pub(super) max_lifetime: Option<Span>,
    pub(super) jwks_uri: Option<String>,
    pub(super) hosted_domain: Option<String>,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) typ: Option<String>,
    pub(super) accept_id_tokens: Option<bool>,
    pub(super) ca: Option<PathBuf>,
    pub(super) introspection: Option<Introspection>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Introspection {
    pub(super) client_id: String,
    pub(super) client_secret: SecretRef,
    pub(super) endpoint: Option<String>,
    #[serde(default)]
    pub(super) every_token: bool,
    #[serde(default)]
    pub(super) accept_missing_audience: bool,
    #[serde(default)]
    pub(super) accept_missing_type: bool,
}

fn generic() -> String {
    "generic".into()
}

#[derive(Debug, Deserialize)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) url: Option<String>,
    pub(super) key: Option<upstream::rotating::KeyRef>,
    #[serde(flatten)]
    pub(super) bedrock: upstream::bedrock::File,
    #[serde(flatten)]
    pub(super) azure: upstream::azure::File,
    #[serde(flatten)]
    pub(super) reach: upstream::reach::File,
    pub(super) dialects: Option<Vec<String>>,
    pub(super) responses: Option<bool>,
    #[serde(default)]
    pub(super) trusted: bool,
    #[serde(default)]
    pub(super) zero_retention: bool,
    pub(super) trains_on_data: Option<bool>,
    pub(super) region: Option<String>,
    pub(super) identity_headers: Option<String>,
    #[serde(default)]
    pub(super) timeout: Timeout,
    pub(super) max_in_flight: Option<usize>,
    pub(super) breaker: Option<breaker::Entry>,
    pub(super) probe: Option<probe::Entry>,
    pub(super) retention: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timeout {
    pub(super) connect: Option<Span>,
    pub(super) first_byte: Option<Span>,
    pub(super) drain: Option<Span>,
    pub(super) idle: Option<Span>,
    pub(super) total: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Redact {
    pub(super) default: Option<String>,
    pub(super) key: Option<SecretRef>,
    pub(super) budget: Option<Span>,
    pub(super) uninspectable: BTreeMap<String, String>,
    pub(super) entities: BTreeMap<String, EntitySetting>,
    pub(super) pattern: Vec<Pattern>,
    pub(super) terms: Vec<Terms>,
    pub(super) engine: Vec<engine::Table>,
    pub(super) ner: Option<ner::Ner>,
    pub(super) private_addresses: bool,
    pub(super) exempt: Vec<String>,
    pub(super) exempt_patterns: Vec<String>,
    pub(super) regions: Option<Vec<String>>,
    pub(super) external_tools: Vec<String>,
    pub(super) restore_system: Option<bool>,
    pub(super) inspect_signed: bool,
    #[serde(rename = "for")]
    pub(super) toward: Vec<Toward>,
}

/// What is done toward some upstreams, where it is not what is done toward all.
#[derive(Debug, Deserialize)]
pub(super) struct Toward {
    pub(super) upstreams: Vec<String>,
    pub(super) entities: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum EntitySetting {
    Action(String),
    Detailed {
        action: Option<String>,
        lexicon: Option<bool>,
        threshold: Option<f32>,
        words: Option<Vec<String>>,
        context: Option<bool>,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Pattern {
    pub(super) entity: String,
    pub(super) regex: String,
    pub(super) score: Option<f32>,
    #[serde(default)]
    pub(super) words: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Terms {
    pub(super) entity: String,
    pub(super) file: PathBuf,
}
