use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use attach_core::Destination;
use attach_core::call::Modality;
use attach_core::exchange::{Redaction, RedactionMode};

use crate::budget::{Budget, Deadline};
use crate::engine::{Engine, Readings, Reads};
use crate::finding::{alternatives, resolve};
use crate::inspect::{Inspector, Seen, ask_readers};
use crate::occurrences::Occurrences;
use crate::restore::External;
use crate::scope::Key;
use crate::session::{Session, Text};
use crate::toward::{Actions, Exceptions};
use crate::vault::Vault;
use crate::{
    Action, Builder, ConfigError, Entity, Fault, Finding, RedactError, Redacted, Scope, Uninspectable,
};

/// Finds personal data and secrets in text, and knows what to do about each. Cheap to clone.
///
/// ```
/// use attach_redact::{Redactor, Scope};
///
/// let redactor = Redactor::builder().build()?;
/// let prompt = "Write to Zbigniew Nowak, bob@example.org, about card 4111 1111 1111 1111.";
/// let redacted = redactor.redact_text(&Scope::anonymous(), prompt).expect("nothing is blocked");
/// assert!(!redacted.text().contains("Nowak") && !redacted.text().contains("4111"));
/// assert_eq!(redacted.restore(redacted.text()), prompt);
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Redactor(Arc<Inner>, Option<Arc<Actions>>);

/// What a redactor is made of.
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) key: Key,
    pub(crate) usual: Actions,
    pub(crate) uninspectable: HashMap<Modality, Uninspectable>,
    pub(crate) labels: Vec<String>,
    pub(crate) inspectors: Vec<Inspector>,
    pub(crate) answer_inspectors: Vec<Inspector>,
    pub(crate) external: External,
    pub(crate) restore_system: bool,
    pub(crate) inspect_signed: bool,
    pub(crate) exceptions: Exceptions,
    pub(crate) budget: Budget,
    pub(crate) ruleset: Option<Arc<str>>,
}

