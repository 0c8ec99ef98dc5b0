use std::sync::Arc;

use attach_core::exchange::Decision;

use super::groups::GroupRef;
use super::{Ask, Policy, Rule};
use crate::ConfigError;
use crate::notice::Notice;

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
/// assert!(!rules.allows(&Ask::model(&alice, "gpt-4o")).allowed);
/// assert!(rules.allows(&Ask::model(&alice, "llama3")).allowed);
/// alice.groups.insert(Group::new("acme", "AI-Power-Users"));
/// assert!(rules.allows(&Ask::model(&alice, "gpt-4o")).allowed);
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Rules {
    directories: Vec<Arc<str>>,
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    allow_by_default: bool,
    lacks_group: Notice,
}

impl Rules {
    /// What no rule allows is denied.
    pub fn deny_by_default() -> Self {
        Self {
            directories: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            allow_by_default: false,
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

    /// The tool that no rule which allows the call lists.
    fn unlisted_tool<'a>(&self, ask: &Ask<'a>) -> Option<&'a str> {
        let call = ask.call?;
        let listed = |tool: &str| {
            self.allow.iter().any(|rule| rule.is_about_tools() && rule.lists_tool(tool) && rule.allows(ask))
        };
        call.hosted_tools.iter().map(|tool| &**tool).find(|tool| !listed(tool))
    }

    /// Tells the operator that only a group was missing: the commonest cause is a token without its groups claim.
    fn notice_missing_group(&self, ask: &Ask<'_>) {
        let Some(rule) = self.allow.iter().find(|rule| rule.allows_but_groups(ask)) else {
            return;
        };
        self.lacks_group.at_most_each_minute(|| {
            let received: Vec<&str> = ask.identity.groups.iter().take(50).map(|group| &*group.name).collect();
            tracing::warn!(
                rule = %rule.id,
                configured = ?rule.groups,
                received = ?received,
                docs = "docs/troubleshooting.md#no_matching_group",
                "a rule would allow this call, but the token has none of its groups"
            );
        });
    }
}

impl Policy for Rules {
    fn allows(&self, ask: &Ask<'_>) -> Decision {
        if let Some(rule) = self.deny.iter().find(|rule| rule.denies(ask)) {
            let reason = if rule.is_about_tools() { super::body::TOOL_NOT_ALLOWED } else { "denied_by_rule" };
            return decision(false, reason, Some(rule), ask);
        }
        let rule = self.allow.iter().find(|rule| rule.allows(ask));
        if rule.is_none() && !self.allow_by_default {
            self.notice_missing_group(ask);
            return Decision::new(false, "no_rule_allows");
        }
        if self.unlisted_tool(ask).is_some() {
            return decision(false, super::body::TOOL_NOT_ALLOWED, rule, ask);
        }
        match rule {
            Some(rule) => decision(true, "allowed_by_rule", Some(rule), ask),
            None => Decision::new(true, "allowed_by_default"),
        }
    }
}

fn decision(allowed: bool, reason: &'static str, rule: Option<&Rule>, ask: &Ask<'_>) -> Decision {
    let mut decision = Decision::new(allowed, reason);
    if let Some(rule) = rule {
        decision.rule = Some(Arc::clone(&rule.id));
        let decisive =
            ask.identity.groups.iter().filter(|group| rule.resolved.iter().any(|known| known.is(group)));
        decision.groups = decisive.map(|group| group.name.clone()).collect();
    }
    decision
}
