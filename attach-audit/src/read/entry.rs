use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

type Text<'a> = Option<Cow<'a, str>>;

/// One line of a log. Members are those of `docs/audit-record.schema.json`; unknown ones are passed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// UUIDv7; what a receiver tells duplicates by.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Its place in its chain.
    pub seq: u64,
    /// The chain.
    #[serde(borrow)]
    pub chain: Cow<'a, str>,
    /// The node.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// The build of the program.
    #[serde(borrow)]
    pub build: Text<'a>,
    /// When it was written: RFC 3339, UTC.
    #[serde(borrow)]
    pub ts: Cow<'a, str>,
    /// The same on a clock that nobody sets: nanoseconds since its chain began.
    pub mono_ns: Option<u64>,
    /// What it is about.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// The request.
    #[serde(borrow)]
    pub req_id: Cow<'a, str>,
    /// The intent that it ends.
    #[serde(borrow)]
    pub intent_id: Text<'a>,
    /// The trace the request belongs to (W3C, 32 hex digits).
    #[serde(borrow)]
    pub trace_id: Text<'a>,
    /// The client's own id of the request.
    #[serde(borrow)]
    pub client_req_id: Text<'a>,
    /// Who.
    #[serde(borrow)]
    pub actor: Actor<'a>,
    /// From where.
    #[serde(borrow)]
    pub src: Source<'a>,
    /// To what.
    #[serde(borrow)]
    pub route: Route<'a>,
    /// What was decided.
    #[serde(borrow)]
    pub decision: Decision<'a>,
    /// The model.
    #[serde(borrow)]
    pub model: Option<Model<'a>>,
    /// What was used.
    #[serde(borrow)]
    pub usage: Option<Usage<'a>>,
    /// The limit that came closest, or bit.
    #[serde(borrow)]
    pub quota: Option<Quota<'a>>,
    /// What was redacted.
    #[serde(borrow)]
    pub redaction: Option<Redaction<'a>>,
    /// How long it took.
    pub timing: Option<Timing>,
    /// How the request ended.
    #[serde(borrow)]
    pub end: Text<'a>,
    /// How many events it stands for, if more than one.
    #[serde(borrow)]
    pub fold: Option<Fold<'a>>,
    /// The service's own fields.
    #[serde(borrow)]
    pub custom: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// In a `checkpoint` record: the chain's tree over the records before it.
    #[serde(borrow)]
    pub checkpoint: Option<Checkpoint<'a>>,
    /// When the record was durable: `strict`, `overlap`, `relaxed` or `single`.
    #[serde(borrow)]
    pub mode: Text<'a>,
    /// The hash of the record before, 64 hex digits.
    #[serde(borrow)]
    pub prev: Cow<'a, str>,
    /// Its own hash.
    #[serde(borrow)]
    pub hash: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// Reads a line, with or without its newline. Nothing is verified: that is [`verify`](crate::verify)'s part.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or one of its members has another type than the schema's.
    pub fn parse(line: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }

    /// How many events it stands for.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.fold.as_ref().map_or(1, |fold| fold.n)
    }
}

/// Who made a request, or whose deed it was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Actor<'a> {
    /// `user`, `service`, `anonymous`, `admin` or `system`.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// The organisation's directory.
    #[serde(borrow)]
    pub directory: Text<'a>,
    /// The issuer of the token.
    #[serde(borrow)]
    pub iss: Text<'a>,
    /// The token's subject.
    #[serde(borrow)]
    pub sub: Text<'a>,
    /// The stable id in the directory.
    #[serde(borrow)]
    pub uid: Text<'a>,
    /// The OAuth client.
    #[serde(borrow)]
    pub client_id: Text<'a>,
    /// The token's id.
    #[serde(borrow)]
    pub jti: Text<'a>,
    /// The session.
    #[serde(borrow)]
    pub sid: Text<'a>,
    /// How the identity was proved.
    #[serde(borrow)]
    pub proof: Text<'a>,
    /// The authentication context class.
    #[serde(borrow)]
    pub acr: Text<'a>,
    /// The authentication methods.
    #[serde(borrow)]
    pub amr: Vec<Cow<'a, str>>,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: Option<u64>,
    /// The groups that decided.
    #[serde(borrow)]
    pub groups_used: Vec<Cow<'a, str>>,
    /// When the token ends, in seconds since 1970.
    pub token_exp: Option<u64>,
    /// Whom the request was for, where somebody else made it.
    #[serde(borrow)]
    pub on_behalf_of: Text<'a>,
    /// Who made it for them.
    #[serde(borrow)]
    pub via: Option<Via<'a>>,
}

/// Who made a request for somebody else.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Via<'a> {
    /// The directory.
    #[serde(borrow)]
    pub directory: Cow<'a, str>,
    /// The stable id.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// The OAuth client.
    #[serde(borrow)]
    pub client_id: Text<'a>,
}

/// Where a request came from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Source<'a> {
    /// The address; of folded records an IPv6 network, `2001:db8::/64`.
    #[serde(borrow)]
    pub ip: Text<'a>,
    /// The port.
    pub port: Option<u16>,
    /// The `User-Agent`.
    #[serde(borrow)]
    pub ua: Text<'a>,
    /// The version of TLS.
    #[serde(borrow)]
    pub tls: Text<'a>,
}

