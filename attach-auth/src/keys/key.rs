use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::identity::{Assurance, Kind, Limits};

/// A gateway key, as it may be shown: everything but its secret. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Key {
    /// Public, unique.
    pub id: Box<str>,
    /// How the secret begins, for people to tell their keys apart.
    pub prefix: Box<str>,
    /// What its owner calls it.
    pub name: Box<str>,
    /// Whose it is.
    pub owner: Owner,
    /// When it was minted.
    pub created_at: SystemTime,
    /// When it stops working.
    pub expires_at: SystemTime,
    /// When it was revoked, if it was.
    pub revoked_at: Option<SystemTime>,
    /// The groups it was narrowed to; `None` for all that its owner has at the time.
    pub groups: Option<Vec<Box<str>>>,
    /// The scopes it carries.
    pub scopes: Vec<Box<str>>,
    /// The models and operations it was narrowed to.
    pub limits: Limits,
    /// How strongly its owner had authenticated when it was minted.
    pub assurance: Assurance,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<SystemTime>,
    /// When its owner was last seen with a token of the identity provider, to about a minute.
    pub last_confirmed_at: Option<SystemTime>,
}

impl Key {
    /// Whether it is neither revoked nor expired at `now`.
    #[must_use]
    pub fn is_live(&self, now: SystemTime) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Whose a key is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The owner's directory.
    pub directory: Arc<str>,
    /// The owner's stable id there.
    pub id: Arc<str>,
    /// The issuer that vouched for the owner.
    pub issuer: Arc<str>,
    /// The owner's `sub`.
    pub subject: Arc<str>,
    /// A person or a machine.
    pub kind: Kind,
    /// For people's eyes.
    pub name: Option<Arc<str>>,
}

/// What a key is to be.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewKey {
    /// What its owner calls it: 1 to 100 characters.
    pub name: Box<str>,
    /// How long it is to live.
    pub expires_in: Duration,
    /// Some of the owner's groups; `None` for all that the owner has at the time of each call.
    pub groups: Option<Vec<Box<str>>>,
    /// Some of the minting token's scopes; `None` for all of them.
    pub scopes: Option<Vec<Box<str>>>,
    /// Patterns for models, and names of operations; none for all.
    pub limits: Limits,
}

impl NewKey {
    /// A key called `name` with all of its owner's rights for as long as `expires_in`.
    #[must_use]
    pub fn new(name: &str, expires_in: Duration) -> Self {
        Self { name: name.into(), expires_in, groups: None, scopes: None, limits: Limits::default() }
    }

    /// Only with these of the owner's groups.
    #[must_use]
    pub fn groups<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = Some(groups.into_iter().map(Into::into).collect());
        self
    }

    /// Only with these of the minting token's scopes.
    #[must_use]
    pub fn scopes<G: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = G>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Only for these models and operations.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner")
            .field("directory", &self.directory)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
