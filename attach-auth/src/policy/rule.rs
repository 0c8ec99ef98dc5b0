use std::sync::Arc;

use attach_core::Api;
use attach_core::identity::{Kind, Proof};

use super::claim::ClaimRule;
use super::groups::GroupRef;
use super::{Glob, ModelGlob};
use super::{LabelRule, Network, Require};
use crate::ConfigError;

/// One rule of [`Rules`](super::Rules): it applies if every condition that was set holds, and a list holds if any
/// of its members does. A rule without conditions applies to everything but administrative verbs, which have to be
/// listed.
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
    pub(super) models: Vec<ModelGlob>,
    pub(super) apis: Vec<Api>,
    pub(super) kind: Option<Kind>,
    pub(super) tools: Vec<Glob>,
    pub(super) scopes: Vec<Box<str>>,
    pub(super) client_ids: Vec<Box<str>>,
    pub(super) claims: Vec<ClaimRule>,
    pub(super) networks: Vec<Network>,
    pub(super) proofs: Vec<Proof>,
    pub(super) labels: LabelRule,
    pub(super) verbs: Vec<Glob>,
    pub(super) require: Require,
    pub(super) allow_keys: bool,
    pub(super) shadow: bool,
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
            claims: Vec::new(),
            networks: Vec::new(),
            proofs: Vec::new(),
            labels: LabelRule::new(),
            verbs: Vec::new(),
            require: Require::new(),
            allow_keys: false,
            shadow: false,
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
        self.tools.extend(tools.into_iter().map(Glob::new));
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

    /// For callers of whom this claim, given as a name or a JSON pointer (RFC 6901), has any of these values; numbers
    /// and booleans as they are written in JSON. May be called for several claims, which all have to hold.
    ///
    /// Of a caller whose claims are not known, a rule that allows holds nothing, and a rule that denies everything.
    ///
    /// # Errors
    ///
    /// When the path is neither a name nor a pointer, or there is no value.
    pub fn claim<T: Into<Box<str>>>(
        mut self,
        path: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        self.claims.push(ClaimRule::any_of(path, values.into_iter().map(Into::into).collect())?);
        Ok(self)
    }

    /// For callers of whom this claim says something, or (`false`) does not: neither `null` nor empty.
    ///
    /// # Errors
    ///
    /// When the path is neither a name nor a pointer.
    pub fn claim_present(mut self, path: &str, present: bool) -> Result<Self, ConfigError> {
        self.claims.push(ClaimRule::present(path, present)?);
        Ok(self)
    }

    /// For connections from any of these networks. Where a server does not tell the address, a rule that allows
    /// does not hold, and a rule that denies does.
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// For callers who showed any of these.
    pub fn proofs(mut self, proofs: impl IntoIterator<Item = Proof>) -> Self {
        self.proofs.extend(proofs);
        self
    }

    /// For calls that would go to a place of which this holds.
    pub fn labels(mut self, labels: LabelRule) -> Self {
        self.labels = labels;
        self
    }

    /// The administrative verbs that the rule is about, `*` standing for any text. Such a rule is about nothing
    /// else: it allows and denies no call.
    pub fn verbs<T: Into<Box<str>>>(mut self, verbs: impl IntoIterator<Item = T>) -> Self {
        self.verbs.extend(verbs.into_iter().map(Glob::new));
        self
    }

    /// What the rule demands before it allows. Of no effect in a rule that denies.
    pub fn require(mut self, require: Require) -> Self {
        self.require = require;
        self
    }

    /// Lets gateway keys meet a demand for assurance: `acr` and `amr` by the session that made the key, `auth_age`
    /// always. Otherwise a rule with such a demand refuses every key.
    pub fn allow_keys(mut self, allow: bool) -> Self {
        self.allow_keys = allow;
        self
    }

    /// Only watches: what the rule would change is recorded and never enforced.
    pub fn shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// The rule's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
