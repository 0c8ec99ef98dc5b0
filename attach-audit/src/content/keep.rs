/// What is kept of a request's content. The order is from least to most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Keep {
    /// Keyed digests alone.
    #[default]
    None,
    /// The request as it went upstream and the answer as it came back, in clear. Of a request that redaction has not
    /// looked at completely nothing but digests: personal data must not get into the store by this way.
    Redacted,
    /// The bytes that the client sent and was sent, encrypted so that only the auditors can read them.
    Sealed,
}

impl Keep {
    /// The name in records and in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Redacted => "redacted",
            Self::Sealed => "sealed",
        }
    }

    /// The other way round.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::None, Self::Redacted, Self::Sealed].into_iter().find(|keep| keep.as_str() == name)
    }
}
