//! What the tests share: keys of our own, a provider without a network, a clock that obeys, a log that can be read.

mod clock;
mod fetch;
mod log;
#[cfg(feature = "discovery")]
mod provider;
#[cfg(feature = "redis")]
mod redis;
mod signer;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod tempdir;
mod web;

pub(crate) use self::clock::TestClock;
pub(crate) use self::fetch::{Reply, TestFetch};
pub(crate) use self::log::Log;
#[cfg(feature = "discovery")]
pub(crate) use self::provider::{Page, RealProvider};
#[cfg(feature = "redis")]
pub(crate) use self::redis::{Address, RedisServer};
pub(crate) use self::signer::{Signer, b64};
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) use self::tempdir::TempDir;
pub(crate) use self::web::{Answer, ask, get};

use std::sync::Arc;

use attach_auth::{IssuerConfig, OidcVerifier, Preset};
use attach_core::Fetch;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://idp.test";
pub(crate) const AUDIENCE: &str = "api://gw";
/// 2026-01-01.
pub(crate) const NOW: u64 = 1_767_225_600;

pub(crate) fn config() -> IssuerConfig {
    config_of(Preset::Generic, ISSUER)
}

pub(crate) fn config_of(preset: Preset, issuer: &str) -> IssuerConfig {
    IssuerConfig::new(preset, issuer, [AUDIENCE.to_owned()]).expect("a configuration")
}

/// Claims of a good access token at [`NOW`].
pub(crate) fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 600, "iat": NOW, "scope": "llm openid"})
}

/// [`claims`] with some replaced; `null` takes one out.
pub(crate) fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// A verifier of `config` at [`NOW`] with the keys of `signers`.
pub(crate) fn verifier(config: IssuerConfig, signers: &[&Signer]) -> OidcVerifier {
    let config = config.jwks(Signer::set(signers).as_bytes()).expect("a key set");
    let fetch: Arc<dyn Fetch> = Arc::new(TestFetch::default());
    OidcVerifier::with_clock(vec![config], fetch, Arc::new(TestClock::default())).expect("a verifier")
}
