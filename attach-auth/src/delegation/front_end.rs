use std::fmt;
use std::sync::Arc;

use attach_core::Identity;
use attach_core::identity::{Kind, Proof};

use super::SigningKey;
use crate::policy::Glob;

/// A program that may speak for people, and how far.
#[derive(Debug, Clone)]
#[must_use]
pub struct FrontEnd {
    pub(super) name: Arc<str>,
    pub(super) directory: Arc<str>,
    pub(super) machine: Machine,
    pub(super) directories: Vec<Arc<str>>,
    pub(super) tokens: bool,
    pub(super) keys: Vec<SigningKey>,
    groups: Vec<Glob>,
    pub(super) members_of: Vec<Box<str>>,
    pub(super) required: bool,
}

/// What a front end is known by once it has authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Machine {
    Client(Box<str>),
    Service(Box<str>),
}

impl FrontEnd {
    /// The front end `name`: the OAuth client `client_id` of `directory`, when it shows a token of its own (the client
    /// credentials grant). The tokens that people get through the same client are theirs, and make nobody a front end.
    pub fn client(name: impl Into<Arc<str>>, directory: impl Into<Arc<str>>, client_id: &str) -> Self {
        Self::new(name.into(), directory.into(), Machine::Client(client_id.into()))
    }

    /// The front end `name`: the machine with the stable id `id` of `directory`.
    pub fn service(name: impl Into<Arc<str>>, directory: impl Into<Arc<str>>, id: &str) -> Self {
        Self::new(name.into(), directory.into(), Machine::Service(id.into()))
    }

    fn new(name: Arc<str>, directory: Arc<str>, machine: Machine) -> Self {
        Self {
            name,
            directories: vec![Arc::clone(&directory)],
            directory,
            machine,
            tokens: false,
            keys: Vec::new(),
            groups: Vec::new(),
            members_of: Vec::new(),
            required: false,
        }
    }

    /// May pass people's own access tokens.
    pub fn tokens(mut self) -> Self {
        self.tokens = true;
        self
    }

    /// May say who somebody is in headers signed by `key`. Called twice, both keys are good, so that one can replace the
    /// other.
    pub fn key(mut self, key: SigningKey) -> Self {
        self.keys.push(key);
        self
    }

    /// The directories whose people it may speak for; its own unless set.
    pub fn directories<D: Into<Arc<str>>>(mut self, directories: impl IntoIterator<Item = D>) -> Self {
        self.directories = directories.into_iter().map(Into::into).collect();
        self
    }

    /// The groups it may say in signed headers that somebody is in, `*` standing for any text; none unless set. The
    /// groups in a person's own token are the provider's word, and stand as they are.
    pub fn groups<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups = groups.into_iter().map(Glob::new).collect();
        self
    }

    /// Groups of which somebody it speaks for by signed headers has to be in one; anybody unless set.
    pub fn members_of<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.members_of = groups.into_iter().map(Into::into).collect();
        self
    }

    /// Never acts for itself: a call that speaks for nobody is refused.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The name, for logs and the audit trail.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether `identity` is this front end.
    pub(super) fn is(&self, identity: &Identity) -> bool {
        // People's tokens name the client that asked for them, too.
        identity.kind == Kind::Service
            && identity.proof != Proof::Delegated
            && identity.directory == self.directory
            && match &self.machine {
                Machine::Client(client) => identity.client_id.as_deref() == Some(&**client),
                Machine::Service(id) => *identity.id == **id,
            }
    }

    pub(super) fn speaks_for(&self, directory: &str) -> bool {
        self.directories.iter().any(|known| **known == *directory)
    }

    pub(super) fn may_assert(&self, group: &str) -> bool {
        self.groups.iter().any(|glob| glob.matches(group, false))
    }
}

impl fmt::Display for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, machine) = match &self.machine {
            Machine::Client(client) => ("client", client),
            Machine::Service(id) => ("service", id),
        };
        write!(f, "{}: {what} {machine} of {}", self.name, self.directory)?;
        write!(f, ", for people of {}", self.directories.join(", "))?;
        if self.tokens {
            f.write_str(", by their tokens")?;
        }
        for key in &self.keys {
            write!(f, ", signed by {} ({})", key.id(), key.algorithm())?;
        }
        let groups: Vec<&str> = self.groups.iter().map(Glob::as_str).collect();
        for (what, list) in
            [("may say groups", groups.join(", ")), ("members of", self.members_of.join(", "))]
        {
            if !list.is_empty() {
                write!(f, ", {what} {list}")?;
            }
        }
        f.write_str(if self.required { ", never for itself" } else { "" })
    }
}
