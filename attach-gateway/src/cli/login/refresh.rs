//! `token`: what is kept, refreshed (RFC 6749 §6) when it is about to end.

use std::time::Duration;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{Nonce, RefreshToken, RequestTokenError};

use super::arguments::Which;
use super::cache::{Cache, Entry};
use super::error::LoginError;
use super::provider::Provider;
use super::session::{Grant, Session};
use super::{say, transport};

/// A token with less than this left is refreshed, so that what is printed is still good when it arrives.
const MARGIN: Duration = Duration::from_secs(60);

/// A token that is good for a call now.
pub(super) async fn token(which: &Which) -> Result<String, LoginError> {
    let cache = Cache::open()?;
    let (entry, session) = cache.select(which)?;
    if session.left() >= MARGIN {
        return Ok(session.token);
    }
    // Providers that rotate take a refresh token used twice for a stolen one: only one process at a time asks.
    let _lock = cache.lock(&entry).await?;
    let latest = cache.read(&entry)?;
    let renewed_meanwhile = latest.token != session.token && !latest.left().is_zero();
    if latest.left() >= MARGIN || renewed_meanwhile {
        return Ok(latest.token);
    }
    renew(&cache, &entry, latest).await
}

async fn renew(cache: &Cache, entry: &Entry, mut old: Session) -> Result<String, LoginError> {
    match ask(&old).await {
        Ok(new) => {
            // Kept before it is shown: whoever uses the token must not be the only one to have it.
            cache.write(entry, &new)?;
            Ok(new.token)
        }
        Err(LoginError::Unreachable(why)) if !old.left().is_zero() => {
            say(&format!("the token was not refreshed, but is still good: {why}"));
            Ok(old.token)
        }
        Err(LoginError::Again(why)) => {
            // Asking with it once more would only be refused once more.
            old.refresh_token = None;
            old.expires_at = 0;
            cache.write(entry, &old)?;
            Err(LoginError::Again(why))
        }
        Err(error) => Err(error),
    }
}

async fn ask(old: &Session) -> Result<Session, LoginError> {
    let Some(refresh) = old.refresh_token.clone().map(RefreshToken::new) else {
        return Err(LoginError::Again("the token has ended, and there is none to refresh it with".into()));
    };
    let provider = Provider::discover(transport()?, old.registration.clone()).await?;
    let mut request = provider.client().exchange_refresh_token(&refresh);
    for (name, value) in provider.registration().target() {
        request = request.add_extra_param(name, value);
    }
    let response = request.request_async(provider.http()).await.map_err(|error| match &error {
        RequestTokenError::ServerResponse(why) if *why.error() == CoreErrorResponseType::InvalidGrant => {
            LoginError::Again("the provider no longer accepts the refresh token".into())
        }
        _ => LoginError::token(&error),
    })?;
    // Core §12.2: the nonce of the login may be there, and need not be.
    Grant::new(&provider, &response, |_: Option<&Nonce>| Ok(()))?.renew(&provider, old)
}