impl Redactor {
    /// Sets up a redactor.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The redactor with every default: all built-in entities replaced, a random key.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn with_defaults() -> Result<Self, ConfigError> {
        Builder::new().build()
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner), None)
    }

    /// The redactor for a call that goes to `destination`: of what is to be done toward each of its candidates the
    /// strictest. `None` if nothing is: all are trusted, and no setting is about one of them. Without a destination the
    /// call leaves.
    #[must_use]
    pub fn toward(&self, destination: Option<&Destination>) -> Option<Self> {
        let Some(destination) = destination else { return Some(self.clone()) };
        if self.0.exceptions.is_empty() {
            return (!destination.is_trusted()).then(|| self.clone());
        }
        let actions = self.0.usual.toward(&self.0.exceptions, destination)?;
        Some(Self(Arc::clone(&self.0), Some(Arc::new(actions))))
    }

    fn actions(&self) -> &Actions {
        self.1.as_deref().unwrap_or(&self.0.usual)
    }

    /// What the audit trail is told of this redactor, before anything is found.
    pub(crate) fn facts(&self) -> Redaction {
        let mut facts = Redaction::default();
        facts.engine = Some(concat!("attach-redact/", env!("CARGO_PKG_VERSION")));
        facts.ruleset.clone_from(&self.0.ruleset);
        facts.mode = Some(match self.actions().default {
            Action::Allow => RedactionMode::Off,
            Action::Shadow => RedactionMode::Detect,
            Action::Replace | Action::Mask | Action::Hash => RedactionMode::Mask,
            Action::Block => RedactionMode::Block,
        });
        facts
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn inspectors(&self) -> &[Inspector] {
        &self.0.inspectors
    }

    pub(crate) fn answer_inspectors(&self) -> &[Inspector] {
        &self.0.answer_inspectors
    }

    pub(crate) fn restores_system(&self) -> bool {
        self.0.restore_system
    }

    pub(crate) fn inspects_signed(&self) -> bool {
        self.0.inspect_signed
    }

    /// Everything in `text` that is looked for, disjoint and in order; inspectors are not asked. All of `text` as one
    /// finding if a recognizer failed or the [budget](Builder::budget) is used up: see [`try_find`](Self::try_find).
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.try_find(text).unwrap_or_else(|_| vec![Finding::new(0..text.len(), Entity::Secret, 1.0)])
    }

    /// Everything in `text` that is looked for, disjoint and in order; inspectors are not asked.
    ///
    /// # Errors
    ///
    /// When a recognizer failed, or the [budget](Builder::budget) is used up.
    pub fn try_find(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        let found = self.find_raw(text, Reads::of(text), &self.0.budget.start())?;
        let mut resolved = resolve(found);
        if resolved.iter().any(|finding| finding.entity == Entity::Person) {
            let names = self.names_in(text, &resolved);
            resolved.extend(Occurrences::of(&names).find(text, Reads::of(text)));
            resolved = resolve(resolved);
        }
        Ok(resolved)
    }

    /// Everything in `text` that is looked for, each entity by itself and in order: what could be two things is
    /// there twice, unless a check digit has decided.
    ///
    /// For reports and for measuring; [`try_find`](Self::try_find) gives what is replaced.
    ///
    /// # Errors
    ///
    /// When a recognizer failed, or the [budget](Builder::budget) is used up.
    pub fn candidates(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        let mut found = self.find_raw(text, Reads::of(text), &self.0.budget.start())?;
        if found.iter().any(|finding| finding.entity == Entity::Person) {
            let names = self.names_in(text, &resolve(found.clone()));
            found.extend(Occurrences::of(&names).find(text, Reads::of(text)));
        }
        Ok(alternatives(found))
    }

    /// What happens to `entity`.
    #[must_use]
    pub fn action(&self, entity: &Entity) -> Action {
        self.actions().of(entity)
    }

    /// What happens to a part that cannot be inspected.
    #[must_use]
    pub fn uninspectable(&self, modality: Modality) -> Uninspectable {
        if self.actions().inside {
            return Uninspectable::Allow;
        }
        self.0.uninspectable.get(&modality).copied().unwrap_or_default()
    }

    /// Redacts one text for the caller `scope`.
    ///
    /// # Errors
    ///
    /// When an entity that is to be blocked is in it, a recognizer failed, or the
    /// [budget](Builder::budget) is used up. Always with
    /// [inspectors](Builder::inspector), which have to be waited for: [`inspect_text`](Self::inspect_text) does.
    pub fn redact_text<'t>(&self, scope: &Scope, text: &'t str) -> Result<Redacted<'t>, RedactError> {
        if !self.0.inspectors.is_empty() {
            return Err(RedactError::Fault(Fault::new("there are inspectors to wait for: use inspect_text")));
        }
        self.redact_one(scope, text, Vec::new())
    }

    /// Redacts one text for the caller `scope`, with what the [inspectors](Builder::inspector) find in it.
    ///
    /// # Errors
    ///
    /// When an entity that is to be blocked is in it, an inspector refuses it, one or a recognizer failed, or the
    /// [budget](Builder::budget), in which waiting for inspectors does not count, is used up.
    pub async fn inspect_text<'t>(&self, scope: &Scope, text: &'t str) -> Result<Redacted<'t>, RedactError> {
        let seen =
            ask_readers(&self.0.inspectors, &[(text, Reads::of(text))]).await.map_err(RedactError::Fault)?;
        let Seen { findings, refusals, .. } = seen;
        if !refusals.is_empty() {
            return Err(RedactError::Refused(refusals));
        }
        self.redact_one(scope, text, findings.into_iter().flatten().collect())
    }

    fn redact_one<'t>(
        &self,
        scope: &Scope,
        text: &'t str,
        seen: Vec<Finding>,
    ) -> Result<Redacted<'t>, RedactError> {
        let mut session = Session::new(self, scope, self.0.budget.start());
        let mut whole = Text::plain(text);
        whole.note(seen);
        let texts = session.redact(vec![whole])?;
        let redacted = texts.into_iter().next().and_then(Text::into_redacted);
        Ok(Redacted::new(text, redacted, session.into_outcome()))
    }

    pub(crate) fn vault(&self, scope: &Scope) -> Vault {
        Vault::new(self.0.key.scoped(scope)).with_external(self.0.external.clone())
    }

    pub(crate) fn labels(&self) -> &[String] {
        &self.0.labels
    }

    /// The findings in one of several texts, overlapping, without names found elsewhere.
    pub(crate) fn find_raw(
        &self,
        text: &str,
        reads: Reads,
        deadline: &Deadline,
    ) -> Result<Vec<Finding>, Fault> {
        let mut found = self.0.engine.find(text, reads, deadline)?;
        found.retain(|finding| self.action(&finding.entity) != Action::Allow);
        Ok(found)
    }

    /// Whether a finding of somebody else's, `value`, counts.
    pub(crate) fn acts_on(&self, finding: &Finding, value: &str) -> bool {
        let engine = &self.0.engine;
        self.action(&finding.entity) != Action::Allow && engine.is_sure(finding) && !engine.is_exempt(value)
    }

    pub(crate) fn count_words(&self, text: &str) -> usize {
        self.0.engine.count_words(text)
    }

    /// Whether even a short text takes long.
    pub(crate) fn is_slow(&self) -> bool {
        self.0.engine.is_slow()
    }

    /// The names among `found`, and the words of them that stand for the same person elsewhere.
    pub(crate) fn names_in(&self, text: &str, found: &[Finding]) -> Vec<String> {
        let mut names = Vec::new();
        for name in found.iter().filter(|finding| finding.entity == Entity::Person) {
            let Some(name) = text.get(name.range.clone()) else { continue };
            let readings = Readings::of(name, Reads::Json);
            for name in std::iter::once(name).chain(readings.iter().flat_map(Readings::texts)) {
                names.push(name.to_owned());
                let words = name.split(' ').filter(|word| self.0.engine.is_telling(word));
                names.extend(words.filter(|word| *word != name).map(str::to_owned));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Names what is done, not what is looked for.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("default", &self.actions().default)
            .field("actions", &self.actions().named)
            .field("engine", &self.0.engine)
            .finish_non_exhaustive()
    }
}
