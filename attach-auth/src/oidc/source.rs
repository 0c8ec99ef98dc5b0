//! Where an issuer's keys come from.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use attach_core::Fetch;
use bytes::Bytes;
use http::{Request, StatusCode, header};

use crate::jws::{KeySet, KeySetError};

/// The longest key set or discovery document that is read.
pub(super) const MAX_DOCUMENT: usize = 1 << 20;

/// Why there are no new keys.
#[derive(Debug, Clone)]
pub(super) enum Problem {
    /// The provider did not answer, or not with what was asked for.
    Unreachable(String),
    /// It answered with something not to be relied on.
    Refused(String),
    /// Its keys are not to be relied on.
    Keys(KeySetError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Refused(why) => f.write_str(why),
            Self::Keys(error) => error.fmt(f),
        }
    }
}

/// An issuer's published keys, fetched when asked.
pub(super) struct Source {
    pub(super) issuer: Arc<str>,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) development: bool,
    /// Where the keys are; found by discovery unless configured.
    located: Mutex<Option<Box<str>>>,
    configured: bool,
}

/// A key set and the bytes it was read from.
pub(super) struct Fetched {
    pub(super) keys: KeySet,
    pub(super) bytes: Bytes,
}

impl Source {
    pub(super) fn new(
        issuer: Arc<str>,
        jwks_uri: Option<Box<str>>,
        development: bool,
        fetch: Arc<dyn Fetch>,
    ) -> Self {
        let configured = jwks_uri.is_some();
        Self { issuer, fetch, development, located: Mutex::new(jwks_uri), configured }
    }

    /// Fetches the key set, and first finds out where it is if that is not known.
    pub(super) async fn keys(&self) -> Result<Fetched, Problem> {
        let known = self.located.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let uri = match known {
            Some(uri) => uri,
            None => self.locate().await?,
        };
        let result = self.keys_at(&uri).await;
        // A provider that moved its keys says so in its discovery document.
        let next = (self.configured || result.is_ok()).then_some(uri);
        *self.located.lock().unwrap_or_else(PoisonError::into_inner) = next;
        result
    }

    async fn keys_at(&self, uri: &str) -> Result<Fetched, Problem> {
        let bytes = get(&*self.fetch, uri).await?;
        self.read(bytes)
    }

    /// A key set of this issuer, wherever the bytes were kept.
    pub(super) fn read(&self, bytes: Bytes) -> Result<Fetched, Problem> {
        let keys = KeySet::parse_published(&bytes).map_err(Problem::Keys)?;
        if keys.is_development() && !self.development {
            return Err(development(&self.issuer));
        }
        Ok(Fetched { keys, bytes })
    }

    #[cfg(feature = "discovery")]
    async fn locate(&self) -> Result<Box<str>, Problem> {
        Ok(super::discovery::discover(self).await?.jwks_uri)
    }

    /// Where the issuer answers questions about opaque tokens (RFC 7662).
    #[cfg(feature = "discovery")]
    pub(super) async fn introspection(&self) -> Result<Box<str>, Problem> {
        super::discovery::discover(self).await?.introspection(&self.issuer)
    }

    #[cfg(not(feature = "discovery"))]
    #[allow(clippy::unused_async)]
    pub(super) async fn introspection(&self) -> Result<Box<str>, Problem> {
        Err(Problem::Refused("built without discovery: introspection needs its endpoint".to_owned()))
    }

    #[cfg(not(feature = "discovery"))]
    #[allow(clippy::unused_async)]
    async fn locate(&self) -> Result<Box<str>, Problem> {
        Err(Problem::Refused("built without discovery: the issuer needs a jwks_uri or its keys".to_owned()))
    }
}

pub(super) fn development(issuer: &str) -> Problem {
    Problem::Refused(format!("`{issuer}` is a development issuer, whose tokens prove nothing"))
}

/// The bytes at `url`, on one 200. Redirects are not followed.
pub(super) async fn get(fetch: &dyn Fetch, url: &str) -> Result<Bytes, Problem> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json, application/jwk-set+json")
        .body(Bytes::new())
        .map_err(|_| Problem::Refused(format!("`{url}` is not a URL")))?;
    let response =
        fetch.fetch(request).await.map_err(|error| Problem::Unreachable(format!("{url}: {error}")))?;
    if response.status() != StatusCode::OK {
        return Err(Problem::Unreachable(format!("{url} answered {}", response.status())));
    }
    if response.body().len() > MAX_DOCUMENT {
        return Err(Problem::Refused(format!("{url} answered with more than a mebibyte")));
    }
    Ok(response.into_body())
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