/// What was called.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Route<'a> {
    /// The method.
    #[serde(borrow)]
    pub method: Text<'a>,
    /// The path, without a query.
    #[serde(borrow)]
    pub path: Text<'a>,
    /// The API, as `openai.chat`.
    #[serde(borrow)]
    pub api: Text<'a>,
    /// OpenTelemetry's `gen_ai.operation.name`.
    #[serde(borrow)]
    pub op: Text<'a>,
}

/// What was decided.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// `allow`, `deny`, `modify` or `error`.
    #[serde(borrow)]
    pub result: Cow<'a, str>,
    /// A stable code.
    #[serde(borrow)]
    pub reason: Text<'a>,
    /// What the client was not told.
    #[serde(borrow)]
    pub detail: Text<'a>,
    /// The rule that decided.
    #[serde(borrow)]
    pub rule_ids: Vec<Cow<'a, str>>,
    /// The status the client saw.
    pub http_status: Option<u16>,
}

/// Which model was asked for, and which answered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model<'a> {
    /// As the caller spelled it.
    #[serde(borrow)]
    pub requested: Text<'a>,
    /// Its name at the upstream.
    #[serde(borrow)]
    pub routed: Text<'a>,
    /// In the upstream's words.
    #[serde(borrow)]
    pub response: Text<'a>,
    /// Who runs it: OpenTelemetry's `gen_ai.provider.name`.
    #[serde(borrow)]
    pub provider: Text<'a>,
    /// The upstream's name in the configuration.
    #[serde(borrow)]
    pub upstream: Text<'a>,
    /// The upstream's own id of the request.
    #[serde(borrow)]
    pub upstream_req_id: Text<'a>,
    /// How many upstreams were tried.
    pub attempts: Option<u32>,
    /// Each of them, if there were several.
    #[serde(borrow)]
    pub tried: Vec<Tried<'a>>,
    /// Whether a stream was asked for.
    pub stream: bool,
}

/// One of several attempts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Tried<'a> {
    /// The upstream's name in the configuration.
    #[serde(borrow)]
    pub upstream: Cow<'a, str>,
    /// The model's name there.
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    /// How it went, in one word.
    #[serde(borrow)]
    pub end: Cow<'a, str>,
    /// The status it was answered with, if it was.
    pub status: Option<u16>,
    /// Until it was answered, or given up on, in milliseconds.
    pub ms: f64,
}

/// What was used, in tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage<'a> {
    /// Read, cached ones among them.
    pub input_tokens: u64,
    /// Written, reasoning among them.
    pub output_tokens: u64,
    /// Read from a cache.
    pub cache_read_input_tokens: u64,
    /// Written to a cache.
    pub cache_write_input_tokens: u64,
    /// Written as reasoning.
    pub reasoning_output_tokens: u64,
    /// `upstream`, `estimated` or `none`.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// In millionths of a US dollar, by the prices in force; absent where the model has none.
    pub cost_microusd: Option<u64>,
}

/// A limit, and where the caller stood with it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Quota<'a> {
    /// The limit's id.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The limit.
    pub limit: u64,
    /// Used of it.
    pub used: u64,
    /// Reserved for this request.
    pub reserved: u64,
    /// Decided without the store.
    pub degraded: bool,
}

/// What was redacted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Redaction<'a> {
    /// What looked: name and version.
    #[serde(borrow)]
    pub engine: Text<'a>,
    /// By which rules.
    #[serde(borrow)]
    pub ruleset: Text<'a>,
    /// What is done with what is found: `off`, `detect`, `mask` or `block`.
    #[serde(borrow)]
    pub mode: Text<'a>,
    /// What was looked at: `in` (the request) or `both`.
    #[serde(borrow)]
    pub dir: Text<'a>,
    /// How many of each entity.
    #[serde(borrow)]
    pub counts: BTreeMap<Cow<'a, str>, u64>,
    /// Placeholders that became values again.
    pub restored: u64,
    /// Placeholders that stayed.
    pub withheld: u64,
    /// `full`, `partial` or `none`.
    #[serde(borrow)]
    pub coverage: Cow<'a, str>,
}

/// How long a request took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Timing {
    /// From the first byte of the request to the last of the answer.
    pub total_ms: f64,
    /// To the first byte of the answer.
    pub ttft_ms: Option<f64>,
    /// From when it was sent upstream to the last that came of the answer.
    pub upstream_ms: Option<f64>,
    /// Waited for the log.
    pub audit_wait_ms: Option<f64>,
}

/// How many events a record stands for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Fold<'a> {
    /// How many.
    pub n: u64,
    /// When the first of them was.
    #[serde(borrow)]
    pub first: Cow<'a, str>,
    /// When the last of them was.
    #[serde(borrow)]
    pub last: Cow<'a, str>,
}

/// The Merkle tree of a chain, signed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Checkpoint<'a> {
    /// How many records it has.
    pub size: u64,
    /// Its root, 64 hex digits.
    #[serde(borrow)]
    pub root: Cow<'a, str>,
    /// The same as a C2SP signed note.
    #[serde(borrow)]
    pub note: Cow<'a, str>,
}
