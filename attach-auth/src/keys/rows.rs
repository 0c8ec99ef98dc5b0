//! What of keys, owners and service identities is stored, and under which names.

use std::sync::Arc;

use attach_core::identity::{Assurance, Kind, Limits};
use serde::{Deserialize, Serialize};

use super::secret::Hash;
use super::time::{moment, seconds};
use crate::state::{Row, Table};

/// For how many seconds something that is over is kept, to be told from what never was.
pub(super) const KEEP: u64 = 30 * 24 * 60 * 60;

/// A key: `key/{tag}/{slot}`. An owner's keys have numbered places, so that two nodes cannot give one too many.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeyRow {
    pub(super) id: Box<str>,
    pub(super) hash: String,
    pub(super) prefix: Box<str>,
    pub(super) name: Box<str>,
    pub(super) directory: Arc<str>,
    /// The owner's id, or the name of a service identity.
    pub(super) owner: Arc<str>,
    #[serde(default)]
    pub(super) service: bool,
    pub(super) created: u64,
    pub(super) expires: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<u64>,
    #[serde(flatten)]
    pub(super) grant: Grant,
}

/// What a key carries of its owner's rights.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Grant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<Vec<Box<str>>>,
    #[serde(default)]
    pub(super) scopes: Vec<Box<str>>,
    #[serde(default)]
    pub(super) models: Vec<Box<str>>,
    #[serde(default)]
    pub(super) apis: Vec<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) acr: Option<Box<str>>,
    #[serde(default)]
    pub(super) amr: Vec<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<u64>,
}

impl Grant {
    pub(super) fn limits(&self) -> Limits {
        Limits::new(self.models.clone(), self.apis.clone())
    }

    pub(super) fn assurance(&self) -> Assurance {
        let mut assurance = Assurance::default();
        assurance.acr.clone_from(&self.acr);
        assurance.amr.clone_from(&self.amr);
        assurance.auth_time = self.auth_time.map(moment);
        assurance
    }

    pub(super) fn set_assurance(&mut self, assurance: &Assurance) {
        self.acr.clone_from(&assurance.acr);
        self.amr.clone_from(&assurance.amr);
        self.auth_time = assurance.auth_time.map(seconds);
    }
}

/// The owner of keys as a directory last described them: `owner/{tag}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwnerRow {
    pub(super) directory: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) issuer: Arc<str>,
    pub(super) subject: Arc<str>,
    #[serde(default)]
    pub(super) machine: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_name: Option<Arc<str>>,
    /// Groups of the owner's own directory: one of another would mean nothing.
    pub(super) groups: Vec<Box<str>>,
    /// When the token was issued that said so.
    pub(super) as_of: u64,
    pub(super) confirmed: u64,
}

impl OwnerRow {
    pub(super) fn kind(&self) -> Kind {
        if self.machine { Kind::Service } else { Kind::Person }
    }
}

/// A service identity: `service/{tag}`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ServiceRow {
    pub(super) directory: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) purpose: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<Box<str>>,
    #[serde(default)]
    pub(super) people: Vec<Arc<str>>,
    pub(super) created: u64,
    pub(super) created_by: Box<str>,
    pub(super) expires: u64,
    /// Since when it counts as idle if nobody uses it.
    pub(super) since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled: Option<Box<str>>,
    #[serde(flatten)]
    pub(super) grant: Grant,
}

/// When something was last used: `used/{id}`.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct UsedRow {
    pub(super) at: u64,
}

/// The place of the owner or service in the names of rows: of one length, and nobody's name can be read off it.
pub(super) fn tag(kind: &str, directory: &str, id: &str) -> String {
    let text = format!("{kind}\n{}\n{directory}\n{id}", directory.len());
    let mut tag = Hash::of(text.as_bytes()).to_hex();
    tag.truncate(32);
    tag
}

pub(super) fn owner_tag(directory: &str, id: &str) -> String {
    tag("owner", directory, id)
}

pub(super) fn service_tag(directory: &str, name: &str) -> String {
    tag("service", directory, name)
}

impl KeyRow {
    pub(super) fn tag(&self) -> String {
        tag(if self.service { "service" } else { "owner" }, &self.directory, &self.owner)
    }

    pub(super) fn to_row(&self, key: impl Into<Arc<str>>) -> Row {
        row(key, self, self.expires)
    }
}

/// A row that is gone a while after `until`. What is stored are structs of strings and numbers, which cannot fail to
/// become JSON.
pub(super) fn row(key: impl Into<Arc<str>>, value: &impl Serialize, until: u64) -> Row {
    let value = serde_json::to_vec(value).unwrap_or_default();
    Row::new(Table::KEYS, key, value).until(until.saturating_add(KEEP))
}
