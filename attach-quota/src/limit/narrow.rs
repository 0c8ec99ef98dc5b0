//! Whom and what a limit is for.

use std::sync::Arc;

use attach_core::Api;
use attach_core::call::ModelGlob;
use attach_core::identity::{Group, Kind};

use super::{Limit, Scope};

impl Limit {
    /// Who has a bucket of their own; each user unless set.
    #[must_use]
    pub fn each(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Only for members of these groups.
    #[must_use]
    pub fn groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        self.who.groups.extend(groups);
        self
    }

    /// Only for callers of these stable ids.
    #[must_use]
    pub fn users<U: Into<Arc<str>>>(mut self, users: impl IntoIterator<Item = U>) -> Self {
        self.who.users.extend(users.into_iter().map(Into::into));
        self
    }

    /// Only for callers by these OAuth clients.
    #[must_use]
    pub fn clients<C: Into<Arc<str>>>(mut self, clients: impl IntoIterator<Item = C>) -> Self {
        self.who.clients.extend(clients.into_iter().map(Into::into));
        self
    }

    /// Only for people, or only for machines.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.who.kind = Some(kind);
        self
    }

    /// Only for calls that ask for these models.
    #[must_use]
    pub fn models(mut self, models: impl IntoIterator<Item = ModelGlob>) -> Self {
        self.what.models.extend(models);
        self
    }

    /// Only for these operations.
    #[must_use]
    pub fn apis(mut self, apis: impl IntoIterator<Item = Api>) -> Self {
        self.what.apis.extend(apis);
        self
    }

    /// Only for calls that go to these upstreams of the [`Destination`](attach_core::Destination). A call that may go to
    /// one of them reserves, and gets it back if it went elsewhere.
    #[must_use]
    pub fn upstreams<U: Into<Arc<str>>>(mut self, upstreams: impl IntoIterator<Item = U>) -> Self {
        self.what.upstreams.extend(upstreams.into_iter().map(Into::into));
        self
    }
}
