//! The device authorization grant (RFC 8628).

use std::time::Duration;

use openidconnect::core::CoreDeviceAuthorizationResponse;
use openidconnect::{DeviceCodeErrorResponse, DeviceCodeErrorResponseType, Nonce, RequestTokenError, Scope};

use super::arguments::Login;
use super::error::{LoginError, printable};
use super::provider::Provider;
use super::say;
use super::session::Grant;
use super::transport::HttpFailed;

/// Signs in on another device. `sleep` passes the time between two questions.
pub(super) async fn run<S, F>(provider: &Provider, options: &Login, sleep: S) -> Result<Grant, LoginError>
where
    S: Fn(Duration) -> F,
    F: Future<Output = ()>,
{
    let url = provider
        .device_endpoint()
        .cloned()
        .ok_or_else(|| LoginError::Refused("the provider has no device authorization endpoint".into()))?;
    let client = provider.client().clone().set_device_authorization_url(url);
    let scopes = provider.scopes(options.scope.as_deref());
    let mut request = client.exchange_device_code().add_scopes(scopes.into_iter().map(Scope::new));
    for (name, value) in provider.registration().target() {
        request = request.add_extra_param(name, value);
    }
    let details: CoreDeviceAuthorizationResponse =
        request.request_async(provider.http()).await.map_err(|error| LoginError::token(&error))?;
    instruct(&details);
    let mut request = client.exchange_device_access_token(&details);
    for (name, value) in provider.registration().target() {
        request = request.add_extra_param(name, value);
    }
    // The crate waits 5 s longer after each `slow_down` (§3.5), and at most as long as the code is good.
    let answer = tokio::time::timeout(options.timeout, request.request_async(provider.http(), sleep, None))
        .await
        .map_err(|_| LoginError::Refused("nobody logged in in time".into()))?;
    let response = answer.map_err(|error| refused(&error))?;
    // There is no request of ours that a nonce could tie the ID token to.
    Grant::new(provider, &response, |_: Option<&Nonce>| Ok(()))
}

fn refused(error: &RequestTokenError<HttpFailed, DeviceCodeErrorResponse>) -> LoginError {
    let RequestTokenError::ServerResponse(why) = error else { return LoginError::token(error) };
    match why.error() {
        DeviceCodeErrorResponseType::AccessDenied => LoginError::Refused("the login was declined".into()),
        DeviceCodeErrorResponseType::ExpiredToken => {
            LoginError::Refused("the code has expired before anybody used it".into())
        }
        _ => LoginError::token(error),
    }
}

fn instruct(details: &CoreDeviceAuthorizationResponse) {
    let page = printable(details.verification_uri().as_str());
    let code = printable(details.user_code().secret());
    say(&format!("to log in, open\n\n{page}\n\nin any browser and enter the code {code}"));
    if let Some(complete) = details.verification_uri_complete() {
        say(&format!("or open\n\n{}\n\nand compare the code", printable(complete.secret())));
    }
}
