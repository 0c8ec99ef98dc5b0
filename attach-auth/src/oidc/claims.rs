//! Whether signed claims are an access token for this service.

use attach_core::json::{Document, JsonErrorKind, Kind, Value};

use super::config::IssuerConfig;
use crate::Denial;

/// Containers within each other that a token may have; fewer than a body.
const MAX_DEPTH: usize = 32;

/// Members of ID tokens, logout tokens and security events that no access token has.
const OTHER_TOKENS: [&str; 5] = ["at_hash", "c_hash", "s_hash", "events", "nonce"];

/// Members of which an access token has at least one.
const ACCESS_TOKENS: [&str; 8] = ["scope", "scp", "client_id", "cid", "azp", "appid", "roles", "permissions"];

/// Reads a payload as claims.
pub(super) fn parse(payload: Vec<u8>) -> Result<Document, Denial> {
    let malformed = || Denial::invalid_token("malformed_token").with_reason("malformed");
    let document = Document::parse(payload.into()).map_err(|error| match error.kind {
        JsonErrorKind::DuplicateKey => malformed().with_reason("duplicate_claim"),
        _ => malformed(),
    })?;
    if document.root().kind() != Kind::Object || is_deep(document.root()) {
        return Err(malformed());
    }
    Ok(document)
}

fn is_deep(root: Value<'_>) -> bool {
    let mut around = vec![root.span().end];
    root.descendants().any(|value| {
        let span = value.span();
        while around.last().is_some_and(|end| *end <= span.start) {
            around.pop();
        }
        if matches!(value.kind(), Kind::Array | Kind::Object) {
            around.push(span.end);
        }
        around.len() > MAX_DEPTH
    })
}

/// The header's `typ` (RFC 8725 §3.11): every kind of token that is none of ours says so there, if anywhere.
pub(super) fn check_typ(typ: Option<&str>, config: &IssuerConfig) -> Result<(), Denial> {
    let typ = typ.map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    match typ {
        Some("at+jwt") => Ok(()),
        None | Some("jwt") if !config.require_at_jwt => Ok(()),
        _ => Err(Denial::invalid_token("wrong_token_type").with_reason("typ")),
    }
}

/// `aud` (RFC 7519 §4.1.3): a string or an array of strings, one of them ours.
pub(super) fn check_audience(claims: Value<'_>, config: &IssuerConfig) -> Result<(), Denial> {
    let ours = |value: Value<'_>| {
        let text = value.as_str();
        text.is_some_and(|text| config.audiences.iter().any(|audience| *audience == *text))
    };
    let good = claims.get("aud").is_some_and(|aud| match aud.kind() {
        Kind::Array => aud.elements().all(|one| one.kind() == Kind::String) && aud.elements().any(ours),
        _ => ours(aud),
    });
    if good { Ok(()) } else { Err(Denial::invalid_token("wrong_audience").with_reason("aud")) }
}

/// Whether this is an access token and no other that the issuer signs with the same key (RFC 8725 §2.8), and one
/// that whoever shows it may show.
pub(super) fn check_purpose(
    claims: Value<'_>,
    typ: Option<&str>,
    config: &IssuerConfig,
) -> Result<(), Denial> {
    let declared = claims.get("typ").and_then(Value::as_str);
    let bearer = declared.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("bearer"));
    let has = |member: &&str| claims.get(member).is_some();
    let like_others = OTHER_TOKENS.iter().any(has) && !(bearer && config.preset.habits().typed_payload);
    let like_ours = bearer
        || typ.is_some_and(|typ| typ.to_ascii_lowercase().ends_with("at+jwt"))
        || ACCESS_TOKENS.iter().any(has);
    let purpose = !has(&"events")
        && !declared.is_some_and(|typ| is_other_kind(&typ, config))
        && (config.accept_id_tokens || (like_ours && !like_others));
    if !purpose {
        return Err(Denial::invalid_token("not_an_access_token").with_reason("not_access_token"));
    }
    check_azp(claims, config)
}

/// What Keycloak and its kin call the tokens that are no access tokens, in their payload.
fn is_other_kind(typ: &str, config: &IssuerConfig) -> bool {
    match typ.to_ascii_lowercase().as_str() {
        "bearer" => false,
        "id" => !config.accept_id_tokens,
        "refresh" | "offline" | "logout" => true,
        _ => config.preset.habits().typed_payload,
    }
}

/// An ID token for several audiences has to be the one client's that is ours (OpenID Connect Core §3.1.3.7).
fn check_azp(claims: Value<'_>, config: &IssuerConfig) -> Result<(), Denial> {
    let several = claims.get("aud").is_some_and(|aud| aud.elements().nth(1).is_some());
    if !(config.accept_id_tokens && several) || claims.get("scope").or_else(|| claims.get("scp")).is_some() {
        return Ok(());
    }
    let azp = claims.get("azp").and_then(Value::as_str);
    let ours = azp.is_some_and(|azp| {
        config.audiences.iter().any(|audience| *audience == *azp)
            || config.client_ids.iter().any(|client| **client == *azp)
    });
    if ours { Ok(()) } else { Err(Denial::invalid_token("wrong_audience").with_reason("azp")) }
}

/// What RFC 9068 §2.2 requires, where the issuer is held to it.
pub(super) fn check_profile(claims: Value<'_>, config: &IssuerConfig) -> Result<(), Denial> {
    let required = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];
    if config.require_at_jwt && required.iter().any(|member| claims.get(member).is_none()) {
        return Err(Denial::invalid_token("malformed_token").with_reason("claim_missing"));
    }
    Ok(())
}
