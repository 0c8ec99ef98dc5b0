//! One request's texts, taken together: names found in one are names in the others, and all share one vault.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::entity::LITERAL;
use crate::finding::resolve;
use crate::placeholder::{HASH, LONG, look_alikes, tag};
use crate::redactor::occurrences;
use crate::restore::is_restored;
use crate::vault::{Place, Vault, next_prefix};
use crate::{Action, Entity, Fault, Finding, RedactError, Redactor, Scope};

/// After so many rounds no more is found in what was redacted already.
const ROUNDS: usize = 4;

pub(crate) struct Session<'r> {
    redactor: &'r Redactor,
    vault: Vault,
    counts: Vec<(Entity, u32)>,
    names: BTreeSet<String>,
}

/// What a session leaves behind.
pub(crate) struct Outcome {
    pub(crate) vault: Vault,
    pub(crate) counts: Vec<(Entity, u32)>,
}

/// One text of a request.
pub(crate) struct Text {
    /// What stands before it in the same breath: the key of a member. Looked at, not replaced.
    context: String,
    original: String,
    /// A number is replaced as a whole.
    whole: bool,
    redacted: Option<String>,
    /// What stands in the redacted text in place of what: where, and what restoring gives.
    stands_for: Vec<(Range<usize>, String)>,
    blocked: Vec<Entity>,
    changed: bool,
}

/// A replacement in a text.
struct Edit {
    range: Range<usize>,
    replacement: String,
    /// What restoring gives: the value, or the replacement if that is for good.
    restored: String,
}

impl Text {
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            context: String::new(),
            original: text.to_owned(),
            whole: false,
            redacted: None,
            stands_for: Vec::new(),
            blocked: Vec::new(),
            changed: true,
        }
    }

    /// The text of a member called `key`.
    pub(crate) fn member(key: &str, text: &str) -> Self {
        Self { context: format!("{key}: "), ..Self::plain(text) }
    }

    /// A text that is replaced as a whole if anything in it is.
    pub(crate) fn number(key: Option<&str>, text: &str) -> Self {
        Self { whole: true, ..key.map_or_else(|| Self::plain(text), |key| Self::member(key, text)) }
    }

    /// The redacted text, if anything in it was replaced.
    pub(crate) fn into_redacted(self) -> Option<String> {
        self.redacted
    }

    pub(crate) fn blocked(&self) -> &[Entity] {
        &self.blocked
    }

    fn current(&self) -> &str {
        self.redacted.as_deref().unwrap_or(&self.original)
    }

    /// What the redacted text has to become when it is restored.
    fn expected(&self) -> String {
        let edits = self.stands_for.iter().map(|(range, restored)| (range, restored.as_str()));
        with_edits(self.current(), edits)
    }

    /// Makes `edits`, disjoint and in order.
    fn edit(&mut self, edits: Vec<Edit>) {
        let redacted = with_edits(self.current(), edits.iter().map(|edit| (&edit.range, edit.replacement.as_str())));
        let mut stands_for = Vec::with_capacity(self.stands_for.len() + edits.len());
        for (range, restored) in std::mem::take(&mut self.stands_for) {
            if !edits.iter().any(|edit| edit.range.start < range.end && range.start < edit.range.end) {
                stands_for.push((shifted(&range, &edits), restored));
            }
        }
        for edit in &edits {
            let start = shifted(&edit.range, &edits).start;
            stands_for.push((start..start + edit.replacement.len(), edit.restored.clone()));
        }
        stands_for.sort_unstable_by_key(|(range, _)| range.start);
        self.stands_for = stands_for;
        self.redacted = Some(redacted);
        self.changed = true;
    }

    /// Back to the caller's own text.
    fn reset(&mut self) {
        self.redacted = None;
        self.stands_for.clear();
    }
}

