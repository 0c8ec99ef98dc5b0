use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;
use super::units::Span;

/// Gateway keys, for tools that only know API keys. Off unless the file says so.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Minting {
    /// The longest a key may live.
    pub max_lifetime: Duration,
    /// How long a key works without its owner having been seen with a token.
    pub max_unconfirmed: Duration,
    /// How many keys one owner may have.
    pub per_owner: usize,
    /// How long a service identity may be idle before it is disabled.
    pub max_idle: Duration,
}

/// `[keys]` as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    #[serde(default)]
    enabled: bool,
    max_lifetime: Option<Span>,
    max_unconfirmed: Option<Span>,
    per_owner: Option<usize>,
    max_idle: Option<Span>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn resolve(from: &File) -> Result<Option<Minting>, ConfigError> {
    if !from.enabled {
        return Ok(None);
    }
    let minting = Minting {
        max_lifetime: from.max_lifetime.map_or(90 * DAY, |span| span.0),
        max_unconfirmed: from.max_unconfirmed.map_or(DAY, |span| span.0),
        per_owner: from.per_owner.unwrap_or(20),
        max_idle: from.max_idle.map_or(30 * DAY, |span| span.0),
    };
    let none = [minting.max_lifetime, minting.max_unconfirmed, minting.max_idle].contains(&Duration::ZERO);
    if none || minting.per_owner == 0 {
        return Err(ConfigError::new(
            "keys: a lifetime or number of zero allows no key; write enabled = false",
        ));
    }
    Ok(Some(minting))
}
