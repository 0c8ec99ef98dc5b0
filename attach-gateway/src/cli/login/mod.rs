//! `login`, `token`, `logout`: how a person at a terminal comes by a token for the gateway.
//!
//! None of this is on the path of a request. A login is the authorization code flow with PKCE and a loopback redirect
//! (RFC 8252, RFC 7636), or the device authorization grant (RFC 8628). What it brings is kept in one private file for
//! each (issuer, client, audience); `token` prints from there and refreshes when it has to.

mod arguments;
mod browser;
mod cache;
mod code;
mod device;
mod error;

mod logout;
mod loopback;
mod page;
mod provider;
mod proxy;
mod refresh;
mod registration;
mod session;
#[cfg(test)]
mod tests;
mod transport;

use std::io::Write as _;
use std::process::ExitCode;

use attach_core::client::Client;

pub(crate) use self::arguments::{Login, Which};
use self::cache::Cache;
pub(in crate::cli) use self::error::LoginError;
use self::provider::Provider;
use self::transport::Http;
use crate::cli::{print, runtime};

/// Signs somebody in and keeps the tokens.
pub(crate) fn login(options: &Login) -> ExitCode {
    match options.proxy {
        Some(listen) => finish(run(proxy::run(options, listen))),
        None => finish(run(sign_in(options))),
    }
}

/// Prints a valid token and nothing else on standard output.
pub(crate) fn token(which: &Which) -> ExitCode {
    finish(run(refresh::token(which)).map(|token| print(&format!("{token}\n"))))
}

/// A valid token of whoever is logged in, for commands that talk to a gateway.
pub(in crate::cli) async fn current(which: &Which) -> Result<String, LoginError> {
    refresh::token(which).await
}

/// Revokes the tokens at the provider (RFC 7009) and deletes them here.
pub(crate) fn logout(which: &Which) -> ExitCode {
    finish(run(logout::logout(which)))
}

async fn sign_in(options: &Login) -> Result<(), LoginError> {
    let cache = Cache::open()?;
    let provider = Provider::discover(transport()?, options.registration()).await?;
    let browser = if options.no_browser { None } else { browser::find() };
    let grant = if options.wants_device(browser.is_some(), provider.device_endpoint().is_some()) {
        device::run(&provider, options, tokio::time::sleep).await?
    } else {
        code::run(&provider, options, browser.as_ref()).await?
    };
    let session = grant.into_session(&provider)?;
    let entry = cache.entry(provider.registration());
    let _lock = cache.lock(&entry).await?;
    cache.write(&entry, &session)?;
    say(&session.greeting());
    Ok(())
}

fn transport() -> Result<Http, LoginError> {
    Client::new().map(Http::new).map_err(|error| LoginError::Io("TLS", error))
}

fn run<T>(work: impl Future<Output = Result<T, LoginError>>) -> Result<T, LoginError> {
    runtime().map_err(|error| LoginError::Refused(error.to_string()))?.block_on(work)
}

fn finish(result: Result<(), LoginError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            error.exit_code()
        }
    }
}

/// Tells the person something. Standard output is for tokens alone.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "attach-gateway: {text}");
}
