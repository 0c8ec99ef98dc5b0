use std::sync::Arc;

use attach_core::identity::Kind;
use attach_core::{Api, Identity};

use super::Ask;
use super::glob::{Glob, ModelGlob};
use super::groups::GroupRef;

/// One rule of [`Rules`](super::Rules): it applies if every condition that was set holds, and a list holds if any
/// of its members does. A rule without conditions applies to everything.
///
/// ```
/// use attach_auth::policy::Rule;
///
/// let rule = Rule::new("power-users").groups(["AI-Power-Users"]).models(["gpt-4*".parse()?]);
/// # let _ = rule;
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Rule {
    pub(super) id: Arc<str>,
    pub(super) groups: Vec<Box<str>>,
    pub(super) resolved: Vec<GroupRef>,
    models: Vec<ModelGlob>,
    apis: Vec<Api>,
    kind: Option<Kind>,
    tools: Vec<Glob>,
    scopes: Vec<Box<str>>,
    client_ids: Vec<Box<str>>,
}

impl Rule {
    /// A rule called `id` in the audit trail, without conditions.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            groups: Vec::new(),
            resolved: Vec::new(),
            models: Vec::new(),
            apis: Vec::new(),
            kind: None,
            tools: Vec::new(),
            scopes: Vec::new(),
            client_ids: Vec::new(),
        }
    }

    /// For members of any of these groups: `name`, or `directory/name`.
    pub fn groups<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups.extend(groups.into_iter().map(Into::into));
        self
    }

    /// For any of these models.
    pub fn models(mut self, models: impl IntoIterator<Item = ModelGlob>) -> Self {
        self.models.extend(models);
        self
    }

    /// For any of these operations.
    pub fn apis(mut self, apis: impl IntoIterator<Item = Api>) -> Self {
        self.apis.extend(apis);
        self
    }

    /// For people only, or for services only.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The hosted tools that the rule is about, `*` standing for any text. A rule that allows adds these tools to
    /// what it allows; a rule that denies denies the calls that use one.
    pub fn tools<T: Into<Box<str>>>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.tools.extend(tools.into_iter().map(|tool| Glob(tool.into())));
        self
    }

    /// For tokens with any of these scopes.
    pub fn scopes<T: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// For tokens that were issued to any of these OAuth clients.
    pub fn client_ids<T: Into<Box<str>>>(mut self, client_ids: impl IntoIterator<Item = T>) -> Self {
        self.client_ids.extend(client_ids.into_iter().map(Into::into));
        self
    }

    /// The rule's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the rule, as one that allows, is for this. What is not asked about is not held against it.
    pub(super) fn allows(&self, ask: &Ask<'_>) -> bool {
        self.allows_but_groups(ask) && self.is_for_groups_of(ask.identity)
    }

    /// [`allows`](Self::allows), were the caller in the right group.
    pub(super) fn allows_but_groups(&self, ask: &Ask<'_>) -> bool {
        self.is_for(ask.identity)
            && ask.model.is_none_or(|model| any(&self.models, |glob| glob.matches(model)))
            && ask.api.is_none_or(|api| any(&self.apis, |known| *known == api))
    }

    /// Whether the rule, as one that denies, is for this. Its conditions have to be met by something asked about.
    pub(super) fn denies(&self, ask: &Ask<'_>) -> bool {
        self.is_for(ask.identity)
            && self.is_for_groups_of(ask.identity)
            && any(&self.models, |glob| ask.model.is_some_and(|model| glob.covers(model)))
            && any(&self.apis, |known| ask.api == Some(*known))
            && any(&self.tools, |glob| {
                ask.call.is_some_and(|call| call.hosted_tools.iter().any(|tool| glob.matches(tool, true)))
            })
    }

    /// Whether the rule, which allows this, allows the hosted tool as well.
    pub(super) fn lists_tool(&self, tool: &str) -> bool {
        self.tools.iter().any(|glob| glob.matches(tool, false))
    }

    pub(super) fn is_about_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    fn is_for(&self, identity: &Identity) -> bool {
        let client = identity.client_id.as_deref();
        self.kind.is_none_or(|kind| kind == identity.kind)
            && any(&self.scopes, |scope| identity.scopes.contains(&**scope))
            && any(&self.client_ids, |known| client == Some(&**known))
    }

    fn is_for_groups_of(&self, identity: &Identity) -> bool {
        any(&self.resolved, |group| group.has(identity))
    }
}

/// An empty list is no condition.
fn any<T>(list: &[T], holds: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}
