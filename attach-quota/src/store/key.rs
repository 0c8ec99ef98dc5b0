use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, LazyLock};

use crate::limit::{Limit, Scope};

/// Whose bucket under a limit a charge goes to.
///
/// Directories never share: the same id in two directories is two people.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bucket: Arc<str>,
    owner: Arc<Owner>,
    fingerprint: u128,
}

/// Who has a bucket under every limit of a scope.
#[derive(PartialEq, Eq)]
pub(crate) struct Owner {
    scope: Scope,
    directory: Option<Arc<str>>,
    id: Option<Arc<str>>,
    fingerprint: u128,
}

impl Owner {
    /// Takes the place of `last` unless it is the same, as it is for most of a caller's limits.
    pub(crate) fn after(
        last: &mut Option<Arc<Self>>,
        scope: &Scope,
        directory: Option<&Arc<str>>,
        id: Option<&Arc<str>>,
    ) -> Arc<Self> {
        let same = |known: &&mut Arc<Self>| {
            known.scope == *scope && known.directory.as_ref() == directory && known.id.as_ref() == id
        };
        if let Some(known) = last.as_mut().filter(same) {
            return Arc::clone(known);
        }
        let fingerprint = fingerprint_of(("owner", scope, directory, id));
        let (directory, id) = (directory.cloned(), id.cloned());
        let fresh = Arc::new(Self { scope: scope.clone(), directory, id, fingerprint });
        *last = Some(Arc::clone(&fresh));
        fresh
    }
}

impl Key {
    /// As hard to steer as either of its halves, both of which are keyed hashes of different things.
    pub(crate) fn new(limit: &Limit, owner: Arc<Owner>) -> Self {
        let fingerprint = limit.fingerprint() ^ owner.fingerprint;
        Self { bucket: Arc::clone(limit.bucket()), owner, fingerprint }
    }

    /// What the bucket is named after: the limit's id, or a name for limits that are alternatives to one another.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Whose bucket it is. [`Scope::User`] for a caller without a client or key under a limit for each of those.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.owner.scope
    }

    /// The directory, unless the bucket is everyone's or there is no identity.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.owner.directory.as_deref()
    }

    /// The user's stable id, the client's or key's id, the group's name, the claim's value, or what the service's
    /// function said; `None` where many share.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.owner.id.as_deref()
    }

    /// Stands for limit and key together, in this process only.
    ///
    /// A store in memory keeps 16 bytes for each key this way, and no names. Nobody outside can steer two keys to
    /// one fingerprint, because it is made of keyed hashes; that it happens by chance is as likely as guessing a
    /// 128-bit key.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }
}

/// Two keyed hashes, of a key that only this process knows.
pub(crate) fn fingerprint_of(what: impl Hash) -> u128 {
    let [first, second] = SEEDS.each_ref().map(|seed| u128::from(seed.hash_one(&what)));
    first << 64 | second
}

static SEEDS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

/// Names nobody.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}
