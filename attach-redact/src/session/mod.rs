//! One request's texts, taken together: names found in one are names in the others, and all share one vault.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use attach_core::exchange::{Coverage, Redaction};
use zeroize::Zeroizing;

use crate::budget::Deadline;
use crate::finding::resolve;
use crate::occurrences::Occurrences;
use crate::placeholder::{HASH, LONG, look_alikes, tag};
use crate::vault::Vault;
mod literals;
mod names;
mod text;

pub(crate) use self::text::Text;

use self::names::Names;
use self::text::Edit;
use crate::{Action, Entity, Fault, Finding, RedactError, Redactor, Scope};

/// After so many rounds no more is found in what was redacted already.
const ROUNDS: usize = 4;
/// Edits of one text between two looks at the clock.
const EDITS: usize = 256;

pub(crate) struct Session<'r> {
    redactor: &'r Redactor,
    vault: Vault,
    counts: Vec<(Entity, u32)>,
    names: Names,
    labels: Cow<'r, [String]>,
    deadline: Deadline,
}

/// What a session leaves behind.
pub(crate) struct Outcome {
    pub(crate) vault: Vault,
    pub(crate) counts: Vec<(Entity, u32)>,
}

impl<'r> Session<'r> {
    pub(crate) fn new(redactor: &'r Redactor, scope: &Scope, deadline: Deadline) -> Self {
        let labels = Cow::Borrowed(redactor.labels());
        let (counts, names) = (Vec::new(), Names::default());
        Self { redactor, vault: redactor.vault(scope), counts, names, labels, deadline }
    }

    /// Knows the placeholders of entities that only somebody elsewhere knew.
    fn learn_labels(&mut self, texts: &[Text]) {
        for label in texts.iter().flat_map(Text::seen_labels) {
            if let Err(place) = self.labels.binary_search_by(|known| known.as_str().cmp(label)) {
                self.labels.to_mut().insert(place, label.to_owned());
            }
        }
    }

    /// Redacts `texts`, or says what in them is blocked.
    pub(crate) fn redact(&mut self, texts: Vec<Text>) -> Result<Vec<Text>, RedactError> {
        let texts = self.redact_unless_blocked(texts).map_err(RedactError::Fault)?;
        let mut blocked: Vec<_> = texts.iter().flat_map(|text| text.blocked.iter().cloned()).collect();
        if blocked.is_empty() {
            return Ok(texts);
        }
        blocked.sort_unstable();
        blocked.dedup();
        Err(RedactError::Blocked(blocked))
    }

    /// Redacts `texts`; if something in one is blocked, that one says so and none is to be used.
    pub(crate) fn redact_unless_blocked(&mut self, mut texts: Vec<Text>) -> Result<Vec<Text>, Fault> {
        self.learn_labels(&texts);
        let mut settled = false;
        for round in 0..ROUNDS {
            let found = self.find(&texts)?;
            settled = !self.apply(&mut texts, &found, round == 0)?;
            if settled {
                break;
            }
        }
        // What was replaced last may have left something to be found.
        if !settled && self.find(&texts)?.iter().any(|found| !found.is_empty()) {
            return Err(Fault::new("the text did not settle"));
        }
        self.protect_literals(&mut texts)?;
        for text in texts.iter().filter(|text| text.redacted.is_some()) {
            self.vault.remember_urls(text.current());
        }
        Ok(texts)
    }

    /// How many of each entity were found so far.
    pub(crate) fn facts(&self, coverage: Coverage) -> Redaction {
        let mut facts = self.redactor.facts();
        facts.counts = self.counts.iter().map(|(entity, count)| (entity.name().into(), *count)).collect();
        facts.coverage = coverage;
        facts
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        Outcome { vault: self.vault, counts: self.counts }
    }

    /// What is found in each text that changed, names found in any included.
    fn find(&mut self, texts: &[Text]) -> Result<Vec<Vec<Finding>>, Fault> {
        let mut all = Vec::with_capacity(texts.len());
        let mut new_names = false;
        for text in texts {
            let found = if text.changed { self.find_in(text)? } else { Vec::new() };
            for name in self.redactor.names_in(text.current(), &found) {
                new_names |= self.names.add(name);
            }
            all.push(found);
        }
        if new_names {
            let names = Occurrences::of(self.names.iter());
            for (text, found) in texts.iter().zip(&mut all) {
                self.deadline.check()?;
                found.extend(names.find(text.current(), text.reads));
                *found = self.outside_placeholders(text.current(), self.resolve(std::mem::take(found)));
            }
        }
        Ok(all)
    }

    fn find_in(&self, text: &Text) -> Result<Vec<Finding>, Fault> {
        let current = text.current();
        let mut found = if text.context.is_empty() {
            self.redactor.find_raw(current, text.reads, &self.deadline)?
        } else {
            let whole = Zeroizing::new(format!("{}{current}", text.context));
            let mut found = self.redactor.find_raw(&whole, text.reads, &self.deadline)?;
            let before = text.context.len();
            found.retain_mut(|finding| {
                finding.range =
                    finding.range.start.saturating_sub(before)..finding.range.end.saturating_sub(before);
                !finding.range.is_empty()
            });
            found
        };
        found.extend(text.seen(|finding, value| self.redactor.acts_on(finding, value)));
        if text.whole && !found.is_empty() {
            found.iter_mut().for_each(|finding| finding.range = 0..current.len());
        }
        Ok(self.outside_placeholders(current, self.resolve(found)))
    }

