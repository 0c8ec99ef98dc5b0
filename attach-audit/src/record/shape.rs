//! The record's members in the order they are written. This is the schema's order; `docs/audit-record.schema.json`
//! is its public description and the tests hold the two together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::digest::Digest;
use super::value::{Address, Bytes, Id, Pairs, Text, uuid_text};
use crate::Mode;
use crate::chain::Hash;

/// Everything of a record that is not the chain's: from `kind` to `mode`.
#[derive(Serialize)]
pub(crate) struct Members<'a> {
    pub(crate) kind: &'static str,
    pub(crate) req_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) intent_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_req_id: Option<&'a str>,
    pub(crate) actor: Actor<'a>,
    pub(crate) src: Src<'a>,
    pub(crate) route: Route<'a>,
    pub(crate) decision: Decision<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quota: Option<Quota<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redaction: Option<Redaction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<&'a Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timing: Option<Timing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fold: Option<Fold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) custom: Option<Pairs<'a, &'static str, Box<str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segment: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<&'a After>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<&'a [OpenIntent]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tree: Option<&'a [Hash]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protections_off: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<&'a Checkpoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<Mode>,
}

impl<'a> Members<'a> {
    /// A record of the log itself: nobody asked for anything.
    pub(crate) fn system(kind: &'static str, id: Uuid) -> Self {
        Self {
            kind,
            req_id: Id::Uuid(id),
            intent_id: None,
            trace_id: None,
            client_req_id: None,
            actor: Actor { kind: "system", ..Actor::default() },
            src: Src::default(),
            route: Route::default(),
            decision: Decision { result: "allow", ..Decision::default() },
            model: None,
            usage: None,
            quota: None,
            redaction: None,
            content: None,
            timing: None,
            end: None,
            fold: None,
            custom: None,
            segment: None,
            after: None,
            open: None,
            tree: None,
            protections_off: None,
            checkpoint: None,
            mode: None,
        }
    }
}

#[derive(Serialize, Default)]
pub(crate) struct Actor<'a> {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) directory: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) iss: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jti: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<Text<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) amr: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) groups_used: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_exp: Option<u64>,
    /// Whom the request is for, where somebody else made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_behalf_of: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<Via<'a>>,
}

#[derive(Serialize, Default)]
pub(crate) struct Src<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ua: Option<Bytes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_cert_s256: Option<Hash>,
}

/// Who made a request for somebody else.
#[derive(Serialize)]
pub(crate) struct Via<'a> {
    pub(crate) directory: Text<'a>,
    pub(crate) uid: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jti: Option<Text<'a>>,
    pub(crate) proof: &'static str,
}

#[derive(Serialize, Default)]
pub(crate) struct Route<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) op: Option<&'static str>,
}

#[derive(Serialize, Default)]
pub(crate) struct Decision<'a> {
    pub(crate) result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule_ids: Option<[Text<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
}

#[derive(Serialize)]
pub(crate) struct Model<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) routed: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_req_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tried: Vec<Tried<'a>>,
    pub(crate) stream: bool,
}

/// One of several attempts.
#[derive(Serialize)]
pub(crate) struct Tried<'a> {
    pub(crate) upstream: Text<'a>,
    pub(crate) model: Text<'a>,
    pub(crate) end: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    pub(crate) ms: f64,
}

#[derive(Serialize)]
pub(crate) struct Usage {
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cache_read_input_tokens: u64,
    pub(crate) cache_write_input_tokens: u64,
    pub(crate) reasoning_output_tokens: u64,
    pub(crate) source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_microusd: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Quota<'a> {
    pub(crate) key: Text<'a>,
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) degraded: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shadow: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) charged: Vec<Charged<'a>>,
}

#[derive(Serialize)]
pub(crate) struct Charged<'a> {
    pub(crate) limit: Text<'a>,
    pub(crate) bucket: Id,
    pub(crate) until: u64,
    pub(crate) amount: u64,
}

#[derive(Serialize)]
pub(crate) struct Redaction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ruleset: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<&'static str>,
    pub(crate) counts: Pairs<'a, Box<str>, u32>,
    pub(crate) dir: &'static str,
    pub(crate) restored: u32,
    pub(crate) withheld: u32,
    pub(crate) coverage: &'static str,
}

/// What was said: digests of it, and where it is kept.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) out_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_hmac: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) out_hmac: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_orig_hmac: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) withheld: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) truncated: Option<&'static str>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Hash>,
}

#[derive(Serialize)]
pub(crate) struct Timing {
    pub(crate) total_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttft_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit_wait_ms: Option<f64>,
}

/// How many events one record stands for, and when the first and the last of them were.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Fold {
    pub(crate) n: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// What a segment continues: the record it follows, and whether bytes after that record do not count.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) chain: Box<str>,
    pub(crate) segment: u64,
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    /// Bytes behind that record which were never acknowledged: a torn write, or a segment given up on.
    pub(crate) disowned: u64,
}

/// The chain's Merkle tree over the records before this one, signed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint<'a> {
    /// How many records that are; the number of this one.
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// The same as a C2SP checkpoint, with its signature.
    #[serde(borrow)]
    pub(crate) note: Cow<'a, str>,
}

/// An intent that has no outcome yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenIntent {
    #[serde(with = "uuid_text")]
    pub(crate) intent_id: Uuid,
    #[serde(with = "uuid_text")]
    pub(crate) req_id: Uuid,
}
