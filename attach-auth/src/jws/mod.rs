//! Signatures: compact JWS (RFC 7515) against a set of public keys (RFC 7517), by the rules of RFC 8725.
//!
//! The key is chosen by `kid` from the issuer's own set and by nothing else in the token; its algorithm has to be
//! the header's. Symmetric algorithms do not exist here. Extensions, encryption, compression and the unencoded
//! payload are refused, base64url and JSON are read strictly, and weak keys are never used. The arithmetic is
//! aws-lc-rs.

mod algorithm;
mod base64;
mod compact;
mod error;
mod jwk;
mod keyset;
mod weak;

pub use self::algorithm::{Algorithm, UnknownAlgorithm};
pub use self::compact::MAX_TOKEN;
pub use self::error::{JwsError, KeySetError};
pub use self::keyset::KeySet;

pub(crate) use self::base64::decode;
pub(crate) use self::compact::Compact;
pub(crate) use self::weak::is_small_order;
