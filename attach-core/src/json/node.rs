/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "JSON has these six kinds of value and will have no other")]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as it was spelled.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind with its article, for messages: `a string`, `an object`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The position of a value in its [`Document`](super::Document), in reading order.
///
/// Stays valid across [`Document::splice`](super::Document::splice).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One value: where it is written and how to step over it. Nodes lie in reading order, so a container's
/// descendants are the nodes between it and its `next`.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// First byte of the value.
    pub(super) start: u32,
    /// One past its last byte.
    pub(super) end: u32,
    /// The member's key, quotes included; empty for anything that is not a member.
    pub(super) key_start: u32,
    pub(super) key_end: u32,
    /// The enclosing container, or [`Node::NONE`].
    pub(super) parent: u32,
    /// The first node after this one and its descendants.
    pub(super) next: u32,
    pub(super) kind: Kind,
    /// Whether the string has escapes.
    pub(super) escaped: bool,
    /// Whether the key has escapes.
    pub(super) key_escaped: bool,
}

const _: () = assert!(size_of::<Node>() <= 32);

impl Node {
    pub(super) const NONE: u32 = u32::MAX;

    pub(super) fn has_key(&self) -> bool {
        self.key_end > self.key_start
    }

    /// The key as written, without its quotes.
    pub(super) fn raw_key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        inside(bytes, self.key_start, self.key_end)
    }

    /// The string as written, without its quotes.
    pub(super) fn raw_string<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        inside(bytes, self.start, self.end)
    }
}

fn inside(bytes: &[u8], start: u32, end: u32) -> &[u8] {
    bytes.get(start as usize + 1..(end as usize).saturating_sub(1)).unwrap_or_default()
}
