//! A caller's own text that reads as a placeholder.

use zeroize::Zeroizing;

use super::text::Edit;
use super::{ROUNDS, Session, Text};
use crate::Fault;
use crate::entity::LITERAL;
use crate::occurrences::Occurrences;
use crate::restore::is_restored;
use crate::vault::{Place, next_prefix};

impl Session<'_> {
    /// Replaces the caller's own text that would be restored as if it were a placeholder of this request.
    pub(super) fn protect_literals(&mut self, texts: &mut [Text]) -> Result<(), Fault> {
        if self.vault.is_empty() {
            return Ok(());
        }
        for text in texts.iter_mut().filter(|text| !(text.signed || text.whole && text.redacted.is_some())) {
            self.deadline.check()?;
            if text.redacted.is_none() && next_prefix(text.current(), 0).is_none() {
                continue;
            }
            if is_restored(&self.vault, &text.expected(), text.current()) {
                continue;
            }
            let literals = self.literals(&text.original)?;
            self.show(text, &literals);
            text.edit_literals(literals);
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
        let (mut at, mut word) = (0, 0);
        while let Some(start) = next_prefix(text, at) {
            let rest = &text[start..];
            // A word may have many beginnings; its end is looked for once.
            if start >= word {
                let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'\\');
                word = start + rest.bytes().take_while(inside).count();
            }
            let end = match self.vault.at(rest) {
                Place::Whole { length, .. } => word.max(start + length),
                Place::Beginning => word,
                Place::Nothing if rest.get(3..).is_some_and(|rest| rest.starts_with(['_', '\\'])) => word,
                Place::Nothing => {
                    at = start + 1;
                    continue;
                }
            };
            let literal = Zeroizing::new(text[start..end].to_owned());
            let replacement = self.placeholder(LITERAL, &literal)?;
            edits.push(Edit { range: start..end, replacement, restored: literal });
            at = end;
        }
        Ok(edits)
    }

    /// Redacts a text whose look-alikes were replaced; what is found was counted before.
    fn redact_again(&mut self, text: &mut Text) -> Result<(), Fault> {
        let counts = self.counts.clone();
        let names = Occurrences::of(self.names.iter());
        let mut settled = false;
        for _ in 0..=ROUNDS {
            let mut found = self.find_in(text)?;
            found.extend(names.find(text.current(), text.reads));
            let found = self.outside_placeholders(text.current(), self.resolve(found));
            settled = !self.apply(std::slice::from_mut(text), &[found], false)?;
            if settled {
                break;
            }
        }
        if !settled {
            return Err(Fault::new("the text did not settle"));
        }
        self.counts = counts;
        Ok(())
    }
}
