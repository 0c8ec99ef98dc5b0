//! `exp`, `nbf` and `iat` (RFC 7519 §4.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_core::json::{Kind, Value};

use super::config::IssuerConfig;
use crate::Denial;
use crate::clock::since_epoch;

/// When a token is good, in whole seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) exp: u64,
    nbf: u64,
    iat: u64,
    leeway: u64,
}

impl Times {
    /// Reads the claims and holds them against each other and `now`.
    pub(super) fn of(claims: Value<'_>, config: &IssuerConfig, now: SystemTime) -> Result<Self, Denial> {
        let (exp, nbf, iat) = (claims.get("exp"), claims.get("nbf"), claims.get("iat"));
        let exp = exp.ok_or_else(|| fault("no_expiry", "exp_missing"))?;
        let exp = seconds(exp).ok_or_else(|| fault("no_expiry", "exp_type"))?;
        let nbf = nbf.map(|nbf| seconds(nbf).ok_or_else(|| fault("malformed_token", "nbf"))).transpose()?;
        let iat =
            iat.map(|iat| seconds(iat).ok_or_else(|| fault("malformed_token", "iat_type"))).transpose()?;
        let leeway = config.leeway.as_secs();
        let times = Self { exp, nbf: nbf.unwrap_or(0), iat: iat.unwrap_or(0), leeway };
        times.check(now)?;
        let (now, longest) = (since_epoch(now), config.max_lifetime.as_secs());
        if exp > now.saturating_add(longest).saturating_add(leeway)
            || iat.is_some_and(|iat| exp.saturating_sub(iat) > longest)
        {
            return Err(fault("lifetime_too_long", "lifetime"));
        }
        Ok(times)
    }

    /// Of an introspection answer, in which all of them are optional (RFC 7662 §2.2). A token without an end is good
    /// for `hold`, after which the provider is asked again, and in all for no longer than any other token may be.
    pub(super) fn of_answer(
        claims: Value<'_>,
        config: &IssuerConfig,
        now: SystemTime,
        hold: Duration,
    ) -> Result<Self, Denial> {
        if claims.get("exp").is_some() {
            return Self::of(claims, config, now);
        }
        let number = |name: &'static str, reason: &'static str| {
            let read = |value| seconds(value).ok_or_else(|| fault("malformed_token", reason));
            claims.get(name).map(read).transpose()
        };
        let (nbf, iat) = (number("nbf", "nbf")?, number("iat", "iat_type")?);
        let (seconds, leeway) = (since_epoch(now), config.leeway.as_secs());
        let longest = iat.map_or(u64::MAX, |iat| iat.saturating_add(config.max_lifetime.as_secs()));
        if longest <= seconds {
            return Err(fault("lifetime_too_long", "lifetime"));
        }
        let exp = seconds.saturating_add(hold.as_secs()).min(longest);
        let times = Self { exp, nbf: nbf.unwrap_or(0), iat: iat.unwrap_or(0), leeway };
        times.check(now)?;
        Ok(times)
    }

    /// Of claims that are no token's: they never end.
    pub(super) fn unchecked() -> Self {
        Self { exp: u64::MAX, nbf: 0, iat: 0, leeway: 0 }
    }

    /// Whether the token is good at `now`; also asked of tokens that were good before.
    pub(super) fn check(self, now: SystemTime) -> Result<(), Denial> {
        let now = since_epoch(now);
        if now >= self.exp.saturating_add(self.leeway) {
            return Err(fault("token_expired", "expired"));
        }
        if self.nbf > now.saturating_add(self.leeway) {
            return Err(fault("token_not_yet_valid", "nbf"));
        }
        if self.iat > now.saturating_add(self.leeway) {
            return Err(fault("token_not_yet_valid", "iat_future"));
        }
        Ok(())
    }
}

fn fault(code: &'static str, reason: &'static str) -> Denial {
    Denial::invalid_token(code).with_reason(reason)
}

/// A NumericDate (RFC 7519 §2), which may have a fraction; what is before the epoch is none.
fn seconds(value: Value<'_>) -> Option<u64> {
    if value.kind() != Kind::Number {
        return None;
    }
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    // Saturates; what is too large is refused as too long a lifetime.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(seconds as u64)
}

/// The moment of a NumericDate, if the platform can express it.
pub(super) fn moment(value: Value<'_>) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds(value)?))
}
