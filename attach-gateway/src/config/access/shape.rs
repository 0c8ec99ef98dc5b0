//! `[access]` as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::config::units::Span;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Access {
    pub(super) default: Option<String>,
    pub(super) shadow: bool,
    pub(super) header: bool,
    pub(super) allow: Vec<AccessRule>,
    pub(super) deny: Vec<AccessRule>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AccessRule {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) conditions: Conditions,
    pub(super) require: Option<Demands>,
    #[serde(default)]
    pub(super) allow_keys: bool,
    #[serde(default)]
    pub(super) shadow: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Conditions {
    pub(super) groups: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) apis: Vec<String>,
    pub(super) kind: Option<String>,
    pub(super) tools: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) client_ids: Vec<String>,
    pub(super) claims: BTreeMap<String, OneOrMany<Scalar>>,
    pub(super) networks: Vec<String>,
    pub(super) proof: OneOrMany<String>,
    pub(super) tiers: Vec<String>,
    pub(super) labels: Labels,
    pub(super) devices: Option<Devices>,
    pub(super) verbs: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Labels {
    pub(super) trusted: Option<bool>,
    pub(super) zero_retention: Option<bool>,
    pub(super) trains_on_data: Option<bool>,
    pub(super) region: OneOrMany<String>,
    pub(super) tier: OneOrMany<String>,
    pub(super) upstream: OneOrMany<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Demands {
    pub(super) acr: OneOrMany<String>,
    pub(super) amr: OneOrMany<String>,
    pub(super) auth_age: Option<Span>,
    #[serde(flatten)]
    pub(super) labels: Labels,
}

#[derive(Debug, Deserialize)]
pub(super) struct Devices {
    pub(super) claim: String,
    #[serde(default)]
    pub(super) values: OneOrMany<Scalar>,
    pub(super) exists: Option<bool>,
}

/// A list, or the one thing that would stand in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// A value of a claim, as JSON writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Flag(bool),
    Number(i64),
}

impl<T> OneOrMany<T> {
    pub(in crate::config) fn list(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}
