//! One text on its way: what was replaced in it so far, and by what.

use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::engine::Reads;
use crate::{Entity, Finding};

/// One text of a request.
pub(crate) struct Text {
    /// What stands before it in the same breath: the key of a member. Looked at, not replaced.
    pub(super) context: String,
    pub(super) original: Zeroizing<String>,
    /// A number is replaced as a whole.
    pub(super) whole: bool,
    /// The provider's own words under its signature: placeholders in them are its spelling of ours, and stay.
    pub(super) signed: bool,
    /// The operator's words, not the caller's: values in it are not the caller's to get back.
    pub(super) hidden: bool,
    pub(super) reads: Reads,
    /// It is JSON to whoever takes it for that, so a value in it is written as JSON writes it.
    pub(super) is_json: bool,
    pub(super) redacted: Option<String>,
    /// What stands in the redacted text in place of what: where, and what restoring gives.
    stands_for: Vec<(Range<usize>, Zeroizing<String>)>,
    pub(super) blocked: Vec<Entity>,
    pub(super) changed: bool,
    /// What was found elsewhere, in the original.
    seen: Vec<Finding>,
    /// Nothing but look-alikes of placeholders was replaced, so what was found elsewhere is still there.
    early: bool,
}

/// A replacement in a text.
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) replacement: String,
    /// What restoring gives: the value, or the replacement if that is for good.
    pub(super) restored: Zeroizing<String>,
}

impl Text {
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            context: String::new(),
            original: Zeroizing::new(text.to_owned()),
            whole: false,
            signed: false,
            hidden: false,
            reads: Reads::of(text),
            is_json: false,
            redacted: None,
            stands_for: Vec::new(),
            blocked: Vec::new(),
            changed: true,
            seen: Vec::new(),
            early: true,
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

    /// A text that a provider has signed.
    pub(crate) fn signed(text: &str) -> Self {
        Self { signed: true, ..Self::plain(text) }
    }

    /// The text as one whose values the caller is not to get back, if `hidden`.
    pub(crate) fn hidden(self, hidden: bool) -> Self {
        Self { hidden, ..self }
    }

    /// The text as one that stands where JSON belongs, and is none to us.
    pub(crate) fn nearly_json(self) -> Self {
        Self { reads: Reads::Json, is_json: true, ..self }
    }

    /// The redacted text, if anything in it was replaced.
    pub(crate) fn into_redacted(self) -> Option<String> {
        self.redacted
    }

    pub(crate) fn blocked(&self) -> &[Entity] {
        &self.blocked
    }

    /// Who may read it.
    pub(crate) fn reads(&self) -> Reads {
        self.reads
    }

    /// The text with what stands before it.
    pub(crate) fn in_context(&self) -> Cow<'_, str> {
        match self.context.as_str() {
            "" => Cow::Borrowed(&self.original),
            context => Cow::Owned(format!("{context}{}", *self.original)),
        }
    }

    /// Takes down what was found elsewhere in the text [in its context](Self::in_context).
    pub(crate) fn note(&mut self, mut findings: Vec<Finding>) {
        let before = self.context.len();
        findings.iter_mut().for_each(|finding| {
            let Range { start, end } = finding.range;
            finding.range = start.saturating_sub(before)..end.saturating_sub(before);
        });
        self.seen.extend(findings.into_iter().filter(|finding| !finding.range.is_empty()));
    }

    /// What was found elsewhere, `counts` as the value it is in the original, and was not replaced yet.
    pub(super) fn seen(&self, counts: impl Fn(&Finding, &str) -> bool) -> impl Iterator<Item = Finding> {
        let seen = if self.early { self.seen.as_slice() } else { &[] };
        let value = |finding: &Finding| self.original.get(finding.range.clone()).unwrap_or_default();
        let seen = seen.iter().filter(move |finding| counts(finding, value(finding)));
        seen.map(|finding| Finding { range: self.moved(&finding.range), ..finding.clone() })
    }

    /// The labels that what was found elsewhere gives to placeholders.
    pub(super) fn seen_labels(&self) -> impl Iterator<Item = &str> {
        self.seen.iter().map(|finding| finding.entity.label())
    }

    /// Where `range` of the original is now that look-alikes were replaced in it; with all of those it cuts into.
    fn moved(&self, range: &Range<usize>) -> Range<usize> {
        let (mut start, mut end, mut moved) = (range.start, range.end, 0_isize);
        for (now, original) in &self.stands_for {
            let from = now.start.saturating_add_signed(-moved);
            let to = from + original.len();
            if from >= range.end {
                break;
            }
            let grown = now.len() as isize - original.len() as isize;
            start = if range.start >= to { start.saturating_add_signed(grown) } else { start.min(now.start) };
            end = if range.end >= to { end.saturating_add_signed(grown) } else { now.end };
            moved += grown;
        }
        start..end
    }

    pub(super) fn current(&self) -> &str {
        self.redacted.as_deref().unwrap_or(&self.original)
    }

    /// What the redacted text has to become when it is restored.
    pub(super) fn expected(&self) -> Zeroizing<String> {
        let edits = self.stands_for.iter().map(|(range, restored)| (range, restored.as_str()));
        Zeroizing::new(with_edits(self.current(), edits))
    }

    /// Makes `edits`, disjoint and in order.
    pub(super) fn edit(&mut self, edits: Vec<Edit>) {
        let redacted =
            with_edits(self.current(), edits.iter().map(|edit| (&edit.range, edit.replacement.as_str())));
        let mut stands_for = Vec::with_capacity(self.stands_for.len() + edits.len());
        let mut earlier = std::mem::take(&mut self.stands_for).into_iter().peekable();
        let mut moved = 0_isize;
        for edit in edits {
            while let Some((range, restored)) = earlier.next_if(|(range, _)| range.end <= edit.range.start) {
                stands_for.push((shifted(&range, moved), restored));
            }
            // What is replaced once more stands for nothing any longer.
            while earlier.next_if(|(range, _)| range.start < edit.range.end).is_some() {}
            let start = edit.range.start.saturating_add_signed(moved);
            stands_for.push((start..start + edit.replacement.len(), edit.restored));
            moved += edit.replacement.len() as isize - edit.range.len() as isize;
        }
        stands_for.extend(earlier.map(|(range, restored)| (shifted(&range, moved), restored)));
        self.stands_for = stands_for;
        self.redacted = Some(redacted);
        self.changed = true;
        self.early = false;
    }

    /// Makes `edits` of the caller's own text that stand for themselves.
    pub(super) fn edit_literals(&mut self, edits: Vec<Edit>) {
        self.reset();
        self.edit(edits);
        self.early = true;
    }

    /// Back to the caller's own text.
    fn reset(&mut self) {
        self.redacted = None;
        self.stands_for.clear();
    }
}

fn shifted(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
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
