//! The keys that a machine has by being what it is: a container's, a workload's by its own token, an instance's.

mod answer;
mod container;
mod instance;
mod web_identity;

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Uri};

use self::container::Container;
use self::instance::Instance;
use self::web_identity::WebIdentity;
use super::AccessKey;
use crate::Fetch;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a machine gets temporary access keys without any being written down.
///
/// In the order and by the variables of AWS's own SDKs:
///
/// 1. a web identity, `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, exchanged at STS (`IRSA` on EKS);
/// 2. a container, `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` (ECS) or `AWS_CONTAINER_CREDENTIALS_FULL_URI` with
///    `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` (EKS Pod Identity, Greengrass);
/// 3. an instance of EC2, by IMDSv2 alone, unless `AWS_EC2_METADATA_DISABLED` is `true`.
///
/// It holds no key: [`obtain`](Self::obtain) asks for one, and whoever calls it keeps it in [`Keys`](super::Keys) and
/// asks again before it expires.
///
/// Source: [standardized credential providers](https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Machine(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    WebIdentity(WebIdentity),
    Container(Container),
    Instance(Instance),
}

/// A temporary key, and when it expires.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is all there is to an answer")]
pub struct Obtained {
    /// The key.
    pub key: AccessKey,
    /// When it expires; `None` if that was not said.
    pub until: Option<SystemTime>,
}

/// Why there is no key. The text shows none, and no token.
#[derive(Debug)]
pub struct MachineError(Box<str>);

impl Machine {
    /// The one that `env` describes, an instance if it describes none; STS is asked in `region` unless `env` says where.
    /// `None` where even an instance is ruled out.
    ///
    /// # Errors
    ///
    /// Variables that contradict each other, and addresses that a token must not be sent to.
    pub fn from_env(region: &str, env: Env<'_>) -> Result<Option<Self>, MachineError> {
        if let Some(identity) = WebIdentity::from_env(region, env)? {
            return Ok(Some(Self(Kind::WebIdentity(identity))));
        }
        if let Some(container) = Container::from_env(env)? {
            return Ok(Some(Self(Kind::Container(container))));
        }
        Ok(Instance::from_env(env)?.map(|instance| Self(Kind::Instance(instance))))
    }

    /// The file whose text [`obtain`](Self::obtain) has to be given. It is replaced while the machine runs: read it
    /// each time.
    #[must_use]
    pub fn token_file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::WebIdentity(identity) => Some(identity.token_file()),
            Kind::Container(container) => container.token_file(),
            Kind::Instance(_) => None,
        }
    }

    /// Asks for a key, with the text of the [`token_file`](Self::token_file).
    ///
    /// # Errors
    ///
    /// When nobody answers, or without a key.
    pub async fn obtain(&self, token: Option<&str>, fetch: &dyn Fetch) -> Result<Obtained, MachineError> {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        if self.token_file().is_some() && token.is_none() {
            return Err(MachineError::new("its token file is empty"));
        }
        match &self.0 {
            Kind::WebIdentity(identity) => identity.obtain(token.unwrap_or_default(), fetch).await,
            Kind::Container(container) => container.obtain(token, fetch).await,
            Kind::Instance(instance) => instance.obtain(fetch).await,
        }
    }
}

/// What an operator calls it, without an address.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::WebIdentity(_) => "web identity",
            Kind::Container(_) => "container",
            Kind::Instance(_) => "instance role",
        })
    }
}

impl MachineError {
    fn new(why: impl Into<Box<str>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MachineError {}

/// The variable, unless it is empty.
fn variable(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// An address from a variable: what is sent there is a credential, so it is `https`, or one of those that `near` says
/// are this machine's own.
fn address(name: &str, text: &str, near: fn(&str) -> bool) -> Result<Uri, MachineError> {
    let wrong = |why| MachineError::new(format!("{name}: {why}"));
    let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => Ok(uri),
        Some("http") if near(host) => Ok(uri),
        Some("http") => Err(wrong("without TLS it may only name this machine or its metadata service")),
        _ => Err(wrong("is no URL")),
    }
}

/// Whether `host` is this machine itself.
fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The body of an answer that says yes.
async fn body(request: Request<Bytes>, fetch: &dyn Fetch) -> Result<Bytes, MachineError> {
    let answer = fetch.fetch(request).await.map_err(|error| MachineError::new(error.to_string()))?;
    match answer.status() {
        status if status.is_success() => Ok(answer.into_body()),
        status => Err(MachineError::new(format!("it answered {status}"))),
    }
}

#[cfg(test)]
mod tests;
