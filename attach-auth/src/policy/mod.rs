//! May they: callers held to rules over models, operations, hosted tools, destinations and their own sign-in.
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
//!
//! Rules that change while the service runs are [`Live`].

mod ask;
mod body;
mod claim;
mod engine;
mod groups;
mod header;
mod labels;
mod layer;
mod limits;
mod live;
mod matching;
mod network;
pub mod reason;
mod require;
mod route;
mod rule;
mod rules;
mod service;
mod verdict;

pub use self::ask::{Ask, Policy};
pub use self::groups::group_named;
pub use self::labels::LabelRule;
pub use self::layer::PolicyLayer;
pub use self::limits::decide;
pub use self::live::{Live, TooOpen};
pub use self::network::Network;
pub use self::require::Require;
pub use self::route::decide_route;
pub use self::rule::Rule;
pub use self::rules::Rules;
pub use self::service::Access;
pub use self::verdict::{StepUp, Verdict};
pub(crate) use attach_core::call::Glob;
pub use attach_core::call::ModelGlob;
