use std::error::Error;
use std::fmt;

/// Why bytes are not a JSON document, or not one that every parser reads alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonError {
    /// Where, as a path of keys and indices: `$.messages[0].role`. Holds keys, never values; bounded.
    pub path: String,
    /// Where, as a byte offset.
    pub offset: usize,
    /// What is wrong.
    pub kind: JsonErrorKind,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} (byte {})", self.kind.as_str(), self.path, self.offset)
    }
}

impl Error for JsonError {}

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Nothing, or nothing but white space.
    Empty,
    /// 4 GiB or more.
    TooLarge,
    /// More than [64](super::Document::MAX_DEPTH) containers within each other.
    TooDeep,
    /// More than [a million](super::Document::MAX_VALUES) values.
    TooManyValues,
    /// A byte order mark in front.
    ByteOrderMark,
    /// Not UTF-8.
    InvalidUtf8,
    /// The document ends in the middle.
    UnexpectedEnd,
    /// A byte that cannot stand where it stands.
    UnexpectedByte,
    /// Something after the document.
    TrailingBytes,
    /// Not a number by RFC 8259.
    InvalidNumber,
    /// A number outside the range of a double, or spelled with more than a thousand characters.
    NumberOutOfRange,
    /// A raw control character in a string.
    ControlCharacter,
    /// A control character in a key, raw or escaped.
    ControlCharacterInKey,
    /// A backslash followed by something that is no escape.
    InvalidEscape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// A key that the object has already, after unescaping.
    DuplicateKey,
}

impl JsonErrorKind {
    /// A few words for messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty document",
            Self::TooLarge => "document too large",
            Self::TooDeep => "nesting too deep",
            Self::TooManyValues => "too many values",
            Self::ByteOrderMark => "byte order mark",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::UnexpectedEnd => "unexpected end",
            Self::UnexpectedByte => "unexpected byte",
            Self::TrailingBytes => "trailing bytes",
            Self::InvalidNumber => "invalid number",
            Self::NumberOutOfRange => "number out of range",
            Self::ControlCharacter => "control character in a string",
            Self::ControlCharacterInKey => "control character in a key",
            Self::InvalidEscape => "invalid escape",
            Self::LoneSurrogate => "lone surrogate",
            Self::DuplicateKey => "duplicate key",
        }
    }

    /// A stable code for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::DuplicateKey => "duplicate_key",
            _ => "invalid_json",
        }
    }
}
