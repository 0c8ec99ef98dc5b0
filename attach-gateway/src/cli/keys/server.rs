use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::shown::printable;
use crate::cli::gateway::{At, host_name};
use crate::cli::login::{self, LoginError, Which};

/// No token of ours is longer.
const LONGEST: u64 = 1 << 20;

/// Where administrators alone are let in.
const ADMINISTRATORS: &str = "/admin/";

/// A running gateway, and whose token it is shown. The token is named, never given: what stands on a command line
/// others can read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Server {
    /// The running gateway: https, a port of this machine, or a socket of this machine.
    #[arg(long, value_name = "URL|unix:PATH", value_parser = At::parse)]
    server: At,
    /// The name by which the gateway there is called, where it has several or is reached by another; with TLS its certificate
    /// has to be for this name.
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    host: Option<String>,
    /// File with the token; `-` is standard input. Without it and --token-env: that of whoever is logged in here; an
    /// administrator at a socket is known by the account and needs none.
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token: Option<PathBuf>,
    /// Environment variable with the token.
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    #[command(flatten, next_help_heading = "Which login, where there are several")]
    which: Which,
}

/// Why it was not done.
#[derive(Debug)]
pub(in crate::cli) enum Refused {
    /// The gateway said no, with this reason.
    No(StatusCode, String),
    /// Only a person can go on, or the login is in trouble.
    Login(LoginError),
    /// Whoever answered is no gateway of ours.
    NotAGateway,
    /// It cannot be told; the text says why.
    Trouble(String),
}

impl Server {
    /// Asks, and reads the answer; nothing if there is none to read.
    pub(in crate::cli) async fn ask(
        &self,
        method: Method,
        path: &str,
        order: Option<&Value>,
    ) -> Result<Value, Refused> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.is_known_by_account(path) {
            let mut credential = HeaderValue::try_from(format!("Bearer {}", self.credential().await?))
                .map_err(|_| Refused::Trouble("this is no token".to_owned()))?;
            credential.set_sensitive(true);
            request = request.header(AUTHORIZATION, credential);
        }
        if order.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = order.map(|order| Bytes::from(order.to_string())).unwrap_or_default();
        let request = request.body(body).map_err(|error| Refused::Trouble(error.to_string()))?;
        let answer = self.server.fetch(self.host.as_deref(), request).await;
        let answer = answer
            .map_err(|error| Refused::Trouble(format!("{} cannot be reached: {error}", self.server)))?;
        read(&answer)
    }

    /// Whoever is shown a token there asks the provider about it, which may be away.
    fn is_known_by_account(&self, path: &str) -> bool {
        let named = self.token.is_some() || self.token_env.is_some();
        self.server.is_socket() && path.starts_with(ADMINISTRATORS) && !named
    }

    async fn credential(&self) -> Result<String, Refused> {
        let mut token = String::new();
        match (&self.token_env, &self.token) {
            (Some(name), _) => {
                token =
                    crate::cli::env(name).ok_or_else(|| Refused::Trouble(format!("{name} is not set")))?;
            }
            (None, Some(path)) => {
                let read = if path.as_os_str() == "-" {
                    std::io::stdin().take(LONGEST).read_to_string(&mut token)
                } else {
                    std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut token))
                };
                read.map_err(|error| Refused::Trouble(format!("{}: {error}", path.display())))?;
            }
            (None, None) => token = login::current(&self.which).await.map_err(Refused::Login)?,
        }
        Ok(token.trim().to_owned())
    }
}

fn read(answer: &Response<Bytes>) -> Result<Value, Refused> {
    let status = answer.status();
    if status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
    if status.is_success() {
        return body.ok_or(Refused::NotAGateway);
    }
    // RFC 9457, or an error in the dialect of whoever answers outside of the endpoint.
    let text = |path: &str| body.as_ref()?.pointer(path)?.as_str().map(printable);
    let why =
        text("/detail").or_else(|| text("/error/message")).unwrap_or_else(|| "no reason was given".into());
    match status {
        status if status.is_client_error() => Err(Refused::No(status, why)),
        status => Err(Refused::Trouble(format!("the gateway answered {status}: {why}"))),
    }
}

impl Refused {
    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        match self {
            Self::No(..) => ExitCode::from(1),
            Self::Login(error) => error.exit_code(),
            Self::NotAGateway | Self::Trouble(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(status, why) => write!(f, "refused ({status}): {why}"),
            Self::Login(error) => error.fmt(f),
            Self::NotAGateway => f.write_str("whoever answered there is no attach-gateway"),
            Self::Trouble(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refused {}
