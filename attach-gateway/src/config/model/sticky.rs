use std::fmt;

use http::HeaderName;

/// What of a model's calls go to the same one of its weighted targets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sticky {
    /// Those of one conversation of one caller.
    Conversation,
    /// All of one caller.
    Caller,
    /// Those of one caller with the same value of this header; without it, those of one conversation.
    Header(HeaderName),
}

impl Sticky {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let header = |name: &str| name.parse().map(Self::Header).ok();
        match text {
            "conversation" => Some(Self::Conversation),
            "caller" => Some(Self::Caller),
            _ => text.strip_prefix("header:").and_then(header),
        }
        .ok_or_else(|| format!("sticky: {text:?} is not one of conversation, caller, header:NAME"))
    }
}

impl fmt::Display for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation => f.write_str("conversation"),
            Self::Caller => f.write_str("caller"),
            Self::Header(name) => write!(f, "header {name}"),
        }
    }
}
