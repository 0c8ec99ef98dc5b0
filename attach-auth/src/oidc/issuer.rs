//! One issuer: from a token that says it is of it, to the caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use attach_core::json::Document;
use attach_core::{Fetch, Identity};

use super::claims;
use super::config::IssuerConfig;
use super::entitlement::{self, Notices};
use super::introspection::Introspector;
use super::keyring::KeyRing;
use super::person;
use super::source::Source;
use super::times::Times;
use crate::Denial;
use crate::clock::Clock;
use crate::jws::{Compact, JwsError};

#[derive(Debug)]
pub(super) struct Issuer {
    /// No other issuer of this process has or had the same: what was verified by one counts for that one only.
    pub(super) serial: u64,
    pub(super) facts: Facts,
    pub(super) keys: Arc<KeyRing>,
    pub(super) introspector: Option<Introspector>,
}

/// What an issuer's tokens are held to.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) config: IssuerConfig,
    pub(super) directory: Arc<str>,
    pub(super) notices: Notices,
}

/// A caller, and how long the answer holds.
pub(super) struct Verified {
    pub(super) identity: Arc<Identity>,
    pub(super) times: Times,
    pub(super) generation: u64,
}

impl Issuer {
    pub(super) fn new(config: IssuerConfig, fetch: &Arc<dyn Fetch>, clock: &Arc<dyn Clock>) -> Self {
        let keys = match &config.jwks {
            Some(keys) => KeyRing::fixed(Arc::clone(keys), Arc::clone(clock)),
            None => KeyRing::remote(source(&config, fetch), Arc::clone(clock)),
        };
        Self::with_keys(config, Arc::new(keys), fetch, clock)
    }

    /// The issuer by keys that are there already.
    pub(super) fn with_keys(
        config: IssuerConfig,
        keys: Arc<KeyRing>,
        fetch: &Arc<dyn Fetch>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let introspector = config
            .introspection
            .clone()
            .map(|introspection| Introspector::new(introspection, source(&config, fetch), Arc::clone(clock)));
        let facts = Facts { directory: config.directory_name(), config, notices: Notices::default() };
        Self { serial: NEXT.fetch_add(1, Ordering::Relaxed), facts, keys, introspector }
    }

    /// The one to ask about tokens that nobody but the issuer can read.
    pub(super) fn reads_opaque(&self) -> Option<&Introspector> {
        self.introspector.as_ref().filter(|_| self.facts.config.takes_opaque())
    }

    /// The one to ask about this issuer's JWTs, if they are not verified here.
    pub(super) fn reads_jwts(&self) -> Option<&Introspector> {
        self.introspector.as_ref().filter(|_| self.facts.config.introspects_jwts())
    }

    /// Fetches what is due.
    pub(super) async fn refresh(&self) {
        if let Some(introspector) = &self.introspector {
            introspector.prepare(&self.facts.config.issuer).await;
        }
        if self.reads_jwts().is_none() {
            self.keys.refresh().await;
        }
    }

    /// Whether its tokens can be verified.
    pub(super) fn is_ready(&self) -> bool {
        match self.reads_jwts() {
            Some(introspector) => introspector.is_ready(),
            None => self.keys.usable().is_some(),
        }
    }

    pub(super) fn keys_age(&self) -> Option<Duration> {
        self.keys.confirmed_ago()
    }

    pub(super) fn problem(&self) -> Option<String> {
        let asking = || self.introspector.as_ref().and_then(Introspector::problem);
        self.keys.problem().or_else(asking)
    }

    pub(super) async fn verify(
        &self,
        token: &Compact<'_>,
        document: Document,
        now: SystemTime,
    ) -> Result<Verified, Denial> {
        let config = &self.facts.config;
        if !config.algorithms.contains(&token.algorithm) {
            return Err(JwsError::AlgorithmNotAllowed.into());
        }
        let typ = token.typ.as_deref();
        claims::check_typ(typ, config)?;
        let published = self.keys.verify(token).await?;
        let claims = document.root();
        if let Err(denial) = claims::check_audience(claims, config) {
            self.facts.notices.wrong_audience(claims, config);
            return Err(denial);
        }
        claims::check_profile(claims, config)?;
        let times = Times::of(claims, config, now)?;
        claims::check_purpose(claims, typ, config)?;
        let identity = person::identity(document.clone(), config, &self.facts.directory, times)?;
        entitlement::check(&identity, claims, config, &self.facts.notices)?;
        Ok(Verified { identity: Arc::new(identity), times, generation: published.generation })
    }
}

fn source(config: &IssuerConfig, fetch: &Arc<dyn Fetch>) -> Source {
    let fetch = config.fetch.as_ref().map_or(fetch, |own| &own.fetch);
    let (issuer, uri) = (Arc::clone(&config.issuer), config.jwks_uri.clone());
    Source::new(issuer, uri, config.development, Arc::clone(fetch))
}
