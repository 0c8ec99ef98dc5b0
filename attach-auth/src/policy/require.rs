use std::time::{Duration, SystemTime};

use attach_core::Identity;
use attach_core::identity::Proof;

use super::{LabelRule, StepUp};

/// How far a sign-in may lie in the future, for the clocks of provider and service may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// What a rule that allows demands besides its conditions: how strongly and how recently the caller signed in, and
/// where the call may go.
///
/// ```
/// use std::time::Duration;
///
/// use attach_auth::policy::{LabelRule, Require, Rule};
///
/// let require = Require::new()
///     .acr(["phr", "phrh"])
///     .auth_age(Duration::from_secs(12 * 60 * 60))
///     .labels(LabelRule::new().zero_retention(true));
/// let rule = Rule::new("payroll").groups(["hr"]).require(require);
/// # let _ = rule;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Require {
    acr: Vec<Box<str>>,
    amr: Vec<Box<str>>,
    auth_age: Option<Duration>,
    pub(super) labels: LabelRule,
}

/// What of a caller's sign-in falls short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// Signing in again would help.
    Assurance(&'static str),
    /// Whatever was shown has no assurance, and none can be added to it.
    Proof(&'static str),
}

impl Require {
    /// Demands nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any of these authentication context classes (`acr`), most preferred first.
    pub fn acr<T: Into<Box<str>>>(mut self, classes: impl IntoIterator<Item = T>) -> Self {
        self.acr.extend(classes.into_iter().map(Into::into));
        self
    }

    /// All of these authentication methods (`amr`, RFC 8176).
    pub fn amr<T: Into<Box<str>>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.amr.extend(methods.into_iter().map(Into::into));
        self
    }

    /// A sign-in (`auth_time`) no longer ago than this.
    pub fn auth_age(mut self, age: Duration) -> Self {
        self.auth_age = Some(age);
        self
    }

    /// A destination of which all of this holds.
    pub fn labels(mut self, labels: LabelRule) -> Self {
        self.labels = labels;
        self
    }

    pub(super) fn demands_assurance(&self) -> bool {
        !self.acr.is_empty() || !self.amr.is_empty() || self.auth_age.is_some()
    }

    /// The sign-in that would do (RFC 9470 §3). Everything is named, so that making up for one does not lose another.
    pub(super) fn step_up(&self) -> StepUp {
        StepUp { acr_values: self.acr.clone(), max_age: self.auth_age }
    }

    /// What is missing. `now` is asked only where it matters.
    pub(super) fn lacks(
        &self,
        identity: &Identity,
        allow_keys: bool,
        now: impl FnOnce() -> SystemTime,
    ) -> Option<Lack> {
        if !self.demands_assurance() {
            return None;
        }
        match proof_of(identity) {
            Proof::Token => self.unmet(identity, Some(now)).map(Lack::Assurance),
            // A key has the assurance of the session that made it; that this was long ago is the nature of keys.
            Proof::Key if allow_keys => self.unmet(identity, None::<fn() -> SystemTime>).map(Lack::Proof),
            _ => Some(Lack::Proof("proof")),
        }
    }

    fn unmet(&self, identity: &Identity, now: Option<impl FnOnce() -> SystemTime>) -> Option<&'static str> {
        let assurance = &identity.assurance;
        if !self.acr.is_empty() && !self.acr.iter().any(|class| assurance.acr.as_ref() == Some(class)) {
            return Some("acr");
        }
        if !self.amr.iter().all(|method| assurance.amr.contains(method)) {
            return Some("amr");
        }
        let (age, now) = (self.auth_age?, now?());
        let recent = assurance.auth_time.is_some_and(|at| match now.duration_since(at) {
            Ok(passed) => passed <= age,
            Err(ahead) => ahead.duration() <= LEEWAY,
        });
        (!recent).then_some("auth_age")
    }
}

/// What the caller showed. Somebody for whom a client speaks showed nothing, whatever it was the client has.
pub(super) fn proof_of(identity: &Identity) -> Proof {
    if identity.actor.is_some() { Proof::Delegated } else { identity.proof }
}
