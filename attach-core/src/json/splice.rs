//! Replacing strings in place: every other byte stays, and nothing is parsed again.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::document::Document;
use super::node::{Kind, Node, NodeId};
use super::string::escape_into;
use super::value::Value;

/// One replacement in a [`Document`].
#[derive(Clone)]
pub struct Edit {
    node: NodeId,
    target: Target,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Value,
    Key,
}

impl Edit {
    /// Replaces a string or a number by the string `text`.
    #[must_use]
    pub fn string(node: NodeId, text: impl Into<String>) -> Self {
        Self { node, target: Target::Value, text: text.into() }
    }

    /// Renames the member `node` to `key`.
    #[must_use]
    pub fn key(node: NodeId, key: impl Into<String>) -> Self {
        Self { node, target: Target::Key, text: key.into() }
    }

    /// The bytes that go.
    fn span(&self, document: &Document) -> Result<Range<usize>, SpliceError> {
        let node = document.nodes().get(self.node.index()).ok_or(SpliceError::NoSuchValue)?;
        match self.target {
            Target::Value if matches!(node.kind, Kind::String | Kind::Number) => {
                Ok(node.start as usize..node.end as usize)
            }
            Target::Key if node.has_key() && self.text.chars().any(char::is_control) => {
                Err(SpliceError::ControlCharacter)
            }
            Target::Key if node.has_key() => Ok(node.key_start as usize..node.key_end as usize),
            Target::Value | Target::Key => Err(SpliceError::NotReplaceable),
        }
    }
}

/// Shows neither the old text nor the new.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").field("node", &self.node).field("target", &self.target).finish_non_exhaustive()
    }
}

/// Why a document cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceError {
    /// The edit's node is of another document.
    NoSuchValue,
    /// Neither a string nor a number, or no member of an object.
    NotReplaceable,
    /// Two edits of one place.
    EditedTwice,
    /// A control character in the new key.
    ControlCharacter,
    /// The object has the new key already.
    DuplicateKey,
    /// The new document would have 4 GiB or more.
    TooLarge,
}

impl fmt::Display for SpliceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchValue => "no such value",
            Self::NotReplaceable => "neither a string nor a number, or no member of an object",
            Self::EditedTwice => "one place edited twice",
            Self::ControlCharacter => "control character in a key",
            Self::DuplicateKey => "duplicate key",
            Self::TooLarge => "document too large",
        })
    }
}

impl Error for SpliceError {}

impl Document {
    /// The document with `edits` made, in any order. Every other byte stays, and every [`NodeId`] stays valid.
    ///
    /// # Errors
    ///
    /// A place that cannot be edited or is edited twice; a key that cannot be there. No edit is made then.
    pub fn splice(&self, edits: &[Edit]) -> Result<Self, SpliceError> {
        if edits.is_empty() {
            return Ok(self.clone());
        }
        let mut ordered = Vec::with_capacity(edits.len());
        for edit in edits {
            ordered.push((edit.span(self)?, edit));
        }
        ordered.sort_unstable_by_key(|(span, _)| span.start);
        if ordered.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(SpliceError::EditedTwice);
        }
        let (bytes, shifts) = rewrite(self.bytes(), &ordered);
        if u32::try_from(bytes.len()).is_err() {
            return Err(SpliceError::TooLarge);
        }
        let mut nodes: Vec<_> = self.nodes().iter().map(|node| moved(node, &shifts)).collect();
        for edit in edits {
            if let Some(node) = nodes.get_mut(edit.node.index()) {
                mark(node, edit, &bytes);
            }
        }
        let spliced = Self::from_parts(Bytes::from(bytes), nodes);
        spliced.refuse_duplicates(edits)?;
        Ok(spliced)
    }

    /// Looks at the objects that have a renamed member, each once.
    fn refuse_duplicates(&self, edits: &[Edit]) -> Result<(), SpliceError> {
        let mut objects = HashSet::new();
        for edit in edits.iter().filter(|edit| edit.target == Target::Key) {
            let Some(object) = self.value(edit.node).parent() else {
                continue;
            };
            if objects.insert(object.id()) && has_duplicates(object) {
                return Err(SpliceError::DuplicateKey);
            }
        }
        Ok(())
    }
}

fn has_duplicates(object: Value<'_>) -> bool {
    let mut seen = HashSet::new();
    object.members().any(|(key, _)| !seen.insert(key))
}

/// From `from` on, offsets move by `by`.
struct Shift {
    from: usize,
    by: i64,
}

fn rewrite(old: &[u8], edits: &[(Range<usize>, &Edit)]) -> (Vec<u8>, Vec<Shift>) {
    let added: usize = edits.iter().map(|(_, edit)| edit.text.len() + 2).sum();
    let mut new = Vec::with_capacity(old.len() + added);
    let mut shifts = Vec::with_capacity(edits.len());
    let mut copied = 0;
    for (span, edit) in edits {
        new.extend_from_slice(old.get(copied..span.start).unwrap_or_default());
        new.push(b'"');
        escape_into(&edit.text, &mut new);
        new.push(b'"');
        copied = span.end;
        shifts.push(Shift { from: span.end, by: new.len() as i64 - span.end as i64 });
    }
    new.extend_from_slice(old.get(copied..).unwrap_or_default());
    (new, shifts)
}

/// The node at its new place. An edited span's end is where its shift begins, so it moves with what follows.
fn moved(node: &Node, shifts: &[Shift]) -> Node {
    let at = |offset: u32| {
        let passed = shifts.partition_point(|shift| shift.from <= offset as usize);
        let by = passed.checked_sub(1).and_then(|last| shifts.get(last)).map_or(0, |shift| shift.by);
        // Within the new length, which was checked to fit.
        (i64::from(offset) + by) as u32
    };
    let key_end = if node.has_key() { at(node.key_end) } else { 0 };
    let key_start = if node.has_key() { at(node.key_start) } else { 0 };
    Node { start: at(node.start), end: at(node.end), key_start, key_end, ..*node }
}

/// What the edit changed about the node besides its place.
fn mark(node: &mut Node, edit: &Edit, bytes: &[u8]) {
    match edit.target {
        Target::Value => {
            node.kind = Kind::String;
            node.escaped = node.raw_string(bytes).contains(&b'\\');
        }
        Target::Key => node.key_escaped = node.raw_key(bytes).contains(&b'\\'),
    }
}
