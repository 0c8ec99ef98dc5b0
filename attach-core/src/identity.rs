//! Who is calling: a person or a machine, as an identity provider vouched for them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::json::Document;

mod claim_path;

pub use self::claim_path::{ClaimPath, ClaimPathError, claim_texts};

/// A verified caller.
///
/// The pair ([`directory`](Self::directory), [`id`](Self::id)) is the key of everything that is counted,
/// revoked or audited. An e-mail address never is: it is reassigned, and providers let people choose it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Identity {
    /// The organisation: all its issuers taken together.
    pub directory: Arc<str>,
    /// The `iss` that vouched for the caller, byte for byte.
    pub issuer: Arc<str>,
    /// The `sub` claim.
    pub subject: Arc<str>,
    /// The stable id: `uid`, else `oid`, else `sub`.
    pub id: Arc<str>,
    /// A person, or a machine acting for itself.
    pub kind: Kind,
    /// Display name, for people's eyes only.
    pub name: Option<Arc<str>>,
    /// E-mail address, for people's eyes only.
    pub email: Option<Arc<str>>,
    /// The name a directory knows the caller by (`preferred_username`, `upn`): it may be given to somebody else.
    pub user_name: Option<Arc<str>>,
    /// Groups, each in its directory.
    pub groups: BTreeSet<Group>,
    /// OAuth scopes granted to the token (`scope` or `scp`).
    pub scopes: BTreeSet<Box<str>>,
    /// The OAuth client the token was issued to (`client_id`, `azp` or `cid`).
    pub client_id: Option<Arc<str>>,
    /// The provider's session (`sid`).
    pub session_id: Option<Arc<str>>,
    /// The token's own id (`jti`).
    pub token_id: Option<Arc<str>>,
    /// How strongly the caller authenticated.
    pub assurance: Assurance,
    /// What the caller showed.
    pub proof: Proof,
    /// The gateway key that was shown, if one was: its id, not its secret.
    pub key_id: Option<Arc<str>>,
    /// What the proof is good for, whatever its owner may do besides; everything if absent.
    pub limits: Option<Arc<Limits>>,
    /// Groups the caller is in, but by which what was shown gives no right: they count for rules that deny.
    pub withheld: Option<Arc<BTreeSet<Group>>>,
    /// The client that speaks for the caller, if one does.
    pub actor: Option<Arc<Self>>,
    /// When the proof was issued.
    pub issued_at: Option<SystemTime>,
    /// When the proof stops being valid.
    pub expires_at: Option<SystemTime>,
    /// The claims as received.
    pub claims: Option<Arc<Document>>,
}

impl Identity {
    /// A person known by `subject` in `directory`; every other fact is absent until set.
    #[must_use]
    pub fn person(directory: impl Into<Arc<str>>, subject: impl Into<Arc<str>>) -> Self {
        Self::new(directory.into(), subject.into(), Kind::Person)
    }

    /// A machine known by `subject` in `directory`; every other fact is absent until set.
    #[must_use]
    pub fn service(directory: impl Into<Arc<str>>, subject: impl Into<Arc<str>>) -> Self {
        Self::new(directory.into(), subject.into(), Kind::Service)
    }

    fn new(directory: Arc<str>, subject: Arc<str>, kind: Kind) -> Self {
        Self {
            issuer: Arc::clone(&directory),
            directory,
            id: Arc::clone(&subject),
            subject,
            kind,
            name: None,
            email: None,
            user_name: None,
            groups: BTreeSet::new(),
            scopes: BTreeSet::new(),
            client_id: None,
            session_id: None,
            token_id: None,
            assurance: Assurance::default(),
            proof: Proof::Token,
            key_id: None,
            withheld: None,
            limits: None,
            actor: None,
            issued_at: None,
            expires_at: None,
            claims: None,
        }
    }

    /// Whether the caller is in `name` of the caller's own directory.
    #[must_use]
    pub fn is_member(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.directory == self.directory && *group.name == *name)
    }
}

/// Names no person: who is calling is written to the audit trail, not to a debug log.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("directory", &self.directory)
            .field("kind", &self.kind)
            .field("groups", &self.groups.len())
            .field("scopes", &self.scopes.len())
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

/// What a key was narrowed to when it was minted. An empty list narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Patterns for the names of the models it may be used with; `*` stands for any characters.
    pub models: Vec<Box<str>>,
    /// Names of the operations it may be used for, as in [`Api::as_str`](crate::Api::as_str).
    pub apis: Vec<Box<str>>,
}

impl Limits {
    /// These models and these operations, and nothing else.
    #[must_use]
    pub fn new(models: Vec<Box<str>>, apis: Vec<Box<str>>) -> Self {
        Self { models, apis }
    }
}

/// A person, or a machine acting for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A human being signed in.
    Person,
    /// A machine identity: the client credentials grant, a workload.
    Service,
}

impl Kind {
    /// `person` or `service`, as policy rules spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

/// A group of a directory. Two directories may use one name for different people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The directory the group belongs to.
    pub directory: Arc<str>,
    /// The group's name or id in that directory.
    pub name: Box<str>,
}

impl Group {
    /// The group `name` of `directory`.
    #[must_use]
    pub fn new(directory: impl Into<Arc<str>>, name: impl Into<Box<str>>) -> Self {
        Self { directory: directory.into(), name: name.into() }
    }
}

/// How strongly and how recently the caller authenticated (OpenID Connect Core §2, RFC 9470).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assurance {
    /// Authentication context class reference.
    pub acr: Option<Box<str>>,
    /// Authentication methods, for example `mfa`, `hwk` (RFC 8176).
    pub amr: Vec<Box<str>>,
    /// When the caller last authenticated.
    pub auth_time: Option<SystemTime>,
}

/// What the caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// A token of the identity provider.
    Token,
    /// A key this gateway minted for somebody.
    Key,
    /// A trusted client's word about its own signed-in user.
    Delegated,
    /// A client certificate that TLS verified.
    Certificate,
    /// The account of the operating system at the other end of a socket in the file system.
    Account,
}

impl Proof {
    /// `token`, `key`, `delegated`, `certificate` or `account`, as policy rules and the audit log spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Key => "key",
            Self::Delegated => "delegated",
            Self::Certificate => "certificate",
            Self::Account => "account",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_nobody() {
        let mut alice = Identity::person("acme", "00u-alice");
        alice.email = Some("alice@example.test".into());
        alice.name = Some("Alice Example".into());
        alice.groups.insert(Group::new("acme", "secret-project"));
        let shown = format!("{alice:?}");
        for hidden in ["alice", "Alice", "secret-project"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    #[test]
    fn a_group_of_another_directory_is_not_membership() {
        let mut alice = Identity::person("acme", "alice");
        alice.groups.insert(Group::new("partner", "admins"));
        assert!(!alice.is_member("admins"));
        alice.groups.insert(Group::new("acme", "admins"));
        assert!(alice.is_member("admins"));
    }
}
