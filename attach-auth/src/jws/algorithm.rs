use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self as sig, EcdsaVerificationAlgorithm, RsaParameters};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037). Asymmetric ones only: there is no way to name another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The name in a token's header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// How a key of the right kind verifies with it.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Rs256 => Scheme::Rsa(&sig::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Scheme::Rsa(&sig::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Scheme::Rsa(&sig::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Scheme::Rsa(&sig::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Scheme::Rsa(&sig::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Scheme::Rsa(&sig::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Scheme::Ec { curve: "P-256", width: 32, verify: &sig::ECDSA_P256_SHA256_FIXED },
            Self::Es384 => Scheme::Ec { curve: "P-384", width: 48, verify: &sig::ECDSA_P384_SHA384_FIXED },
            Self::Es512 => Scheme::Ec { curve: "P-521", width: 66, verify: &sig::ECDSA_P521_SHA512_FIXED },
            Self::EdDsa => Scheme::Ed25519,
        }
    }
}

/// What an algorithm asks of a key, and what does the arithmetic.
pub(super) enum Scheme {
    Rsa(&'static RsaParameters),
    Ec { curve: &'static str, width: usize, verify: &'static EcdsaVerificationAlgorithm },
    Ed25519,
}

/// Case matters: `rs256` is no algorithm.
impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not of an asymmetric algorithm we verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownAlgorithm;

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one of")?;
        Algorithm::ALL.iter().try_for_each(|algorithm| write!(f, " {algorithm}"))
    }
}

impl std::error::Error for UnknownAlgorithm {}
