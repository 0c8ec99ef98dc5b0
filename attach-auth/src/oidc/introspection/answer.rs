//! What a provider says of a token, held to the rules for a token's own claims: `active` alone says only that the
//! token is good for somebody.

use std::sync::Arc;
use std::time::SystemTime;

use attach_core::json::{Document, Value};

use super::super::issuer::Facts;
use super::super::times::Times;
use super::super::{claims, entitlement, person};
use super::memory::Known;
use super::{HOLD, Introspection};
use crate::Denial;

/// `active`, which is a boolean or nothing (RFC 7662 §2.2). `None` if the answer is none.
pub(super) fn is_active(answer: Value<'_>) -> Option<bool> {
    answer.get("active").and_then(Value::as_bool)
}

/// The caller, if an active token is one for this service.
pub(super) fn check(
    answer: &Document,
    introspection: &Introspection,
    facts: &Facts,
    now: SystemTime,
) -> Result<Known, Denial> {
    let config = &facts.config;
    let claims = answer.root();
    if claims.get("iss").is_some_and(|iss| !iss.as_str().is_some_and(|iss| config.is_called(&iss))) {
        return Err(Denial::invalid_token("wrong_issuer").with_reason("iss"));
    }
    let nobody_named = claims.get("aud").is_none() && introspection.missing_audience;
    if !nobody_named && let Err(denial) = claims::check_audience(claims, config) {
        facts.notices.wrong_audience(claims, config);
        return Err(denial);
    }
    let times = Times::of_answer(claims, config, now, HOLD)?;
    // That it is an access token is for `token_type` to say, so that no member has to give it away.
    claims::check_purpose(claims, Some("at+jwt"), config)?;
    check_type(claims, introspection)?;
    let identity = person::identity(answer.clone(), config, &facts.directory, times)?;
    entitlement::check(&identity, claims, config, &facts.notices)?;
    Ok(Known { identity: Arc::new(identity), times })
}

/// A provider is asked about access tokens, and answers about refresh tokens as well (RFC 7662 §2.1). Those have no
/// `token_type` of RFC 6749 §5.1, or another `token_use`.
fn check_type(claims: Value<'_>, introspection: &Introspection) -> Result<(), Denial> {
    let says = |member: &str, words: &[&str]| {
        let word = claims.get(member)?.as_str().unwrap_or_default();
        Some(words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    };
    let said = [
        says("token_type", &["bearer", "access_token"]),
        says("token_use", &["access", "access_token"]),
        says("typ", &["bearer", "at+jwt"]),
    ];
    let access = said.contains(&Some(true)) || introspection.missing_type;
    if access && !said.contains(&Some(false)) {
        return Ok(());
    }
    Err(Denial::invalid_token("not_an_access_token").with_reason("token_type"))
}
