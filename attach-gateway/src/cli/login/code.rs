//! The authorization code flow with PKCE and a loopback redirect (RFC 8252, RFC 7636).

use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::url::Url;
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};

use super::arguments::Login;
use super::browser::Browser;
use super::error::LoginError;
use super::loopback::{Expected, Loopback};
use super::page::Page;
use super::provider::Provider;
use super::say;
use super::session::Grant;

/// What only this login knows.
pub(super) struct Secrets {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Signs in through a browser on this machine, which is opened if there is one; the address is printed in any case.
pub(super) async fn run(
    provider: &Provider,
    options: &Login,
    browser: Option<&Browser>,
) -> Result<Grant, LoginError> {
    let loopback = Loopback::bind(options.redirect_uri.as_deref(), options.redirect_port).await?;
    let redirect = loopback.redirect().clone();
    let (url, secrets) = request(provider, options, &redirect);
    let opened = browser.is_some_and(|browser| browser.open(&url));
    let what = if opened { "your browser opens; if it does not, open" } else { "to log in, open" };
    say(&format!("{what}\n\n{url}\n"));
    let expected = Expected {
        state: secrets.state.clone(),
        issuer: provider.registration().issuer.clone(),
        issuer_required: provider.names_itself(),
    };
    let (code, farewell) = tokio::time::timeout(options.timeout, loopback.receive(expected))
        .await
        .map_err(|_| LoginError::Refused("nobody logged in in time".into()))??;
    let result = match code {
        Ok(code) => exchange(provider, code, secrets, redirect).await,
        Err(error) => Err(error),
    };
    farewell.say(if result.is_ok() { Page::Done } else { Page::Failed }).await;
    result
}

/// Where to send the person (RFC 6749 §4.1.1, RFC 7636 §4.3).
pub(super) fn request(provider: &Provider, options: &Login, redirect: &Url) -> (Url, Secrets) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = provider
        .client()
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(redirect.clone())))
        .set_pkce_challenge(challenge)
        .add_scopes(provider.scopes(options.scope.as_deref()).into_iter().map(Scope::new));
    for (name, value) in provider.registration().target() {
        request = request.add_extra_param(name, value);
    }
    if provider.registration().is_google() {
        request = request.add_extra_param("access_type", "offline");
    }
    let prompt = options.prompt.clone();
    // Google gives a refresh token only to those who were asked.
    if let Some(prompt) = prompt.or_else(|| provider.registration().is_google().then(|| "consent".into())) {
        request = request.add_extra_param("prompt", prompt);
    }
    let (url, state, nonce) = request.url();
    (url, Secrets { state, nonce, verifier })
}

/// The code against tokens (RFC 6749 §4.1.3), the ID token verified.
pub(super) async fn exchange(
    provider: &Provider,
    code: AuthorizationCode,
    secrets: Secrets,
    redirect: Url,
) -> Result<Grant, LoginError> {
    let mut request = provider
        .client()
        .exchange_code(code)
        .set_pkce_verifier(secrets.verifier)
        .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(redirect)));
    for (name, value) in provider.registration().target() {
        request = request.add_extra_param(name, value);
    }
    let response = request.request_async(provider.http()).await.map_err(|error| LoginError::token(&error))?;
    let grant = Grant::new(provider, &response, &secrets.nonce)?;
    if grant.is_verified() {
        return Ok(grant);
    }
    Err(LoginError::Refused("the provider gave no ID token, so nobody knows who logged in".into()))
}
