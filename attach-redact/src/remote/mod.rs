//! [Inspectors](crate::Inspect) behind a network.
//!
//! What they have in common is [`Remote`]: through which client they are asked, how long that may take, how many may be
//! asked at a time. Whatever goes wrong there, an answer that makes no sense included, is a fault, and the
//! [`WhenDown`](crate::WhenDown) given to [`Builder::inspector`](crate::Builder::inspector) decides.
//!
//! ```
//! use std::sync::Arc;
//!
//! use attach_core::client::Client;
//! use attach_redact::remote::{Presidio, Remote};
//! use attach_redact::{Redactor, WhenDown};
//!
//! let remote = Remote::new(Arc::new(Client::new()?));
//! let presidio = Presidio::new("http://presidio:3000", remote)?.language("de");
//! let redactor = Redactor::builder().inspector(presidio, WhenDown::Closed).build()?;
//! # let _ = redactor;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Fetch;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::{ConfigError, Entity, Fault, Inspection};

#[cfg(feature = "bedrock")]
pub mod bedrock;
mod places;
mod presidio;
mod webhook;

pub use self::presidio::Presidio;
pub use self::webhook::Webhook;

/// How an engine is asked.
#[derive(Clone)]
#[must_use]
pub struct Remote {
    fetch: Arc<dyn Fetch>,
    deadline: Duration,
    calls: Arc<Semaphore>,
}

impl Remote {
    /// How long an inspection may take unless set: one second.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);
    /// How many calls are under way at a time unless set.
    pub const DEFAULT_CONCURRENCY: usize = 64;

    /// Asks through `fetch`, which bounds how long an answer may be.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self {
            fetch,
            deadline: Self::DEFAULT_DEADLINE,
            calls: Arc::new(Semaphore::new(Self::DEFAULT_CONCURRENCY)),
        }
    }

    /// How long the texts of one request may take, waiting for a turn and all calls included.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How many calls are under way at a time; at least one. Others wait, within their deadline. Clones share them.
    pub fn concurrency(self, calls: usize) -> Self {
        Self { calls: Arc::new(Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS))), ..self }
    }

    /// `work`, unless it takes too long.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let late = |_| Fault::new("a remote engine did not answer in time");
        tokio::time::timeout(self.deadline, work).await.map_err(late)?
    }

    /// The answer to `request`, read as JSON. What is wrong with it is told without a word of it.
    async fn ask<T: DeserializeOwned>(&self, request: Request<Bytes>) -> Result<T, Fault> {
        let _turn = self.calls.acquire().await.map_err(|_| Fault::new("no calls are made any more"))?;
        let answer = self.fetch.fetch(request).await.map_err(|error| remote_fault(&error))?;
        if answer.status() != http::StatusCode::OK {
            return Err(Fault::new(format!("a remote engine answered {}", answer.status().as_u16())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| {
            Fault::new(format!("a remote engine's answer is not understood ({:?})", error.classify()))
        })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

fn remote_fault(error: &dyn fmt::Display) -> Fault {
    Fault::new(format!("a remote engine: {error}"))
}

/// `http` or `https`, with a host and without a query; the path loses its last `/`.
fn base_url(url: &str) -> Result<String, ConfigError> {
    let usable = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
            && !uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
    };
    match url.parse::<Uri>() {
        Ok(uri) if usable(&uri) => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(ConfigError::Remote("url: no http or https URL without a user and a query".into())),
    }
}

/// A request with `body` as JSON.
fn post(url: &str, body: &impl Serialize) -> Result<Request<Bytes>, Fault> {
    let body = serde_json::to_vec(body).map_err(|_| Fault::new("a text cannot be written as JSON"))?;
    let mut request = Request::post(url)
        .body(Bytes::from(body))
        .map_err(|_| Fault::new("the URL of a remote engine cannot be asked"))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// What engines `found` in each of `texts`.
fn placed(texts: &[&str], found: Vec<Vec<places::Found>>) -> Result<Inspection, Fault> {
    if found.len() != texts.len() {
        return Err(Fault::new("a remote engine answered for another number of texts"));
    }
    let mut seen = Inspection::new();
    for (index, (text, found)) in texts.iter().zip(found).enumerate() {
        places::findings(text, found)?.into_iter().for_each(|finding| seen.found(index, finding));
    }
    Ok(seen)
}

/// The entity an engine calls `name`: ours of that name, else one of that name, as far as it can name one.
fn entity(name: &str) -> Entity {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = name.trim().chars().take(32).map(allowed).collect();
    let name = name.trim_matches('_');
    // A name nobody can have still has to be replaced by something.
    Entity::custom(name).unwrap_or_else(|_| Entity::custom("SENSITIVE").unwrap_or(Entity::Secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_engine_calls_it_there_is_an_entity() {
        assert_eq!(entity("EMAIL_ADDRESS"), Entity::Email);
        assert_eq!(entity("employee id").name(), "EMPLOYEE_ID");
        for odd in ["", "__", "9LIVES", "PII", "é", "LITERAL"] {
            assert_eq!(entity(odd).name(), "SENSITIVE", "{odd}");
        }
        assert_eq!(entity(&"X".repeat(99)).name().len(), 32);
    }

    #[test]
    fn a_url_that_cannot_be_asked_is_refused_at_start() {
        for url in ["", "presidio:3000", "ftp://x/", "http://", "http://x/?a=b", "https://user:pass@x/"] {
            assert!(base_url(url).is_err(), "{url}");
        }
        assert_eq!(base_url("http://x:3000/pii/").unwrap(), "http://x:3000/pii");
    }
}
