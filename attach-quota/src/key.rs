use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use attach_core::Identity;

use crate::{Limit, Scope};

/// Who is calling: what the keys under all limits are made from.
#[derive(Clone)]
pub(crate) struct Caller {
    directory: Option<Arc<str>>,
    id: Arc<str>,
    client: Option<Arc<str>>,
}

impl Caller {
    /// A caller of whom only the name is known that the service's own function gave.
    pub(crate) fn named(id: Arc<str>) -> Self {
        Self { directory: None, id, client: None }
    }
}

impl From<&Identity> for Caller {
    fn from(identity: &Identity) -> Self {
        Self {
            directory: Some(Arc::clone(&identity.directory)),
            id: Arc::clone(&identity.id),
            client: identity.client_id.clone(),
        }
    }
}

/// Whose bucket under a limit a charge goes to.
///
/// Directories never share: the same id in two directories is two people.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    scope: Scope,
    directory: Option<Arc<str>>,
    id: Option<Arc<str>>,
    fingerprint: u128,
}

impl Key {
    pub(crate) fn new(limit: &Limit, caller: &Caller) -> Self {
        let directory = || caller.directory.clone();
        let (scope, directory, id) = match (limit.scope(), &caller.client) {
            (Scope::Client, Some(client)) => (Scope::Client, directory(), Some(Arc::clone(client))),
            (Scope::User | Scope::Client, _) => (Scope::User, directory(), Some(Arc::clone(&caller.id))),
            (Scope::Directory, _) => (Scope::Directory, directory(), None),
            (Scope::Everyone, _) => (Scope::Everyone, None, None),
        };
        let whole = (limit.id(), limit.unit(), scope, &directory, &id);
        let fingerprint = SEEDS.each_ref().map(|seed| u128::from(seed.hash_one(whole)));
        Self { scope, directory, id, fingerprint: fingerprint[0] << 64 | fingerprint[1] }
    }

    /// Whose bucket it is. [`Scope::User`] for a caller without a client under a limit for each client.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The directory, unless the bucket is everyone's or there is no identity.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.directory.as_deref()
    }

    /// The user's stable id, the client's id, or what the service's function said; `None` where many share.
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
        f.debug_struct("Key").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rate;

    fn key(scope: Scope, identity: &Identity) -> Key {
        Key::new(&Limit::tokens("l", Rate::per_minute(1)).each(scope), &identity.into())
    }

    fn person(directory: &str, id: &str, client: Option<&str>) -> Identity {
        let mut identity = Identity::person(directory, id);
        identity.client_id = client.map(Into::into);
        identity
    }

    #[test]
    fn the_same_id_in_two_directories_is_two_people() {
        let (here, there) = (person("acme", "alice", None), person("partner", "alice", None));
        for scope in [Scope::User, Scope::Client, Scope::Directory] {
            assert_ne!(key(scope, &here).fingerprint(), key(scope, &there).fingerprint());
        }
        assert_eq!(key(Scope::Everyone, &here).fingerprint(), key(Scope::Everyone, &there).fingerprint());
    }

    #[test]
    fn a_scope_decides_who_shares() {
        let (alice, bob) = (person("acme", "alice", Some("app")), person("acme", "bob", Some("app")));
        assert_ne!(key(Scope::User, &alice), key(Scope::User, &bob));
        assert_eq!(key(Scope::Client, &alice), key(Scope::Client, &bob));
        assert_eq!(key(Scope::Directory, &alice), key(Scope::Directory, &bob));
    }

    #[test]
    fn a_caller_without_a_client_shares_with_no_client_of_that_name() {
        let (bare, app) = (person("acme", "app", None), person("acme", "alice", Some("app")));
        assert_ne!(key(Scope::Client, &bare).fingerprint(), key(Scope::Client, &app).fingerprint());
    }

    #[test]
    fn two_limits_do_not_share_a_bucket() {
        let caller = Caller::named("alice".into());
        let prints = [
            Limit::tokens("a", Rate::per_minute(1)),
            Limit::tokens("b", Rate::per_minute(1)),
            Limit::requests("a", Rate::per_minute(1)),
        ]
        .map(|limit| Key::new(&limit, &caller).fingerprint());
        assert!(prints[0] != prints[1] && prints[0] != prints[2] && prints[1] != prints[2]);
    }

    #[test]
    fn debug_names_nobody() {
        assert!(!format!("{:?}", key(Scope::User, &person("acme", "alice", None))).contains("alice"));
    }
}
