//! Tokens of identity providers: verified strictly, cached briefly, by keys that are kept current.

mod cache;
mod claims;
mod config;
mod diagnose;
#[cfg(feature = "discovery")]
mod discovery;
mod entitlement;
mod issuer;
mod keyring;
mod path;
mod person;
mod preset;
mod source;
mod times;
mod url;
mod verifier;

pub use self::config::IssuerConfig;
pub use self::preset::Preset;
pub use self::verifier::{IssuerStatus, OidcVerifier};
