use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::call::{Glob, Modality};

use crate::budget::Budget;
use crate::clock::Clock;
use crate::engine::{Configured, Exempt};
use crate::inspect::Inspector;
use crate::recognizers::phone;
use crate::toward::Exceptions;
use crate::{Action, ConfigError, Detection, Entity, Inspect, Recognize, Uninspectable, WhenDown};

mod build;

/// Sets up a [`Redactor`](crate::Redactor); made by [`Redactor::builder`](crate::Redactor::builder).
///
/// ```
/// use attach_redact::{Action, Entity, Redactor};
///
/// let project = Entity::custom("PROJECT")?;
/// let redactor = Redactor::builder()
///     .key(b"from the configuration, the same on every node")
///     .entity(Entity::CreditCard, Action::Block)
///     .entity(Entity::IpAddress, Action::Allow)
///     .terms(project, ["Nightingale"])
///     .pattern(Entity::custom("EMPLOYEE_ID")?, r"\bE[0-9]{6}\b")?
///     .build()?;
/// assert_eq!(redactor.find("E123456 works on nightingale").len(), 2);
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[must_use]
pub struct Builder {
    key: Option<Vec<u8>>,
    default: Action,
    actions: HashMap<Entity, Action>,
    uninspectable: HashMap<Modality, Uninspectable>,
    thresholds: HashMap<Entity, f32>,
    exceptions: Exceptions,
    words: Vec<(Entity, String)>,
    exempt: Exempt,
    lexicon: bool,
    private_addresses: bool,
    regions: Option<Vec<rlibphonenumber::Region>>,
    terms: Vec<(Entity, Vec<String>)>,
    patterns: Vec<Configured>,
    recognizers: Vec<Box<dyn Recognize>>,
    inspectors: Vec<Inspector>,
    answer_inspectors: Vec<Inspector>,
    external: Vec<Glob>,
    restore_system: bool,
    budget: Budget,
    inspect_signed: bool,
    ruleset: Option<Arc<str>>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            key: None,
            default: Action::Replace,
            actions: HashMap::new(),
            // What the provider encrypted for itself holds nothing it hasn't seen.
            uninspectable: HashMap::from([(Modality::Encrypted, Uninspectable::Allow)]),
            thresholds: HashMap::new(),
            exceptions: Exceptions::new(),
            words: Vec::new(),
            exempt: Exempt::default(),
            lexicon: true,
            private_addresses: false,
            regions: None,
            terms: Vec::new(),
            patterns: Vec::new(),
            recognizers: Vec::new(),
            inspectors: Vec::new(),
            answer_inspectors: Vec::new(),
            external: Vec::new(),
            restore_system: true,
            budget: Budget::default(),
            inspect_signed: false,
            ruleset: None,
        }
    }

    /// The key of all placeholders: at least 16 bytes, the same on every node. Without one it is random per start, and
    /// placeholders in a conversation's history change with a restart or another node.
    pub fn key(self, key: &[u8]) -> Self {
        Self { key: Some(key.to_vec()), ..self }
    }

    /// What happens to `entity`. One that is looked for on request only is looked for from then on.
    pub fn entity(mut self, entity: Entity, action: Action) -> Self {
        self.actions.insert(entity, action);
        self
    }

    /// What happens to `entity` in calls to `upstream`, as [`Destination`](attach_core::Destination)s name it. Where a
    /// call may go to several, the strictest of their actions counts: block, mask, hash, replace, shadow, allow. Toward
    /// a trusted upstream this is all that is done.
    pub fn entity_for(mut self, upstream: &str, entity: Entity, action: Action) -> Self {
        // What is looked for on request only, and for one upstream, is not looked for toward the others.
        if entity.detection() == Detection::OptIn {
            self.actions.entry(entity.clone()).or_insert(Action::Allow);
        }
        self.exceptions.entry(upstream.into()).or_default().insert(entity, action);
        self
    }

    /// How sure a finding of `entity` has to be, from 0 to 1; 0.4 unless set.
    pub fn threshold(mut self, entity: Entity, score: f32) -> Self {
        self.thresholds.insert(entity, score);
        self
    }

    /// Words that name a built-in `entity`, besides the ones it has: a number beside one of them is likelier to be it.
    /// They count for telephone and card numbers, social security numbers, and all identity numbers, in any ASCII case.
    ///
    /// # Errors
    ///
    /// An entity that is not built in, a word of fewer than 2 or more than 64 bytes, more than 1,000 words in all.
    pub fn naming_words<T: Into<String>>(
        mut self,
        entity: &Entity,
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let fault = |why: &str| ConfigError::Words { entity: entity.name().into(), reason: why.into() };
        if !Entity::BUILT_IN.contains(entity) {
            return Err(fault("only built-in entities have naming words"));
        }
        for word in words {
            let word = word.into().trim().to_lowercase();
            if !(2..=64).contains(&word.len()) {
                return Err(fault("a naming word has 2 to 64 bytes"));
            }
            self.words.push((entity.clone(), word));
        }
        if self.words.len() > 1000 {
            return Err(fault("more than 1000 naming words"));
        }
        Ok(self)
    }

    /// Values that are never found, exactly as they are written here: your own switchboard's number, a test card. Longer
    /// findings with such a value in them are found as before.
    pub fn exempt<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.exempt.add(values.into_iter().map(Into::into));
        self
    }

    /// A pattern of values that are never found: of all of a value, from its first letter to its last. Longer findings with
    /// such a value in them are found as before, and a search that takes too long exempts nothing.
    ///
    /// ```
    /// use attach_redact::Redactor;
    ///
    /// let redactor = Redactor::builder().exempt_pattern(r"[a-z]+@help\.example\.com")?.build()?;
    /// assert!(redactor.find("Write to orders@help.example.com").is_empty());
    /// assert_eq!(redactor.find("Write to bob@example.com").len(), 1);
    /// # Ok::<(), attach_redact::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`pattern`](Self::pattern), and one that takes values of every kind.
    pub fn exempt_pattern(mut self, regex: &str) -> Result<Self, ConfigError> {
        self.exempt.add_pattern(regex).map_err(ConfigError::Exempt)?;
        Ok(self)
    }

    /// What happens to every entity that nothing is said about; [`Action::Replace`] unless set.
    pub fn default_action(self, action: Action) -> Self {
        Self { default: action, ..self }
    }

    /// Words and phrases that are an `entity`, as whole words: in any ASCII case, and where they have other letters, as
    /// written, in small letters, in capitals, or capitalised.
    pub fn terms<T: Into<String>>(mut self, entity: Entity, terms: impl IntoIterator<Item = T>) -> Self {
        self.terms.push((entity, terms.into_iter().map(Into::into).collect()));
        self
    }

    /// A pattern, with look-around and back-references as in [`fancy-regex`], whose matches are an `entity`; its first
    /// group if it has one.
    ///
    /// # Errors
    ///
    /// A pattern that does not compile, that is longer than 1,024 bytes or compiles to more than a mebibyte, or that
    /// matches the empty string.
    ///
    /// [`fancy-regex`]: https://docs.rs/fancy-regex
    pub fn pattern(self, entity: Entity, regex: &str) -> Result<Self, ConfigError> {
        self.pattern_with::<&str>(entity, regex, 1.0, [])
    }

    /// A [`pattern`](Self::pattern) that alone says little: a match scores `score`, from 0 to 1, and 0.35 more and at
    /// least 0.5 if one of `words` stands as a whole word in the 64 bytes before it, in any ASCII case. Below the
    /// [threshold](Self::threshold) of `entity`, 0.4 unless set, a match without a word does not count.
    ///
    /// ```
    /// use attach_redact::{Entity, Redactor};
    ///
    /// let badge = Entity::custom("BADGE")?;
    /// let redactor = Redactor::builder().pattern_with(badge, "[0-9]{5}", 0.2, ["employee", "badge"])?.build()?;
    /// assert_eq!(redactor.find("Badge no. 40712 opens 40713 doors").len(), 2);
    /// assert!(redactor.find("40713 doors").is_empty());
    /// # Ok::<(), attach_redact::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`pattern`](Self::pattern); a score that is not from 0 to 1, more than 200 words, a word of fewer than 2 or
    /// more than 64 bytes.
    pub fn pattern_with<T: Into<String>>(
        mut self,
        entity: Entity,
        regex: &str,
        score: f32,
        words: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let name = entity.name().into();
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        let pattern = Configured::new(entity, regex).and_then(|pattern| pattern.scored(score, &words));
        self.patterns.push(pattern.map_err(|reason| ConfigError::Pattern { entity: name, reason })?);
        Ok(self)
    }

    /// Something of your own that finds.
    pub fn recognizer(mut self, recognizer: impl Recognize) -> Self {
        self.recognizers.push(Box::new(recognizer));
        self
    }

    /// Something that finds somewhere else, asked once for each request; several are asked at the same time.
    ///
    /// [`RedactLayer`](crate::RedactLayer) asks it; for a text of your own, [`Redactor::inspect_text`](crate::Redactor::inspect_text) does.
    pub fn inspector(mut self, inspector: impl Inspect, when_down: WhenDown) -> Self {
        self.inspectors.push(Inspector::new(inspector, when_down));
        self
    }

    /// Something that looks at what a model answers, before the caller sees it: of every upstream, also of a trusted one. What
    /// it [refuses](crate::Inspection::refuse) ends the answer as the dialect's content filter does; what it finds is masked.
    ///
    /// It is asked about whole answers once, and about a stream each time 400 more characters have come, with the hundred
    /// before them. The texts are as the upstream gave them, before placeholders are restored. Answers that are neither
    /// JSON nor events are withheld then: 503 `redaction_failed`.
    pub fn answer_inspector(mut self, inspector: impl Inspect, when_down: WhenDown) -> Self {
        self.answer_inspectors.push(Inspector::new(inspector, when_down));
        self
    }

    /// Whether being in the lists of given and family names is enough for a name; on unless set. Off, only names
    /// that a cue such as "my name is" or "Mrs" precedes are found.
    pub fn lexicon(self, on: bool) -> Self {
        Self { lexicon: on, ..self }
    }

    /// Whether private, loopback and documentation addresses count as IP addresses; off unless set.
    pub fn private_addresses(self, on: bool) -> Self {
        Self { private_addresses: on, ..self }
    }

    /// The countries whose telephone numbers are known as they are written at home, as two letters of ISO 3166-1; the
    /// United States, the United Kingdom, Germany and France unless set. Numbers with `+` are known of every country. Each
    /// further country makes reading texts full of numbers slower.
    ///
    /// ```
    /// use attach_redact::Redactor;
    ///
    /// let redactor = Redactor::builder().regions(["CH", "AT"])?.build()?;
    /// assert_eq!(redactor.find("044 668 18 00").len(), 1);
    /// assert!(Redactor::builder().regions(["UK"]).is_err());
    /// # Ok::<(), attach_redact::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A code that is no country's, or of one without a numbering plan. The United Kingdom's is `GB`.
    pub fn regions(self, codes: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, ConfigError> {
        let region = |code: &str| phone::region(code).ok_or_else(|| ConfigError::Region(code.into()));
        let regions = codes.into_iter().map(|code| region(code.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { regions: Some(regions), ..self })
    }

    /// What happens to parts of a request that cannot be inspected; blocked unless set, except for what the provider
    /// itself encrypted.
    pub fn uninspectable(mut self, modality: Modality, then: Uninspectable) -> Self {
        self.uninspectable.insert(modality, then);
        self
    }

    /// Tools that run outside the perimeter: placeholders in the arguments of their calls stay as they are, and are
    /// counted as withheld. `*` in a name stands for any characters; ASCII case makes no difference.
    ///
    /// A call that a stream has arguments for without having named it is taken for one of these.
    pub fn external_tools<T: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.external.extend(names.into_iter().map(Glob::new));
        self
    }

    /// Whether values that stand only in a request's system prompt are restored; on unless set. Off, a model that is
    /// talked into repeating its system prompt gives its placeholders away, not the values.
    ///
    /// The system prompt is what OpenAI calls system and developer messages and `instructions`, and Anthropic and
    /// Ollama also `system`.
    pub fn restore_system(self, on: bool) -> Self {
        Self { restore_system: on, ..self }
    }

    /// How long looking at one text may take, or at one request. What is not looked at by then does not leave: it is a
    /// [`Fault`](crate::Fault), or 503 `redaction_failed`.
    ///
    /// Unset, a text of your own may take as long as it takes, and a request as long as
    /// [`RedactLayer::budget`](crate::RedactLayer::budget) says. A [recognizer](Recognize) is not interrupted unless it
    /// [asks](Recognize::recognize_while), but the time it took counts; waiting for [inspectors](Inspect) does not.
    pub fn budget(mut self, limit: Duration) -> Self {
        self.budget.limit(limit);
        self
    }

    /// Where the time for the budget comes from; the machine's monotonic clock unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.budget.clock(clock);
        self
    }

    /// Whether text that the provider has signed is looked at like any other: the `thinking` of Anthropic, and
    /// OpenRouter's `reasoning_details`, that clients send back with the assistant's messages. Off unless set: such text
    /// passes as it is and the exchange's coverage is partial, because the provider refuses it if a letter of it has
    /// changed, and has said it itself. Whether the signature holds only the provider can tell.
    pub fn inspect_signed(self, on: bool) -> Self {
        Self { inspect_signed: on, ..self }
    }

    /// A name or digest of these rules, for the audit record: with it an auditor can tell under which rules a request was
    /// looked at.
    pub fn ruleset(self, name: impl Into<Arc<str>>) -> Self {
        Self { ruleset: Some(name.into()), ..self }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("default", &self.default)
            .field("actions", &self.actions)
            .field("lexicon", &self.lexicon)
            .finish_non_exhaustive()
    }
}
