//! Machines with an identity of their own, and people who answer for them.
//!
//! A service identity has a purpose, an end, and an owning group or two owners; it is disabled by itself when nobody
//! uses it or nobody is left to answer for it. Its keys are [gateway keys](super), exchanged by rotation.

mod checked;
mod export;
mod handle;
mod service;
mod standing;
mod sweep;

pub use self::handle::Services;
pub use self::service::{NewService, Owners, ServiceIdentity, ServiceState};
pub use self::standing::OwnerGroups;

pub(super) use self::standing::refusal;
