use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use crate::limit::{Limit, Scope};

/// Whose bucket under a limit a charge goes to.
///
/// Directories never share: the same id in two directories is two people.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bucket: Arc<str>,
    scope: Scope,
    directory: Option<Arc<str>>,
    id: Option<Arc<str>>,
    fingerprint: u128,
}

impl Key {
    pub(crate) fn new(
        limit: &Limit,
        scope: Scope,
        directory: Option<Arc<str>>,
        id: Option<Arc<str>>,
    ) -> Self {
        let bucket = Arc::clone(limit.bucket());
        let whole = (&bucket, limit.unit(), &scope, &directory, &id);
        let fingerprint = SEEDS.each_ref().map(|seed| u128::from(seed.hash_one(whole)));
        Self { bucket, scope, directory, id, fingerprint: fingerprint[0] << 64 | fingerprint[1] }
    }

    /// What the bucket is named after: the limit's id, or a name for limits that are alternatives to one another.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Whose bucket it is. [`Scope::User`] for a caller without a client or key under a limit for each of those.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The directory, unless the bucket is everyone's or there is no identity.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.directory.as_deref()
    }

    /// The user's stable id, the client's or key's id, the group's name, the claim's value, or what the service's
    /// function said; `None` where many share.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Stands for limit and key together, in this process only.
    ///
    /// A store in memory keeps 16 bytes for each key this way, and no names. Nobody outside can steer two keys to
    /// one fingerprint, because both halves are keyed hashes; that it happens by chance is as likely as guessing a
    /// 128-bit key.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }
}

static SEEDS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

/// Names nobody.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}