/// Where `range` lies after the edits before it.
fn shifted(range: &Range<usize>, edits: &[Edit]) -> Range<usize> {
    let before = edits.iter().take_while(|edit| edit.range.end <= range.start);
    let (gone, come) = before.fold((0, 0), |(gone, come), edit| (gone + edit.range.len(), come + edit.replacement.len()));
    range.start + come - gone..range.end + come - gone
}

impl<'r> Session<'r> {
    pub(crate) fn new(redactor: &'r Redactor, scope: &Scope) -> Self {
        Self { redactor, vault: redactor.vault(scope), counts: Vec::new(), names: BTreeSet::new() }
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
        for round in 0..ROUNDS {
            let found = self.find(&texts)?;
            if !self.apply(&mut texts, &found, round == 0)? {
                break;
            }
        }
        self.protect_literals(&mut texts)?;
        for text in texts.iter().filter(|text| text.redacted.is_some()) {
            self.vault.remember_urls(text.current());
        }
        Ok(texts)
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
                new_names |= self.names.insert(name);
            }
            all.push(found);
        }
        if new_names {
            let names: Vec<_> = self.names.iter().cloned().collect();
            for (text, found) in texts.iter().zip(&mut all) {
                found.extend(occurrences(text.current(), &names));
                *found = self.outside_placeholders(text.current(), resolve(std::mem::take(found)));
            }
        }
        Ok(all)
    }

    fn find_in(&self, text: &Text) -> Result<Vec<Finding>, Fault> {
        let current = text.current();
        let mut found = if text.context.is_empty() {
            self.redactor.find_raw(current)?
        } else {
            let mut found = self.redactor.find_raw(&format!("{}{current}", text.context))?;
            let before = text.context.len();
            found.retain_mut(|finding| {
                finding.range = finding.range.start.saturating_sub(before)..finding.range.end.saturating_sub(before);
                !finding.range.is_empty()
            });
            found
        };
        if text.whole && !found.is_empty() {
            found.iter_mut().for_each(|finding| finding.range = 0..current.len());
        }
        Ok(self.outside_placeholders(current, resolve(found)))
    }

    /// Cuts what already is a placeholder, or looks like one, out of `found`.
    fn outside_placeholders(&self, text: &str, found: Vec<Finding>) -> Vec<Finding> {
        if found.is_empty() {
            return found;
        }
        let mut outside = found;
        for known in look_alikes(text, self.redactor.labels()) {
            outside = outside.into_iter().flat_map(|finding| cut_out(finding, &known)).collect();
        }
        outside
    }

    /// Replaces what was found; gives whether anything was.
    fn apply(&mut self, texts: &mut [Text], found: &[Vec<Finding>], first: bool) -> Result<bool, Fault> {
        let mut any = false;
        for (text, found) in texts.iter_mut().zip(found) {
            text.changed = false;
            let mut edits = Vec::new();
            for finding in found {
                let action = self.redactor.action(&finding.entity);
                if first || action != Action::Shadow {
                    self.count(&finding.entity);
                }
                if action == Action::Block {
                    text.blocked.push(finding.entity.clone());
                }
                edits.extend(self.edit(text.current(), finding, action)?);
            }
            if !edits.is_empty() {
                text.edit(edits);
                any = true;
            }
        }
        Ok(any)
    }

    fn edit(&mut self, text: &str, finding: &Finding, action: Action) -> Result<Option<Edit>, Fault> {
        let range = finding.range.clone();
        let value = text.get(range.clone()).ok_or_else(|| Fault::new("a finding off character boundaries"))?;
        let Some(replacement) = self.replacement(action, &finding.entity, value)? else { return Ok(None) };
        let restored = if action == Action::Replace { value.to_owned() } else { replacement.clone() };
        Ok(Some(Edit { range, replacement, restored }))
    }

    /// What stands for `value`, if anything does.
    fn replacement(&mut self, action: Action, entity: &Entity, value: &str) -> Result<Option<String>, Fault> {
        Ok(match action {
            Action::Replace => Some(self.placeholder(entity.label(), value)?),
            Action::Mask => Some(value.chars().map(|c| if c.is_alphanumeric() { '*' } else { c }).collect()),
            Action::Hash => {
                let code = self.vault.code(&format!("hash {}", entity.label()), value);
                Some(format!("{HASH}{}_{}", entity.label(), tag(&code, 0, LONG)))
            }
            Action::Block | Action::Allow | Action::Shadow => None,
        })
    }

    fn placeholder(&mut self, label: &str, value: &str) -> Result<String, Fault> {
        let placeholder = self.vault.placeholder(label, value).map(str::to_owned);
        placeholder.ok_or_else(|| Fault::new("every tag for a value is taken"))
    }

    fn count(&mut self, entity: &Entity) {
        match self.counts.iter_mut().find(|(known, _)| known == entity) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.counts.push((entity.clone(), 1)),
        }
    }

    /// Replaces the caller's own text that would be restored as if it were a placeholder of this request.
    fn protect_literals(&mut self, texts: &mut [Text]) -> Result<(), Fault> {
        if self.vault.is_empty() {
            return Ok(());
        }
        for text in texts.iter_mut().filter(|text| !(text.whole && text.redacted.is_some())) {
            if is_restored(&self.vault, &text.expected(), text.current()) {
                continue;
            }
            text.reset();
            let literals = self.literals(&text.original)?;
            text.edit(literals);
            self.redact_again(text)?;
            if !is_restored(&self.vault, &text.expected(), text.current()) {
                return Err(Fault::new("a text would not come back as it was"));
            }
        }
        Ok(())
    }

    /// Placeholders for every word of the caller's `text` that a placeholder could be read from.
    fn literals(&mut self, text: &str) -> Result<Vec<Edit>, Fault> {
        let mut edits = Vec::new();
        let mut at = 0;
        while let Some(start) = next_prefix(text, at) {
            let rest = &text[start..];
            let word = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'\\')).count();
            let end = match self.vault.at(rest) {
                Place::Whole { length, .. } => start + length.max(word),
                Place::Beginning => start + word.max(1),
                Place::Nothing if rest.get(3..).is_some_and(|rest| rest.starts_with(['_', '\\'])) => start + word,
                Place::Nothing => {
                    at = start + 1;
                    continue;
                }
            };
            let literal = text[start..end].to_owned();
            let replacement = self.placeholder(LITERAL, &literal)?;
            edits.push(Edit { range: start..end, replacement, restored: literal });
            at = end;
        }
        Ok(edits)
    }

    /// Redacts a text whose look-alikes were replaced; what is found was counted before.
    fn redact_again(&mut self, text: &mut Text) -> Result<(), Fault> {
        let counts = self.counts.clone();
        let names: Vec<_> = self.names.iter().cloned().collect();
        for _ in 0..ROUNDS {
            let mut found = self.find_in(text)?;
            found.extend(occurrences(text.current(), &names));
            let found = self.outside_placeholders(text.current(), resolve(found));
            if !self.apply(std::slice::from_mut(text), &[found], false)? {
                break;
            }
        }
        self.counts = counts;
        Ok(())
    }
}

/// What is left of `finding` outside `known`.
fn cut_out(finding: Finding, known: &Range<usize>) -> Vec<Finding> {
    let range = finding.range.clone();
    if range.end <= known.start || known.end <= range.start {
        return vec![finding];
    }
    let parts = [range.start..known.start.max(range.start), known.end.min(range.end)..range.end];
    parts.into_iter().filter(|part| !part.is_empty()).map(|range| Finding { range, ..finding.clone() }).collect()
}

fn with_edits<'a>(text: &str, edits: impl Iterator<Item = (&'a Range<usize>, &'a str)>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (range, replacement) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(replacement);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("vault", &self.vault).finish_non_exhaustive()
    }
}
