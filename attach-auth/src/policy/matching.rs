//! Whether a rule is for what is asked.
//!
//! A condition holds, does not hold, or cannot be known. What cannot be known holds in no rule that allows and in
//! every rule that denies.

use std::time::SystemTime;

use attach_core::Identity;
use attach_core::identity::Proof;

use super::require::{Lack, proof_of};
use super::{Ask, Rule};

/// How near a rule comes to allowing what is asked; the last is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It is not about this.
    Elsewhere,
    /// The caller is in none of its groups.
    Group,
    /// The place is not one it allows.
    Destination(&'static str),
    /// What the caller showed has no assurance.
    Proof(&'static str),
    /// The caller would have to sign in again.
    Assurance(&'static str),
    /// It allows this.
    Allows,
}

impl Rule {
    /// Where the rule, as one that allows, stands. What is not asked about is not held against it.
    pub(super) fn standing(&self, ask: &Ask<'_>, now: impl FnOnce() -> SystemTime) -> Standing {
        let fits = self.is_about(ask) && self.is_for(ask, |holds| holds == Some(true));
        if !fits {
            return Standing::Elsewhere;
        }
        if !self.is_for_groups_of(ask.identity) {
            return Standing::Group;
        }
        if ask.model.is_some()
            && let Some(label) =
                self.labels.unmet(ask.candidate).or_else(|| self.require.labels.unmet(ask.candidate))
        {
            return Standing::Destination(label);
        }
        match self.require.lacks(ask.identity, self.allow_keys, now) {
            Some(Lack::Proof(what)) => Standing::Proof(what),
            Some(Lack::Assurance(what)) => Standing::Assurance(what),
            None => Standing::Allows,
        }
    }

    /// Whether the rule, as one that denies, is for this. Its conditions have to be met by something asked about.
    pub(super) fn denies(&self, ask: &Ask<'_>) -> bool {
        (self.verbs.is_empty() || ask.verb.is_some_and(|verb| self.lists_verb(verb, true)))
            && any(&self.models, |glob| ask.model.is_some_and(|model| glob.covers(model)))
            && any(&self.apis, |known| ask.api == Some(*known))
            && any(&self.tools, |glob| ask.tools.iter().any(|tool| glob.matches(tool, true)))
            && (self.labels.is_empty() || (ask.model.is_some() && self.labels.may_hold(ask.candidate)))
            && self.is_for(ask, |holds| holds != Some(false))
            && any(&self.resolved, |group| group.holds(ask.identity))
    }

    /// Whether the rule, which allows this, allows the hosted tool as well.
    pub(super) fn lists_tool(&self, tool: &str) -> bool {
        self.tools.iter().any(|glob| glob.matches(tool, false))
    }

    pub(super) fn is_about_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// Whether the rule, as one that allows, allows every call of everybody.
    pub(super) fn is_unconditional(&self) -> bool {
        let proofs = [Proof::Token, Proof::Key, Proof::Delegated];
        let anybody = self.groups.is_empty()
            && self.scopes.is_empty()
            && self.client_ids.is_empty()
            && self.kind.is_none()
            && self.claims.is_empty()
            && (self.networks.is_empty() || self.networks.iter().any(|network| network.is_everywhere()))
            && (self.proofs.is_empty() || proofs.iter().all(|proof| self.proofs.contains(proof)))
            && !self.require.demands_assurance();
        let anything = self.verbs.is_empty()
            && any(&self.models, |glob| glob.as_str().bytes().all(|byte| byte == b'*'))
            && self.apis.is_empty()
            && self.labels.is_empty()
            && self.require.labels.is_empty();
        anybody && anything && !self.shadow
    }

    /// A rule that lists verbs is about nothing else, and no other is about verbs.
    fn is_about(&self, ask: &Ask<'_>) -> bool {
        match ask.verb {
            Some(verb) => self.lists_verb(verb, false),
            None => {
                self.verbs.is_empty()
                    && ask.model.is_none_or(|model| any(&self.models, |glob| glob.matches(model)))
                    && ask.api.is_none_or(|api| any(&self.apis, |known| *known == api))
            }
        }
    }

    fn lists_verb(&self, verb: &str, any_case: bool) -> bool {
        self.verbs.iter().any(|glob| glob.matches(verb, any_case))
    }

    /// Whether the conditions on the caller count as met by what is known of each.
    fn is_for(&self, ask: &Ask<'_>, counts: impl Fn(Option<bool>) -> bool) -> bool {
        let identity = ask.identity;
        let client = identity.client_id.as_deref();
        self.kind.is_none_or(|kind| kind == identity.kind)
            && counts(self.scope_of(identity))
            && any(&self.client_ids, |known| client == Some(&**known))
            && any(&self.proofs, |proof| *proof == proof_of(identity))
            && any(&self.networks, |network| counts(network.holds(ask.peer)))
            && self.claims.iter().all(|claim| counts(claim.holds(identity)))
    }

    /// A key has no more scopes than it was made with; which others its owner has it does not say.
    fn scope_of(&self, identity: &Identity) -> Option<bool> {
        let has = any(&self.scopes, |scope| identity.scopes.contains(&**scope));
        if !has && identity.proof == Proof::Key { None } else { Some(has) }
    }

    fn is_for_groups_of(&self, identity: &Identity) -> bool {
        any(&self.resolved, |group| group.has(identity))
    }
}

/// An empty list is no condition.
fn any<T>(list: &[T], holds: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}
