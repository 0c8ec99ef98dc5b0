use std::borrow::Cow;
use std::fmt;

use crate::Unwitnessed;
use crate::state::CommitError;

/// Why nothing was done about a key or a service identity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Only somebody signed in with a token of the identity provider may do this: no key, nobody's delegate.
    TokenRequired,
    /// What was asked for makes no sense.
    Invalid(Cow<'static, str>),
    /// A group or scope was asked for that the owner does not have.
    ExceedsRights(Box<str>),
    /// There are as many as there may be.
    TooMany,
    /// There is one of that name.
    Exists,
    /// There is none, or it is somebody else's.
    NotFound,
    /// It is over or disabled.
    NotActive,
    /// It cannot be stored or recorded at the moment.
    Unavailable(Box<str>),
}

impl KeyError {
    pub(super) fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(why.into())
    }

    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TokenRequired => "token_required",
            Self::Invalid(_) => "invalid_key_request",
            Self::ExceedsRights(_) => "exceeds_rights",
            Self::TooMany => "too_many_keys",
            Self::Exists => "already_exists",
            Self::NotFound => "not_found",
            Self::NotActive => "not_active",
            Self::Unavailable(_) => "key_store_unavailable",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenRequired => f.write_str("sign in with a token of the identity provider for this"),
            Self::Invalid(why) => f.write_str(why),
            Self::ExceedsRights(what) => write!(f, "`{what}` is not yours to give"),
            Self::TooMany => f.write_str("there are as many keys as there may be; revoke one first"),
            Self::Exists => f.write_str("there is one of this name"),
            Self::NotFound => f.write_str("there is none of this name"),
            Self::NotActive => f.write_str("it is over or disabled; enable it first"),
            Self::Unavailable(_) => f.write_str("this cannot be recorded at the moment; try again"),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<CommitError> for KeyError {
    fn from(error: CommitError) -> Self {
        Self::Unavailable(error.to_string().into())
    }
}

impl From<Unwitnessed> for KeyError {
    fn from(error: Unwitnessed) -> Self {
        Self::Unavailable(error.to_string().into())
    }
}
