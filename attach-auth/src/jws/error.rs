use std::fmt;

/// Why a token is not a signature by a key of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three parts of strict base64url.
    Malformed,
    /// Longer than [`MAX_TOKEN`](super::MAX_TOKEN).
    TooLarge,
    /// A JWE, or a token within a token.
    Encrypted,
    /// The header is not one JSON object with members of the right types.
    MalformedHeader,
    /// `none`, a symmetric algorithm, an unknown one, or one that is not allowed here.
    AlgorithmNotAllowed,
    /// The key is not for the header's algorithm.
    AlgorithmKeyMismatch,
    /// `crit` or `b64`: we understand no extension.
    Critical,
    /// No `kid`, and more than one key.
    KidMissing,
    /// No key has this `kid`.
    KidUnknown,
    /// Several keys fit.
    AmbiguousKey,
    /// The signature is not by that key over these bytes.
    Signature,
}

impl JwsError {
    /// A stable name for the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Encrypted => "jwe_unsupported",
            Self::MalformedHeader => "malformed_header",
            Self::AlgorithmNotAllowed => "alg_not_allowed",
            Self::AlgorithmKeyMismatch => "alg_key_mismatch",
            Self::Critical => "crit",
            Self::KidMissing => "kid_missing",
            Self::KidUnknown => "kid_unknown",
            Self::AmbiguousKey => "jwks_ambiguous",
            Self::Signature => "signature",
        }
    }

    /// What the client is told.
    pub(crate) fn public_code(self) -> &'static str {
        match self {
            Self::Malformed | Self::MalformedHeader => "malformed_token",
            Self::TooLarge => "token_too_large",
            Self::Encrypted => "encrypted_token",
            Self::AlgorithmNotAllowed | Self::AlgorithmKeyMismatch => "algorithm_not_allowed",
            Self::Critical => "unsupported_header",
            Self::KidMissing | Self::KidUnknown | Self::AmbiguousKey => "unknown_key",
            Self::Signature => "bad_signature",
        }
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for JwsError {}

/// Why bytes are not a key set to rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not a JSON object with an array `keys` of objects, or not one that every parser reads alike.
    Malformed,
    /// A private or symmetric key is published in it: whoever can read the set can sign.
    PrivateKey,
    /// No key in it can verify a signature of an algorithm we accept.
    NoUsableKey,
    /// Two keys in it have the same `kid` and fit the same algorithm.
    Ambiguous,
}

impl KeySetError {
    /// A stable name for logs and the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "jwks_malformed",
            Self::PrivateKey => "jwks_bad",
            Self::NoUsableKey => "jwks_no_usable_key",
            Self::Ambiguous => "jwks_ambiguous",
        }
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the key set is not a JSON object with an array `keys`",
            Self::PrivateKey => "the key set publishes a private or symmetric key",
            Self::NoUsableKey => "the key set has no key that can verify a signature",
            Self::Ambiguous => "the key set has two keys that one `kid` could mean",
        })
    }
}

impl std::error::Error for KeySetError {}