    /// Makes disjoint findings of `found`. What is only counted neither hides what it overlaps nor makes it longer.
    fn resolve(&self, found: Vec<Finding>) -> Vec<Finding> {
        let is_shadow = |finding: &Finding| self.redactor.action(&finding.entity) == Action::Shadow;
        let (shadows, acted): (Vec<_>, Vec<_>) = found.into_iter().partition(is_shadow);
        if shadows.is_empty() {
            return resolve(acted);
        }
        if acted.is_empty() {
            return resolve(shadows);
        }
        let mut all = resolve(acted);
        let known: Vec<_> = all.iter().map(|finding| finding.range.clone()).collect();
        all.extend(resolve(shadows).iter().flat_map(|shadow| cut_out(shadow, &known)));
        all.sort_by_key(|finding| finding.range.start);
        all
    }

    /// Cuts what already is a placeholder, or looks like one, out of `found`.
    fn outside_placeholders(&self, text: &str, found: Vec<Finding>) -> Vec<Finding> {
        if found.is_empty() {
            return found;
        }
        let known: Vec<_> = look_alikes(text, &self.labels).collect();
        if known.is_empty() {
            return found;
        }
        found.into_iter().flat_map(|finding| cut_out(&finding, &known)).collect()
    }

    /// Replaces what was found; gives whether anything was.
    fn apply(&mut self, texts: &mut [Text], found: &[Vec<Finding>], first: bool) -> Result<bool, Fault> {
        let mut any = false;
        for (text, found) in texts.iter_mut().zip(found) {
            self.deadline.check()?;
            text.changed = false;
            let mut edits = Vec::new();
            for (at, finding) in found.iter().enumerate() {
                if at % EDITS == EDITS - 1 {
                    self.deadline.check()?;
                }
                let action = self.redactor.action(&finding.entity);
                if first || action != Action::Shadow {
                    self.count(&finding.entity);
                }
                if action == Action::Block {
                    text.blocked.push(finding.entity.clone());
                }
                edits.extend(self.edit(text, finding, action)?);
            }
            if !edits.is_empty() {
                self.show(text, &edits);
                text.edit(edits);
                any = true;
            }
        }
        Ok(any)
    }

    fn edit(&mut self, text: &Text, finding: &Finding, action: Action) -> Result<Option<Edit>, Fault> {
        let range = finding.range.clone();
        let value = text.current().get(range.clone());
        let value = value.ok_or_else(|| Fault::new("a finding off character boundaries"))?;
        let replacement = if action == Action::Replace && text.is_json && value.contains('\\') {
            let placeholder = self.vault.escaped(finding.entity.label(), value).map(str::to_owned);
            Some(placeholder.ok_or_else(taken)?)
        } else {
            self.replacement(action, &finding.entity, value)?
        };
        let Some(replacement) = replacement else { return Ok(None) };
        let restored = if action == Action::Replace { value.to_owned() } else { replacement.clone() };
        Ok(Some(Edit { range, replacement, restored: Zeroizing::new(restored) }))
    }

    /// What stands for `value`, if anything does.
    pub(crate) fn replacement(
        &mut self,
        action: Action,
        entity: &Entity,
        value: &str,
    ) -> Result<Option<String>, Fault> {
        Ok(match action {
            Action::Replace => Some(self.placeholder(entity.label(), value)?),
            Action::Mask => Some(value.chars().map(masked).collect()),
            Action::Hash => {
                let code = self.vault.code(&format!("hash {}", entity.label()), value);
                Some(format!("{HASH}{}_{}", entity.label(), tag(&code, 0, LONG)))
            }
            Action::Block | Action::Allow | Action::Shadow => None,
        })
    }

    fn placeholder(&mut self, label: &str, value: &str) -> Result<String, Fault> {
        let placeholder = self.vault.placeholder(label, value).map(str::to_owned);
        placeholder.ok_or_else(taken)
    }

    /// What stands in `text` the caller may have back.
    fn show(&mut self, text: &Text, edits: &[Edit]) {
        if !text.hidden {
            edits.iter().for_each(|edit| self.vault.show(&edit.replacement));
        }
    }

    fn count(&mut self, entity: &Entity) {
        match self.counts.iter_mut().find(|(known, _)| known == entity) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.counts.push((entity.clone(), 1)),
        }
    }
}

fn taken() -> Fault {
    Fault::new("every tag for a value is taken")
}

/// A backslash before an asterisk would be an escape that nobody knows.
fn masked(c: char) -> char {
    if c.is_alphanumeric() || c == '\\' { '*' } else { c }
}

/// What is left of `finding` outside the ranges `known`, which are in order.
fn cut_out(finding: &Finding, known: &[Range<usize>]) -> Vec<Finding> {
    let Range { start, end } = finding.range;
    let mut left = Vec::new();
    let mut at = start;
    let first = known.partition_point(|range| range.end <= start);
    for range in known[first..].iter().take_while(|range| range.start < end) {
        left.push(at..range.start.max(at));
        at = range.end.max(at);
    }
    left.push(at..end.max(at));
    left.into_iter()
        .filter(|part| !part.is_empty())
        .map(|range| Finding { range, ..finding.clone() })
        .collect()
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("vault", &self.vault).finish_non_exhaustive()
    }
}
