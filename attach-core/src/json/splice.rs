//! Changing values in place: every other byte stays, and nothing is parsed again.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;

use super::document::{Added, Document};
use super::edit::{Change, Edit, SpliceError};
use super::node::{Kind, Node, NodeId};
use super::string::escape_into;
use super::value::Value;

impl Document {
    /// The document with `edits` made, in any order. Every other byte stays, and every [`NodeId`] stays valid.
    ///
    /// # Errors
    ///
    /// A place that cannot be edited or is edited twice; a key that cannot be there; what is not JSON. No edit is made
    /// then.
    pub fn splice(&self, edits: &[Edit]) -> Result<Self, SpliceError> {
        if edits.is_empty() {
            return Ok(self.clone());
        }
        let mut ordered = Vec::with_capacity(edits.len());
        for edit in edits {
            ordered.push((edit.span(self)?, edit));
        }
        // Members that come into one object keep the order in which they were given.
        ordered.sort_by_key(|(span, _)| (span.start, span.end));
        let twice = |pair: &[(Range<usize>, &Edit)]| pair[0].0 == pair[1].0 && !pair[0].1.is_insert();
        if ordered.windows(2).any(twice) {
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
        let added = edits.iter().flat_map(added);
        let spliced = Self::from_parts(Bytes::from(bytes), nodes, self.added(), added);
        spliced.refuse_duplicates(edits)?;
        Ok(spliced)
    }

    /// Looks at the objects that have a member of another name, or one more, each once.
    fn refuse_duplicates(&self, edits: &[Edit]) -> Result<(), SpliceError> {
        let mut objects = HashSet::new();
        for edit in edits {
            let object = match edit.change {
                Change::Key(_) => self.value(edit.node).parent().map(Value::id),
                Change::Insert { .. } => Some(edit.node),
                Change::String(_) | Change::Raw(_) => None,
            };
            if let Some(object) = object
                && objects.insert(object)
                && self.has_duplicates(object)
            {
                return Err(SpliceError::DuplicateKey);
            }
        }
        Ok(())
    }

    fn has_duplicates(&self, object: NodeId) -> bool {
        let mut seen = HashSet::new();
        let known = self.value(object).members().map(|(key, _)| key);
        let added = self.added().iter().filter(|added| added.object == object);
        known.chain(added.map(|added| (&*added.key).into())).any(|key| !seen.insert(key))
    }
}

/// The members without nodes that `edit` brings.
fn added(edit: &Edit) -> Vec<Added> {
    match &edit.change {
        Change::Insert { key, .. } => vec![Added { object: edit.node, key: key.as_str().into() }],
        Change::Raw(json) if json.starts_with('{') => {
            let Ok(new) = Document::parse(json.as_bytes().to_vec().into()) else { return Vec::new() };
            let members = new.root().members();
            members.map(|(key, _)| Added { object: edit.node, key: key.into() }).collect()
        }
        _ => Vec::new(),
    }
}

/// From `from` on, offsets move by `by`.
struct Shift {
    from: usize,
    by: i64,
}

fn rewrite(old: &[u8], edits: &[(Range<usize>, &Edit)]) -> (Vec<u8>, Vec<Shift>) {
    let added: usize = edits.iter().map(|(_, edit)| edit.length()).sum();
    let mut new = Vec::with_capacity(old.len() + added);
    let mut shifts = Vec::with_capacity(edits.len());
    let mut copied = 0;
    for (index, (span, edit)) in edits.iter().enumerate() {
        new.extend_from_slice(old.get(copied..span.start).unwrap_or_default());
        match &edit.change {
            Change::String(text) | Change::Key(text) => quote(text, &mut new),
            Change::Raw(json) => new.extend_from_slice(json.as_bytes()),
            Change::Insert { key, value } => {
                quote(key, &mut new);
                new.push(b':');
                new.extend_from_slice(value.as_bytes());
                let another = edits.get(index + 1).is_some_and(|next| next.1.is_insert() && next.0 == *span);
                if another || !is_empty_from(old, span.end) {
                    new.push(b',');
                }
            }
        }
        copied = span.end;
        shifts.push(Shift { from: span.end, by: new.len() as i64 - span.end as i64 });
    }
    new.extend_from_slice(old.get(copied..).unwrap_or_default());
    (new, shifts)
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text, out);
    out.push(b'"');
}

/// Whether the object whose opening brace is before `at` has no members. Its bytes say so: not every member has a node.
fn is_empty_from(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).unwrap_or_default().trim_ascii_start().starts_with(b"}")
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
    match &edit.change {
        Change::Key(_) => node.key_escaped = node.raw_key(bytes).contains(&b'\\'),
        Change::String(_) => node.kind = Kind::String,
        Change::Raw(json) => node.kind = kind(json),
        Change::Insert { .. } => {}
    }
    node.escaped = node.kind == Kind::String && node.raw_string(bytes).contains(&b'\\');
}

/// What a JSON value is, by its first byte.
fn kind(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}
