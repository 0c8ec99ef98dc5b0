//! What nodes share: the state, and the counts of quotas.

use std::time::Duration;

use attach_auth::state::Redis;
use attach_quota::store::RedisStore;

use super::ConfigError;
use super::file::State;
use super::secret::SecretRef;

/// What nodes call what they share.
const NAME: &str = "gateway";

/// How long a call waits for the counts.
const DEADLINE: Duration = Duration::from_millis(50);

/// The stores that nodes share, where they do. Nothing is connected yet.
pub(super) struct Shared {
    pub(super) state: Option<Redis>,
    pub(super) counts: Option<RedisStore>,
}

pub(super) fn resolve(from: &State, env: &dyn Fn(&str) -> Option<String>) -> Result<Shared, ConfigError> {
    if from.quota_deadline.is_some() && from.redis.is_none() && from.quota_redis.is_none() {
        return Err(ConfigError::new(
            "state.quota_deadline: there is no state.redis and no state.quota_redis",
        ));
    }
    let state = from.redis.as_ref().map(|url| state(url, env)).transpose()?;
    let counts = match (&from.quota_redis, &from.redis) {
        (Some(url), _) => Some(counts("state.quota_redis", url, env)?),
        (None, Some(url)) => Some(counts("state.redis", url, env)?),
        (None, None) => None,
    };
    let deadline = from.quota_deadline.map_or(DEADLINE, |span| span.0);
    Ok(Shared { state, counts: counts.map(|counts| counts.deadline(deadline)) })
}

fn state(url: &SecretRef, env: &dyn Fn(&str) -> Option<String>) -> Result<Redis, ConfigError> {
    let read = url.read("state.redis", env)?;
    Redis::new(read.expose(), NAME).map_err(|why| wrong("state.redis", url, &why.to_string()))
}

fn counts(
    key: &str,
    url: &SecretRef,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<RedisStore, ConfigError> {
    let read = url.read(key, env)?;
    RedisStore::new(read.expose(), NAME).map_err(|why| wrong(key, url, &why.to_string()))
}

/// Somebody who configures by the environment alone knows the variable, and never wrote the key.
fn wrong(key: &str, url: &SecretRef, why: &str) -> ConfigError {
    match url {
        SecretRef::Env(name) => ConfigError::new(format!("{key} ({name}): {why}")),
        _ => ConfigError::new(format!("{key}: {why}")),
    }
}
