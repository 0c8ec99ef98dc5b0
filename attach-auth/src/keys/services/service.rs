use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::identity::Limits;

use crate::keys::Key;

/// A machine's identity that this gateway keeps: who answers for it, what it is for, what it may do. `Debug` names
/// nobody.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceIdentity {
    /// The directory it belongs to.
    pub directory: Arc<str>,
    /// Its name there. Calls, quotas and facts know it by the id `service:NAME`.
    pub name: Arc<str>,
    /// What it is for.
    pub purpose: Box<str>,
    /// Who answers for it.
    pub owners: Owners,
    /// The groups its rights are those of.
    pub groups: Vec<Box<str>>,
    /// The scopes it has.
    pub scopes: Vec<Box<str>>,
    /// The models and operations it may use; empty lists narrow nothing.
    pub limits: Limits,
    /// When it was created.
    pub created_at: SystemTime,
    /// The id of the administrator who did.
    pub created_by: Box<str>,
    /// When it stops working.
    pub expires_at: SystemTime,
    /// When one of its keys was last used, to about a minute.
    pub last_used_at: Option<SystemTime>,
    /// Whether it works.
    pub state: ServiceState,
    /// Its live keys: one, or two while they are being exchanged.
    pub keys: Vec<Key>,
}

/// Who answers for a service identity.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owners {
    /// Whoever is in this group of its directory.
    Group(Box<str>),
    /// These people of its directory, by their stable ids; two at least.
    People(Vec<Arc<str>>),
}

/// Whether a service identity works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceState {
    /// It works.
    Active,
    /// An administrator disabled it.
    Disabled,
    /// Nobody used it for too long.
    Idle,
    /// None of its owners is left.
    Ownerless,
    /// Its time is over.
    Expired,
}

impl ServiceState {
    /// `active`, `disabled`, `idle`, `ownerless` or `expired`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Idle => "idle",
            Self::Ownerless => "ownerless",
            Self::Expired => "expired",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        match name {
            "idle" => Self::Idle,
            "ownerless" => Self::Ownerless,
            _ => Self::Disabled,
        }
    }

    /// What the audit trail is told of a key that is refused for it.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::Disabled => Some("service_disabled"),
            Self::Idle => Some("service_idle"),
            Self::Ownerless => Some("service_ownerless"),
            Self::Expired => Some("service_expired"),
        }
    }
}

/// What a service identity is to be.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewService {
    /// The directory it is to belong to.
    pub directory: Arc<str>,
    /// Its name: 1 to 63 small letters, digits, `.`, `_` and `-`, the first a letter or digit.
    pub name: Box<str>,
    /// What it is for: 1 to 500 characters.
    pub purpose: Box<str>,
    /// Who is to answer for it.
    pub owners: Owners,
    /// How long it is to live.
    pub expires_in: Duration,
    /// The groups its rights are to be those of.
    pub groups: Vec<Box<str>>,
    /// The scopes it is to have.
    pub scopes: Vec<Box<str>>,
    /// The models and operations it is to be limited to.
    pub limits: Limits,
}

impl NewService {
    /// The service `name` of `directory`, without any right yet.
    #[must_use]
    pub fn new(directory: &str, name: &str, purpose: &str, owners: Owners, expires_in: Duration) -> Self {
        Self {
            directory: directory.into(),
            name: name.into(),
            purpose: purpose.into(),
            owners,
            expires_in,
            groups: Vec::new(),
            scopes: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// With the rights of these groups of its directory.
    #[must_use]
    pub fn groups<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// With these scopes.
    #[must_use]
    pub fn scopes<G: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = G>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Only for these models and operations.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl fmt::Debug for ServiceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceIdentity")
            .field("directory", &self.directory)
            .field("name", &self.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group(_) => "Group",
            Self::People(_) => "People",
        })
    }
}

impl fmt::Debug for NewService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewService").field("directory", &self.directory).finish_non_exhaustive()
    }
}
