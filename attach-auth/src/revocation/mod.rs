//! Callers who lost the right to go on, by the word of their directory or of an administrator.
//!
//! There are two kinds of [`Fact`]: *not before* (logout, a session revoked, a credential changed) refuses what was
//! issued up to the event's own time; *disabled* (SCIM `active: false`, an administrator) refuses whatever was issued
//! whenever, until the caller is enabled again. Facts belong to a directory, not to an issuer: a signal in the name of
//! the organisation's own issuer reaches the tokens of all of its authorization servers.

mod fact;
mod index;
mod revocations;

pub use self::fact::{Effect, Fact, Subject};
pub use self::index::FactIndex;
pub use self::revocations::Revocations;
