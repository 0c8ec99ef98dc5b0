use std::time::Duration;

use attach_core::exchange::Decision;

use super::reason;

/// What a policy says: the decision, and what would change it.
///
/// A plain [`Decision`] is a verdict, and so is a `bool`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether the call may go on, and why.
    pub decision: Decision,
    /// The sign-in after which it could, where that is all that is missing.
    pub step_up: Option<StepUp>,
    /// The first requirement that was not met, where one decided: `acr`, `amr`, `auth_age`, `proof` or the name of a
    /// label.
    pub requirement: Option<&'static str>,
    /// What the rules that are only watched would have decided, where that is something else.
    pub shadow: Option<Decision>,
}

/// A sign-in that is strong and recent enough (RFC 9470 §3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUp {
    /// Authentication context classes, any of which will do; empty if the class does not matter.
    pub acr_values: Vec<Box<str>>,
    /// How long ago it may have been; `None` if that does not matter.
    pub max_age: Option<Duration>,
}

impl Verdict {
    /// Whether the call may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision.allowed
    }

    pub(super) fn new(decision: Decision) -> Self {
        Self { decision, step_up: None, requirement: None, shadow: None }
    }
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        Self::new(decision)
    }
}

impl From<bool> for Verdict {
    fn from(allowed: bool) -> Self {
        let reason = if allowed { reason::ALLOWED_BY_POLICY } else { reason::DENIED_BY_POLICY };
        Self::new(Decision::new(allowed, reason))
    }
}
