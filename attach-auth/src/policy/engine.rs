//! The decision of [`Rules`].

use std::sync::Arc;

use attach_core::exchange::Decision;

use super::matching::Standing;
use super::require::proof_of;
use super::{Ask, Policy, Rule, Rules, Verdict, reason};

/// The rule that comes nearest to allowing what is asked.
#[derive(Clone, Copy)]
struct Nearest<'r> {
    standing: Standing,
    rule: Option<&'r Rule>,
}

/// Which rules count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Enforced,
    /// Those that are only watched as well.
    All,
}

impl Counting {
    fn has(self, rule: &Rule) -> bool {
        self == Self::All || !rule.shadow
    }
}

impl Policy for Rules {
    fn allows(&self, ask: &Ask<'_>) -> Verdict {
        let mut verdict = self.decide(ask, Counting::Enforced);
        if self.shadow && ask.verb.is_none() {
            let mut open = Verdict::new(Decision::new(true, reason::ALLOWED_IN_SHADOW));
            open.shadow = Some(verdict.decision);
            return open;
        }
        if self.allow.iter().chain(&self.deny).any(|rule| rule.shadow) {
            let watched = self.decide(ask, Counting::All).decision;
            verdict.shadow = (watched.allowed != verdict.decision.allowed).then_some(watched);
        }
        verdict
    }
}

impl Rules {
    fn decide(&self, ask: &Ask<'_>, counting: Counting) -> Verdict {
        if let Some(rule) = self.deny.iter().find(|rule| counting.has(rule) && rule.denies(ask)) {
            let reason =
                if rule.is_about_tools() { reason::HOSTED_TOOL_NOT_ALLOWED } else { reason::DENIED_BY_RULE };
            return decided(false, reason, Some(rule), ask);
        }
        if ask.verb.is_some() && proof_of(ask.identity) != attach_core::identity::Proof::Token {
            return decided(false, reason::VERB_NEEDS_TOKEN, None, ask);
        }
        let nearest = self.nearest(ask, |rule| counting.has(rule));
        let allowed = match nearest {
            Nearest { standing: Standing::Allows, rule } => decided(true, reason::ALLOWED_BY_RULE, rule, ask),
            _ if self.allow_by_default && ask.verb.is_none() => {
                decided(true, reason::ALLOWED_BY_DEFAULT, None, ask)
            }
            _ => {
                self.notice_missing_group(ask, nearest);
                return refused(nearest, reason::NO_RULE_ALLOWS, ask);
            }
        };
        self.without_tools(ask, counting).unwrap_or(allowed)
    }

    fn nearest<'r>(&'r self, ask: &Ask<'_>, counts: impl Fn(&Rule) -> bool) -> Nearest<'r> {
        let mut nearest = Nearest { standing: Standing::Elsewhere, rule: None };
        for rule in self.allow.iter().filter(|rule| counts(rule)) {
            let standing = rule.standing(ask, || self.clock.now());
            if standing > nearest.standing {
                nearest = Nearest { standing, rule: Some(rule) };
            }
            if standing == Standing::Allows {
                break;
            }
        }
        nearest
    }

    /// The refusal for the first hosted tool that no rule lists which allows the call.
    fn without_tools(&self, ask: &Ask<'_>, counting: Counting) -> Option<Verdict> {
        ask.tools.iter().find_map(|tool| {
            let nearest = self.nearest(ask, |rule| counting.has(rule) && rule.lists_tool(tool));
            let listed = nearest.standing == Standing::Allows;
            (!listed).then(|| refused(nearest, reason::HOSTED_TOOL_NOT_ALLOWED, ask))
        })
    }

    /// Tells the operator that only a group was missing: the commonest cause is a token without its groups claim.
    fn notice_missing_group(&self, ask: &Ask<'_>, nearest: Nearest<'_>) {
        let Nearest { standing: Standing::Group, rule: Some(rule) } = nearest else { return };
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

/// Why the rule that came nearest does not allow this; `otherwise` where it was not near.
fn refused(nearest: Nearest<'_>, otherwise: &'static str, ask: &Ask<'_>) -> Verdict {
    let (reason, requirement) = match nearest.standing {
        Standing::Destination(what) => (reason::DESTINATION_NOT_ALLOWED, what),
        Standing::Proof(what) => (reason::PROOF_WITHOUT_ASSURANCE, what),
        Standing::Assurance(what) => (reason::INSUFFICIENT_AUTHENTICATION, what),
        Standing::Elsewhere | Standing::Group | Standing::Allows => {
            return decided(false, otherwise, None, ask);
        }
    };
    let mut verdict = decided(false, reason, nearest.rule, ask);
    verdict.requirement = Some(requirement);
    if matches!(nearest.standing, Standing::Assurance(_)) {
        verdict.step_up = nearest.rule.map(|rule| rule.require.step_up());
    }
    verdict
}

fn decided(allowed: bool, reason: &'static str, rule: Option<&Rule>, ask: &Ask<'_>) -> Verdict {
    let mut decision = Decision::new(allowed, reason);
    if let Some(rule) = rule {
        decision.rule = Some(Arc::clone(&rule.id));
        let decisive =
            ask.identity.groups.iter().filter(|group| rule.resolved.iter().any(|known| known.is(group)));
        decision.groups = decisive.map(|group| group.name.clone()).collect();
    }
    Verdict::new(decision)
}
