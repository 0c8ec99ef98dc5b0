use crate::json::NodeId;

/// A place where a caller's own words stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The value; for a key, the member it belongs to.
    pub node: NodeId,
    /// What stands there.
    pub place: Place,
}

/// What stands at a [`Leaf`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A string.
    Text,
    /// A string that should hold JSON: the arguments of a tool call.
    Arguments,
    /// The key of a member, in an object whose keys are the caller's.
    Key,
    /// A number of seven digits or more, where numbers are free: it may be somebody's.
    Number,
}

/// Something that cannot be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Opaque {
    /// Where it stands.
    pub node: NodeId,
    /// What it is.
    pub modality: Modality,
}

impl Opaque {
    pub(super) fn new(node: NodeId, modality: Modality) -> Self {
        Self { node, modality }
    }
}

/// What something is that cannot be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Modality {
    /// A picture, in place or by its address.
    Image,
    /// Sound.
    Audio,
    /// A video.
    Video,
    /// A file of any type.
    File,
    /// Text as the numbers of its tokens.
    TokenIds,
    /// What the provider encrypted for itself: hidden reasoning, compacted history.
    Encrypted,
    /// Long data of an unknown encoding.
    Unknown,
}

impl Modality {
    /// A stable name, as policy rules and the audit log spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "file",
            Self::TokenIds => "token_ids",
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
        }
    }
}

/// A use of something that the provider keeps, for its credential rather than for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StateUse {
    /// The field's value.
    pub node: NodeId,
    /// The field: `previous_response_id`, `file_id`, `store` …
    pub field: &'static str,
}

impl StateUse {
    pub(super) fn new(node: NodeId, field: &'static str) -> Self {
        Self { node, field }
    }
}
