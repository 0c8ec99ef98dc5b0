use std::error::Error;
use std::fmt;

/// Why a [`Redactor`](crate::Redactor) cannot be built as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a name an entity can have: `[A-Z][A-Z0-9_]*`, up to 32 characters, without `PII`.
    EntityName(Box<str>),
    /// No such action.
    UnknownAction(Box<str>),
    /// A pattern that does not compile, is too large, or matches the empty string.
    Pattern {
        /// The entity it was for.
        entity: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// A pattern of exempt values that does not compile, is too large, or exempts everything.
    Exempt(Box<str>),
    /// Naming words that cannot be ones.
    Words {
        /// The entity they were for.
        entity: Box<str>,
        /// What is wrong with them.
        reason: Box<str>,
    },
    /// Terms too many or too long, or empty ones.
    Terms(Box<str>),
    /// Not the code of a country with a telephone numbering plan (ISO 3166-1, two letters).
    Region(Box<str>),
    /// A key shorter than 16 bytes.
    KeyTooShort,
    /// The system gave no random bytes for a key.
    NoRandomness,
    /// A remote engine that cannot be asked as it is set up.
    Remote(Box<str>),
    /// Built-in data is faulty: a fault of this crate.
    BuiltIn(Box<str>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EntityName(name) => write!(
                f,
                "{name:?} cannot name an entity: capital letters, digits and _, at most 32, without PII"
            ),
            Self::UnknownAction(name) => {
                write!(f, "unknown action {name:?}: replace, mask, hash, block, allow or shadow")
            }
            Self::Pattern { entity, reason } => write!(f, "pattern for {entity}: {reason}"),
            Self::Exempt(reason) => write!(f, "exempt pattern: {reason}"),
            Self::Words { entity, reason } => write!(f, "naming words of {entity}: {reason}"),
            Self::Terms(reason) => write!(f, "terms: {reason}"),
            Self::Region(code) if code.eq_ignore_ascii_case("UK") => {
                write!(f, "{code:?} is no code of ISO 3166: the United Kingdom's is \"GB\"")
            }
            Self::Region(code) => {
                write!(f, "{code:?} is not the code of a country (ISO 3166-1, two letters)")
            }
            Self::KeyTooShort => f.write_str("the key must have at least 16 bytes"),
            Self::NoRandomness => f.write_str("the system gave no random bytes for a key"),
            Self::Remote(why) => f.write_str(why),
            Self::BuiltIn(what) => write!(f, "built-in rule: {what}"),
        }
    }
}

impl Error for ConfigError {}

/// Finding failed: nothing may leave.
#[derive(Debug)]
pub struct Fault {
    reason: Box<str>,
    late: bool,
}

impl Fault {
    /// A fault, with a reason that holds no value from the text.
    #[must_use]
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self { reason: reason.into(), late: false }
    }

    /// The budget is used up.
    pub(crate) fn late() -> Self {
        Self { reason: "inspection took too long".into(), late: true }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.late
    }

    pub(crate) fn reason(self) -> Box<str> {
        self.reason
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for Fault {}
