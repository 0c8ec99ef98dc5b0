use std::error::Error;
use std::fmt;
use std::ops::Range;

use super::document::Document;
use super::node::{Kind, NodeId};

/// One change of a [`Document`]: see [`Document::splice`].
#[derive(Clone)]
pub struct Edit {
    pub(super) node: NodeId,
    pub(super) change: Change,
}

#[derive(Clone)]
pub(super) enum Change {
    /// A string instead of a string or a number.
    String(String),
    /// JSON as written instead of what has nothing in it.
    Raw(String),
    /// Another key.
    Key(String),
    /// One member more.
    Insert { key: String, value: String },
}

impl Edit {
    /// Replaces a string or a number by the string `text`.
    #[must_use]
    pub fn string(node: NodeId, text: impl Into<String>) -> Self {
        Self { node, change: Change::String(text.into()) }
    }

    /// Replaces a string, a number, a boolean or null by `json`, one value of any kind.
    ///
    /// What is inside an array or object that is put there has no nodes: [`Value::get`](super::Value::get) does not find
    /// it until the bytes are parsed again.
    #[must_use]
    pub fn raw(node: NodeId, json: impl Into<String>) -> Self {
        Self { node, change: Change::Raw(json.into()) }
    }

    /// Renames the member `node` to `key`.
    #[must_use]
    pub fn key(node: NodeId, key: impl Into<String>) -> Self {
        Self { node, change: Change::Key(key.into()) }
    }

    /// Puts the member `key` into the object `node`, before the others; its value is `json`.
    ///
    /// The member has no node, because every [`NodeId`] keeps its meaning: [`Value::get`](super::Value::get) does not find
    /// it until the bytes are parsed again. That it is there is remembered all the same, so that no later splice gives the
    /// object a second member of that key.
    #[must_use]
    pub fn insert(object: NodeId, key: impl Into<String>, json: impl Into<String>) -> Self {
        Self { node: object, change: Change::Insert { key: key.into(), value: json.into() } }
    }

    /// The bytes that go; none, at the place where a member comes in.
    pub(super) fn span(&self, document: &Document) -> Result<Range<usize>, SpliceError> {
        let node = document.nodes().get(self.node.index()).ok_or(SpliceError::NoSuchValue)?;
        let (start, end) = (node.start as usize, node.end as usize);
        match &self.change {
            Change::String(_) if matches!(node.kind, Kind::String | Kind::Number) => Ok(start..end),
            Change::Raw(json) if !matches!(node.kind, Kind::Array | Kind::Object) => {
                check(json)?;
                Ok(start..end)
            }
            Change::Key(key) if node.has_key() => {
                check_key(key)?;
                Ok(node.key_start as usize..node.key_end as usize)
            }
            Change::Insert { key, value } if node.kind == Kind::Object => {
                check_key(key)?;
                check(value)?;
                Ok(start + 1..start + 1)
            }
            _ => Err(SpliceError::NotReplaceable),
        }
    }

    pub(super) fn is_insert(&self) -> bool {
        matches!(self.change, Change::Insert { .. })
    }

    /// The text that comes in, as far as its length is known.
    pub(super) fn length(&self) -> usize {
        match &self.change {
            Change::String(text) | Change::Raw(text) | Change::Key(text) => text.len() + 2,
            Change::Insert { key, value } => key.len() + value.len() + 4,
        }
    }
}

fn check_key(key: &str) -> Result<(), SpliceError> {
    if key.chars().any(char::is_control) { Err(SpliceError::ControlCharacter) } else { Ok(()) }
}

fn check(json: &str) -> Result<(), SpliceError> {
    match Document::parse(json.as_bytes().to_vec().into()) {
        // No white space around it: the value is where its node says.
        Ok(document) if document.root().raw().len() == json.len() => Ok(()),
        _ => Err(SpliceError::NotJson),
    }
}

/// Shows neither the old text nor the new.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = match self.change {
            Change::String(_) => "String",
            Change::Raw(_) => "Raw",
            Change::Key(_) => "Key",
            Change::Insert { .. } => "Insert",
        };
        f.debug_struct("Edit").field("node", &self.node).field("change", &change).finish_non_exhaustive()
    }
}

/// Why a document cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpliceError {
    /// The edit's node is of another document.
    NoSuchValue,
    /// A value of a kind that is not replaced so, or no member of an object, or no object.
    NotReplaceable,
    /// Two edits of one place.
    EditedTwice,
    /// A control character in the new key.
    ControlCharacter,
    /// The object has the new key already.
    DuplicateKey,
    /// What is to be put in is not one JSON value, with nothing around it.
    NotJson,
    /// The new document would have 4 GiB or more.
    TooLarge,
}

impl fmt::Display for SpliceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchValue => "no such value",
            Self::NotReplaceable => "a value of another kind, or no member of an object",
            Self::EditedTwice => "one place edited twice",
            Self::ControlCharacter => "control character in a key",
            Self::DuplicateKey => "duplicate key",
            Self::NotJson => "not one JSON value",
            Self::TooLarge => "document too large",
        })
    }
}

impl Error for SpliceError {}
