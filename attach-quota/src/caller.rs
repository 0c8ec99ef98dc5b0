use std::borrow::Cow;
use std::sync::Arc;

use attach_core::Identity;
use attach_core::json::{Kind, Value};

use crate::limit::{Limit, Scope};
use crate::store::Key;

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

    /// The buckets of `limit` that the caller draws from: none if the limit is not for them, and more than one only
    /// where each group has its own.
    pub(crate) fn keys(&self, limit: &Limit) -> Vec<Key> {
        match self {
            Self::Named(name) if limit.who().is_everybody() => vec![named(limit, name)],
            Self::Named(_) => Vec::new(),
            Self::Known(identity) => keys(limit, identity),
        }
    }
}

fn named(limit: &Limit, name: &Arc<str>) -> Key {
    match limit.scope() {
        Scope::Directory | Scope::Everyone => Key::new(limit, limit.scope().clone(), None, None),
        _ => Key::new(limit, Scope::User, None, Some(Arc::clone(name))),
    }
}

/// The buckets of `limit` that somebody draws from.
pub(crate) fn keys(limit: &Limit, identity: &Identity) -> Vec<Key> {
    let who = limit.who();
    if !who.include(identity) || (!who.groups.is_empty() && who.groups_of(identity).next().is_none()) {
        return Vec::new();
    }
    let key = |scope: Scope, id: Option<Arc<str>>| {
        Key::new(limit, scope, Some(Arc::clone(&identity.directory)), id)
    };
    let user = || Some(Arc::clone(&identity.id));
    let one = match limit.scope() {
        Scope::Client if identity.client_id.is_some() => key(Scope::Client, identity.client_id.clone()),
        Scope::Key if identity.key_id.is_some() => key(Scope::Key, identity.key_id.clone()),
        Scope::User | Scope::Client | Scope::Key => key(Scope::User, user()),
        Scope::GroupMember => key(Scope::GroupMember, user()),
        Scope::Claim(path) => {
            let value = identity.claims.as_ref().and_then(|claims| path.find(claims.root()));
            key(limit.scope().clone(), value.and_then(text).map(Into::into))
        }
        Scope::Directory => key(Scope::Directory, None),
        Scope::Everyone => Key::new(limit, Scope::Everyone, None, None),
        Scope::Group => {
            let group = |name: &str, directory: &Arc<str>| {
                Key::new(limit, Scope::Group, Some(Arc::clone(directory)), Some(name.into()))
            };
            return who.groups_of(identity).map(|one| group(&one.name, &one.directory)).collect();
        }
    };
    vec![one]
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
