//! Signals over a real socket: in front of a service whose callers show tokens of another issuer than the signals'.

mod backchannel;
mod entra;
mod events;
mod failures;
#[cfg(all(feature = "discovery", unix))]
mod live;
mod okta;
mod rules;
mod scim;
mod universal;
mod world;

use serde_json::Value;

pub(crate) use self::world::{ACME, PARTNER, World};

/// A body as it was sent, with `{ID}` replaced.
pub(crate) fn recorded(text: &str, id: &str) -> Value {
    serde_json::from_str(&text.replace("{ID}", id)).expect("a recorded body is JSON")
}
