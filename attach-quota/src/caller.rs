use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::Arc;

use attach_core::Identity;
use attach_core::identity::Group;
use attach_core::json::{Kind, Value};

use crate::limit::{Limit, Scope};
use crate::store::{Key, Owner, fingerprint_of};

/// Who is calling: what the keys under all limits are made from.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Somebody a layer further out has verified.
    Known(Arc<Identity>),
    /// Somebody of whom only the name is known that the service's own function gave.
    Named(Arc<str>),
}

impl Caller {
    pub(crate) fn identity(&self) -> Option<&Arc<Identity>> {
        match self {
            Self::Known(identity) => Some(identity),
            Self::Named(_) => None,
        }
    }

    /// Stands for the user, whatever client or key they come with, in this process only.
    pub(crate) fn fingerprint(&self) -> NonZeroU64 {
        let whole = match self {
            Self::Known(identity) => fingerprint_of(("drawer", &identity.directory, &identity.id)),
            Self::Named(name) => fingerprint_of(("drawer", name)),
        };
        NonZeroU64::new(whole as u64).unwrap_or(NonZeroU64::MIN)
    }

    /// The buckets of `limit` that the caller draws from: none if the limit is not for them, and more than one only
    /// where each group has its own.
    pub(crate) fn keys(&self, limit: &Limit) -> Vec<Key> {
        self.keys_after(&mut None, limit).collect()
    }

    /// The same, for one limit after the other.
    pub(crate) fn keys_after(
        &self,
        last: &mut Option<Arc<Owner>>,
        limit: &Limit,
    ) -> impl Iterator<Item = Key> + use<> {
        let (one, more) = match self {
            Self::Named(name) if limit.who().is_everybody() => (Some(named(last, limit, name)), Vec::new()),
            Self::Named(_) => (None, Vec::new()),
            Self::Known(identity) if !is_for(limit, identity) => (None, Vec::new()),
            Self::Known(identity) if *limit.scope() == Scope::Group => (None, groups(last, limit, identity)),
            Self::Known(identity) => (Some(known(last, limit, identity)), Vec::new()),
        };
        one.into_iter().chain(more)
    }
}

type Last = Option<Arc<Owner>>;

fn named(last: &mut Last, limit: &Limit, name: &Arc<str>) -> Key {
    let owner = match limit.scope() {
        Scope::Directory | Scope::Everyone => Owner::after(last, limit.scope(), None, None),
        _ => Owner::after(last, &Scope::User, None, Some(name)),
    };
    Key::new(limit, owner)
}

fn is_for(limit: &Limit, identity: &Identity) -> bool {
    let who = limit.who();
    who.include(identity) && (who.groups.is_empty() || who.groups_of(identity).next().is_some())
}

fn groups(last: &mut Last, limit: &Limit, identity: &Identity) -> Vec<Key> {
    let key = |group: &Group| {
        let name = Arc::from(&*group.name);
        Key::new(limit, Owner::after(last, &Scope::Group, Some(&group.directory), Some(&name)))
    };
    limit.who().groups_of(identity).map(key).collect()
}

fn known(last: &mut Last, limit: &Limit, identity: &Identity) -> Key {
    let scope = limit.scope();
    let mut key = |scope: &Scope, directory: Option<&Arc<str>>, id: Option<&Arc<str>>| {
        Key::new(limit, Owner::after(last, scope, directory, id))
    };
    let directory = Some(&identity.directory);
    match scope {
        Scope::Client if identity.client_id.is_some() => key(scope, directory, identity.client_id.as_ref()),
        Scope::Key if identity.key_id.is_some() => key(scope, directory, identity.key_id.as_ref()),
        Scope::GroupMember => key(scope, directory, Some(&identity.id)),
        Scope::Claim(path) => {
            let value = identity.claims.as_ref().and_then(|claims| path.find(claims.root()));
            let value = value.and_then(text).map(Arc::from);
            key(scope, directory, value.as_ref())
        }
        Scope::Directory => key(scope, directory, None),
        Scope::Everyone => key(scope, None, None),
        _ => key(&Scope::User, directory, Some(&identity.id)),
    }
}

/// A value that can name somebody's bucket: one string, number or boolean, as it is written.
fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.as_str().filter(|text| !text.is_empty()),
        Kind::Null | Kind::Object => None,
        Kind::Array => value.elements().next().and_then(text),
        _ => std::str::from_utf8(value.raw()).ok().map(Cow::Borrowed),
    }
}

#[cfg(test)]
mod tests;
