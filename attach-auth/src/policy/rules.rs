use std::sync::Arc;

use super::Rule;
use super::groups::GroupRef;
use crate::clock::SystemClock;
use crate::notice::Notice;
use crate::{Clock, ConfigError};

/// The rule engine: any rule that denies wins, else any that allows; their order means nothing.
///
/// Hosted tools have to be listed by a rule that allows, also where the default is to allow.
///
/// ```
/// use attach_auth::policy::{Ask, Policy, Rule, Rules};
/// use attach_core::Identity;
/// use attach_core::identity::Group;
///
/// let rules = Rules::deny_by_default()
///     .allow(Rule::new("power-users").groups(["AI-Power-Users"]).models(["gpt-4*".parse()?]))?
///     .allow(Rule::new("everyone").models(["llama3".parse()?]))?;
///
/// let mut alice = Identity::person("acme", "alice");
/// assert!(!rules.allows(&Ask::model(&alice, "gpt-4o")).is_allowed());
/// assert!(rules.allows(&Ask::model(&alice, "llama3")).is_allowed());
/// alice.groups.insert(Group::new("acme", "AI-Power-Users"));
/// assert!(rules.allows(&Ask::model(&alice, "gpt-4o")).is_allowed());
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Rules {
    directories: Vec<Arc<str>>,
    pub(super) allow: Vec<Rule>,
    pub(super) deny: Vec<Rule>,
    pub(super) allow_by_default: bool,
    pub(super) shadow: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lacks_group: Notice,
}

impl Rules {
    /// What no rule allows is denied.
    pub fn deny_by_default() -> Self {
        Self {
            directories: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            allow_by_default: false,
            shadow: false,
            clock: Arc::new(SystemClock::default()),
            lacks_group: Notice::default(),
        }
    }

    /// What no rule denies is allowed.
    pub fn allow_by_default() -> Self {
        Self { allow_by_default: true, ..Self::deny_by_default() }
    }

    /// The directories there are, before any rule. With more than one, every group has to name its own
    /// (`acme/AI-Power-Users`); with none given, a group is one of the caller's own directory.
    ///
    /// # Errors
    ///
    /// When there are rules already.
    pub fn directories<D: Into<Arc<str>>>(
        mut self,
        directories: impl IntoIterator<Item = D>,
    ) -> Result<Self, ConfigError> {
        if !(self.allow.is_empty() && self.deny.is_empty()) {
            return Err(ConfigError::new("the directories have to be known before the first rule"));
        }
        self.directories = directories.into_iter().map(Into::into).collect();
        self.directories.sort();
        self.directories.dedup();
        Ok(self)
    }

    /// Replaces the machine's clock, by which the age of a sign-in is told.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Only watches: every call goes on, and what the rules would have decided is recorded and logged. Administrative
    /// verbs are decided all the same.
    pub fn shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// Whether the rules are only watched.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// Whether everybody may make every call that no rule denies: by default, by a rule without conditions, or
    /// because the rules are only watched.
    #[must_use]
    pub fn is_open_to_everybody(&self) -> bool {
        self.allow_by_default || self.shadow || self.allow.iter().any(Rule::is_unconditional)
    }

    /// Adds a rule that allows.
    ///
    /// # Errors
    ///
    /// When a group does not say whose it is and has to, or another rule has the same id.
    pub fn allow(mut self, rule: Rule) -> Result<Self, ConfigError> {
        let rule = self.resolved(rule)?;
        self.allow.push(rule);
        Ok(self)
    }

    /// Adds a rule that denies.
    ///
    /// # Errors
    ///
    /// As [`allow`](Self::allow).
    pub fn deny(mut self, rule: Rule) -> Result<Self, ConfigError> {
        let rule = self.resolved(rule)?;
        self.deny.push(rule);
        Ok(self)
    }

    fn resolved(&self, mut rule: Rule) -> Result<Rule, ConfigError> {
        if self.allow.iter().chain(&self.deny).any(|other| other.id == rule.id) {
            return Err(ConfigError::new(format!("two rules are called `{}`", rule.id)));
        }
        let resolved = rule.groups.iter().map(|group| GroupRef::resolve(group, &self.directories));
        rule.resolved = resolved
            .collect::<Result<_, _>>()
            .map_err(|error| ConfigError::new(format!("rule `{}`: {error}", rule.id)))?;
        Ok(rule)
    }
}
