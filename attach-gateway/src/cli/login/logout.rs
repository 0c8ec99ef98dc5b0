//! `logout`: revocation at the provider (RFC 7009), and deletion here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use openidconnect::url::form_urlencoded::{Serializer, byte_serialize};
use openidconnect::{AsyncHttpClient as _, AuthType};

use super::arguments::Which;
use super::cache::Cache;
use super::error::LoginError;
use super::provider::Provider;
use super::session::Session;
use super::{say, transport};

/// Revokes and deletes. Deletes also when revoking fails, and fails then.
pub(super) async fn logout(which: &Which) -> Result<(), LoginError> {
    let cache = Cache::open()?;
    let (entry, _) = cache.select(which)?;
    let _lock = cache.lock(&entry).await?;
    let session = cache.read(&entry)?;
    let revoked = revoke(&session).await;
    cache.delete(&entry)?;
    match revoked {
        Ok(true) => say("logged out: the tokens are revoked at the provider and deleted here"),
        Ok(false) => say(
            "logged out: the tokens are deleted here; the provider has no revocation endpoint, so a copy works until \
             it ends",
        ),
        Err(error) => {
            return Err(LoginError::Refused(format!(
                "the tokens are deleted here, but could not be revoked at the provider: {error}"
            )));
        }
    }
    Ok(())
}

/// Whether the provider took the refresh token back, and with it what it gave (§2.1); false if it has no such thing.
async fn revoke(session: &Session) -> Result<bool, LoginError> {
    let provider = Provider::discover(transport()?, session.registration.clone()).await?;
    let Some(endpoint) = provider.revocation_endpoint() else { return Ok(false) };
    let (token, hint) = match &session.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&session.token, "access_token"),
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", hint);
    let mut request = Request::post(endpoint.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let id = &session.registration.client_id;
    match (provider.client().auth_type(), provider.secret()) {
        (AuthType::BasicAuth, Some(secret)) => request = request.header(AUTHORIZATION, basic(id, secret)),
        (_, secret) => {
            form.append_pair("client_id", id).extend_pairs(secret.map(|secret| ("client_secret", secret)));
        }
    }
    let request = request
        .body(form.finish().into_bytes())
        .map_err(|_| LoginError::Refused("the request cannot be made".into()))?;
    let answer =
        provider.http().call(request).await.map_err(|error| LoginError::Unreachable(error.to_string()))?;
    match answer.status() {
        StatusCode::OK => Ok(true),
        status => Err(LoginError::Refused(format!("it answered {status}"))),
    }
}

/// RFC 6749 §2.3.1: each part is form-encoded first.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}
