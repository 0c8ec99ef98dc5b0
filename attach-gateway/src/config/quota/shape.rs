//! `[[quota]]` as it is written.

use serde::Deserialize;
use toml::Value;

use crate::config::access::OneOrMany;

/// One limit. What can be written in more than one type is read later, where an error can name the limit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Quota {
    pub(in crate::config) id: String,
    pub(in crate::config) each: Option<String>,
    pub(super) shared: bool,
    pub(super) fair: bool,
    pub(super) groups: OneOrMany<String>,
    pub(super) users: OneOrMany<String>,
    pub(super) client_ids: OneOrMany<String>,
    pub(super) kind: Option<String>,
    pub(super) models: OneOrMany<String>,
    pub(super) apis: OneOrMany<String>,
    pub(super) upstreams: OneOrMany<String>,
    pub(in crate::config) tokens: Option<Value>,
    pub(super) input_tokens: Option<Value>,
    pub(super) output_tokens: Option<Value>,
    pub(super) requests: Option<Value>,
    pub(super) usd: Option<Value>,
    pub(super) concurrent: Option<Value>,
    pub(super) burst: Option<Value>,
    pub(super) weights: Option<Weights>,
    pub(super) timezone: Option<String>,
    pub(super) action: Option<String>,
    pub(super) when_store_down: Option<String>,
    pub(super) unpriced: Option<String>,
    #[serde(rename = "override")]
    pub(super) overrides: Vec<Override>,
}

/// What tokens of each kind count.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Weights {
    pub(super) input: Option<Value>,
    pub(super) output: Option<Value>,
    pub(super) cached_input: Option<Value>,
}

/// An exception from the limit that it stands below.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Override {
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) amount: Option<Value>,
    pub(super) until: Option<Value>,
}
