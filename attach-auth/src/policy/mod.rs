//! May they: callers held to rules over models, operations and hosted tools.
//!
//! [`PolicyLayer`] asks a [`Policy`] about every request of a known caller. [`Rules`] is the rule engine; a closure
//! over [`Ask`] is a policy as well:
//!
//! ```
//! use attach_auth::PolicyLayer;
//! use attach_auth::policy::Ask;
//! use attach_core::exchange::Decision;
//!
//! let layer = PolicyLayer::new(|ask: &Ask<'_>| Decision::new(ask.identity.is_member("eng"), "engineers_only"));
//! # let _ = layer;
//! ```

mod ask;
mod body;
mod glob;
mod groups;
mod layer;
mod limits;
mod rule;
mod rules;
mod service;

pub use self::ask::{Ask, Policy};
pub use self::glob::ModelGlob;
pub use self::layer::PolicyLayer;
pub use self::limits::decide;
pub use self::rule::Rule;
pub use self::rules::Rules;
pub use self::service::Access;
