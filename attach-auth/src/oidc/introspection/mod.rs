//! Tokens that say nothing by themselves: the provider is asked about each (RFC 7662).
//!
//! What it answers is held to the same rules as a token's own claims, and believed for half a minute at most. Whoever
//! shows junk is asked about until his address has used up its allowance; from then on he is told to come back later,
//! for 401 is only said of what was asked about.

mod account;
mod allowance;
mod answer;
mod asker;
mod client;
mod flights;
mod guard;
mod introspector;
mod lane;
mod memory;
mod opaque;

pub use self::client::{ClientSecret, Introspection};

pub(super) use self::introspector::{Introspector, Shown};
pub(super) use self::opaque::is_opaque;

use std::time::Duration;

/// How long an answer is believed: a token that was revoked at the provider is refused after that.
const HOLD: Duration = Duration::from_secs(30);
/// How long a token that was not good is refused without asking again.
const HOLD_REFUSAL: Duration = Duration::from_secs(10);
