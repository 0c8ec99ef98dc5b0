use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::document::Document;
use super::node::{Kind, Node, NodeId};
use super::string::decode;
use super::{number, path};

/// One value of a [`Document`].
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    id: NodeId,
}

impl<'a> Value<'a> {
    pub(super) fn new(document: &'a Document, id: NodeId) -> Self {
        Self { document, id }
    }

    fn node(self) -> &'a Node {
        &self.document.nodes()[self.id.index()]
    }

    fn at(self, id: u32) -> Self {
        Self::new(self.document, NodeId(id))
    }

    /// The value's place in the document.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The member `key` of an object.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.children(Kind::Object).find(|member| member.has_key(key))
    }

    /// The elements of an array, in order; none for anything else.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        self.children(Kind::Array)
    }

    /// The members of an object, in order; none for anything else.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members(self.children(Kind::Object))
    }

    fn children(self, kind: Kind) -> Elements<'a> {
        let node = self.node();
        let end = if node.kind == kind { node.next } else { 0 };
        Elements { document: self.document, at: self.id.0 + 1, end }
    }

    /// Everything inside the value, in reading order, itself not included.
    pub fn descendants(self) -> impl Iterator<Item = Self> + use<'a> {
        (self.id.0 + 1..self.node().next).map(move |id| self.at(id))
    }

    /// The key, if the value is a member of an object; borrowed unless it has escapes.
    #[must_use]
    pub fn key(self) -> Option<Cow<'a, str>> {
        let node = self.node();
        node.has_key().then(|| decode(node.raw_key(self.document.bytes()), node.key_escaped))
    }

    /// The key as written, without its quotes.
    #[must_use]
    pub fn raw_key(self) -> Option<&'a [u8]> {
        let node = self.node();
        node.has_key().then(|| node.raw_key(self.document.bytes()))
    }

    fn has_key(self, key: &str) -> bool {
        let node = self.node();
        let raw = node.raw_key(self.document.bytes());
        if node.key_escaped { decode(raw, true) == key } else { raw == key.as_bytes() }
    }

    /// The text of a string; borrowed unless it has escapes.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let node = self.node();
        (node.kind == Kind::String).then(|| decode(node.raw_string(self.document.bytes()), node.escaped))
    }

    /// The value of `true` or `false`.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == b"true")
    }

    /// The value of a number spelled as a non-negative whole number, if it fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// The value of a number spelled as a whole number, if it fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// The double nearest to a number.
    #[must_use]
    pub fn as_f64(self) -> Option<f64> {
        number::as_f64(self.number()?.as_bytes())
    }

    fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| std::str::from_utf8(self.raw()).unwrap_or_default())
    }

    /// The value as written; a string with its quotes.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.document.bytes().get(self.span()).unwrap_or_default()
    }

    /// Where the value is written.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// From the key's first byte to the value's last, if the value is a member of an object.
    #[must_use]
    pub fn member_span(self) -> Option<Range<usize>> {
        let node = self.node();
        node.has_key().then_some(node.key_start as usize..node.end as usize)
    }

    pub(crate) fn document(self) -> &'a Document {
        self.document
    }

    /// The array or object around the value.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        let parent = self.node().parent;
        (parent != Node::NONE).then(|| self.at(parent))
    }

    /// The path to the value, for messages: `$.messages[0].content`, keys that are not identifiers as `["k"]`.
    /// Bounded; takes time with the number of elements before it.
    #[must_use]
    pub fn path(self) -> String {
        path::of(self.document.bytes(), self.document.nodes(), self.id.0)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("kind", &self.kind()).field("span", &self.span()).finish()
    }
}

/// The elements of an array. See [`Value::elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    document: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value::new(self.document, NodeId(self.at));
        self.at = value.node().next;
        Some(value)
    }
}

/// The members of an object. See [`Value::members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Elements<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.0.next()?;
        Some((member.key().unwrap_or_default(), member))
    }
}
