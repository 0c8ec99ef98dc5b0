//! Whom a limit is for, which calls, and who has a bucket of their own.

use attach_core::call::ModelGlob;
use attach_core::identity::{ClaimPath, Group};
use attach_quota::{Limit, Scope};

use super::{Context, Quota};
use crate::config::ConfigError;
use crate::config::access::{OneOrMany, api, kind};

/// What `each` can say; a claim is said by its path.
const SCOPES: [Scope; 7] = [
    Scope::User,
    Scope::GroupMember,
    Scope::Group,
    Scope::Client,
    Scope::Key,
    Scope::Directory,
    Scope::Everyone,
];

impl Quota {
    /// Whom it is for.
    pub(super) fn subjects(&self, limit: Limit, context: Context<'_>) -> Result<Limit, ConfigError> {
        self.refuse_nameless()?;
        let group = |name: &String| attach_auth::policy::group_named(name, context.directories);
        let groups: Result<Vec<Group>, _> = self.groups.list().iter().map(group).collect();
        let limit = limit
            .each(self.scope()?)
            .groups(groups.map_err(|why| self.wrong("groups", why))?)
            .users(self.users.list().iter().map(String::as_str))
            .clients(self.client_ids.list().iter().map(String::as_str));
        match &self.kind {
            None => Ok(limit),
            Some(name) => Ok(limit.kind(kind(name).map_err(|why| self.wrong("kind", why))?)),
        }
    }

    /// Which calls it is for.
    pub(super) fn objects(&self, limit: Limit, context: Context<'_>) -> Result<Limit, ConfigError> {
        let globs: Result<Vec<ModelGlob>, _> = self.models.list().iter().map(|glob| glob.parse()).collect();
        let apis: Result<Vec<_>, _> = self.apis.list().iter().map(|name| api(name)).collect();
        let known = |name: &&String| context.upstreams.iter().any(|one| *one.name == ***name);
        if let Some(name) = self.upstreams.list().iter().find(|name| !known(name)) {
            return Err(self.wrong("upstreams", format!("there is no [[upstream]] named {name:?}")));
        }
        Ok(limit
            .models(globs.map_err(|why| self.wrong("models", why))?)
            .apis(apis.map_err(|why| self.wrong("apis", why))?)
            .upstreams(self.upstreams.list().iter().map(String::as_str)))
    }

    fn scope(&self) -> Result<Scope, ConfigError> {
        let each = self.each.as_deref();
        if self.shared {
            return match each {
                None => Ok(Scope::Everyone),
                Some(each) => Err(self.wrong(
                    "shared",
                    format!(
                        "one bucket for all and one for each {each} exclude each other; leave one of them out"
                    ),
                )),
            };
        }
        let each = each.unwrap_or("user");
        let scope = match each.strip_prefix("claim:") {
            Some(path) => Some(Scope::Claim(ClaimPath::parse(path).map_err(|why| self.wrong("each", why))?)),
            None => SCOPES.into_iter().find(|scope| scope.as_str() == each),
        };
        let scope = scope.ok_or_else(|| {
            let names: Vec<_> = SCOPES.iter().map(Scope::as_str).collect();
            self.wrong("each", format!("{each:?} is not one of {}, claim:NAME", names.join(", ")))
        })?;
        if matches!(scope, Scope::Group | Scope::GroupMember) && self.groups.list().is_empty() {
            let why = format!("{each:?} needs groups: write for which, such as groups = [\"AI-Users\"]");
            return Err(self.wrong("each", why));
        }
        Ok(scope)
    }

    /// A template with an empty variable must not make a limit for nobody.
    fn refuse_nameless(&self) -> Result<(), ConfigError> {
        let lists: [(&str, &OneOrMany<String>); 3] =
            [("groups", &self.groups), ("users", &self.users), ("client_ids", &self.client_ids)];
        match lists.iter().find(|(_, list)| list.list().iter().any(|name| name.trim().is_empty())) {
            None => Ok(()),
            Some((key, _)) => Err(self.wrong(key, "an empty name is nobody's; leave it out")),
        }
    }
}
