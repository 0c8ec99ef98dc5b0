//! Tokens of identity providers: verified strictly, cached briefly, by keys that are kept current.

mod cache;
mod claims;
mod config;
mod diagnose;
#[cfg(feature = "discovery")]
mod discovery;
mod entitlement;
mod fetching;
mod introspection;
mod issuer;
mod key_files;
mod keyring;
mod person;
mod preset;
#[cfg(feature = "discovery")]
mod reach;
mod reconfigure;
mod rehearse;
mod signed;
mod source;
mod times;
mod url;
mod verifier;

pub use self::config::IssuerConfig;
pub use self::introspection::{ClientSecret, Introspection};
pub use self::key_files::KeyFiles;
pub use self::preset::Preset;
pub use self::signed::SignalIssuer;
pub use self::verifier::{IssuerStatus, OidcVerifier};

pub(crate) use self::signed::{Signed, verify_signed};
