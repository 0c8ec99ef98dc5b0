use std::fmt;

/// Why a target cannot be made: an address that is none, a certificate that cannot be read. The text holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTarget(Box<str>);

impl InvalidTarget {
    pub(super) fn new(why: impl Into<Box<str>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidTarget {}
