//! One issuer: from a token that says it is of it, to the caller.

use std::sync::Arc;
use std::time::SystemTime;

use attach_core::json::Document;
use attach_core::{Fetch, Identity};

use super::claims;
use super::config::IssuerConfig;
use super::entitlement::{self, Notices};
use super::keyring::KeyRing;
use super::person;
use super::source::Source;
use super::times::Times;
use crate::Denial;
use crate::clock::Clock;
use crate::jws::{Compact, JwsError};

#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) config: IssuerConfig,
    pub(super) directory: Arc<str>,
    pub(super) keys: KeyRing,
    notices: Notices,
}

/// A caller, and how long the answer holds.
pub(super) struct Verified {
    pub(super) identity: Arc<Identity>,
    pub(super) times: Times,
    pub(super) generation: u64,
}

impl Issuer {
    pub(super) fn new(config: IssuerConfig, fetch: &Arc<dyn Fetch>, clock: &Arc<dyn Clock>) -> Self {
        let directory = config.directory_name();
        let keys = match &config.jwks {
            Some(keys) => KeyRing::fixed(Arc::clone(keys), Arc::clone(clock)),
            None => {
                let (issuer, uri) = (Arc::clone(&config.issuer), config.jwks_uri.clone());
                KeyRing::remote(
                    Source::new(issuer, uri, config.development, Arc::clone(fetch)),
                    Arc::clone(clock),
                )
            }
        };
        Self { config, directory, keys, notices: Notices::default() }
    }

    /// Whether tokens with this `iss` are this issuer's.
    pub(super) fn is_called(&self, iss: &str) -> bool {
        *self.config.issuer == *iss || self.config.preset.habits().aliases.contains(&iss)
    }

    pub(super) async fn verify(
        &self,
        token: &Compact<'_>,
        document: Document,
        now: SystemTime,
    ) -> Result<Verified, Denial> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(JwsError::AlgorithmNotAllowed.into());
        }
        let typ = token.typ.as_deref();
        claims::check_typ(typ, &self.config)?;
        let published = self.keys.verify(token).await?;
        let claims = document.root();
        if let Err(denial) = claims::check_audience(claims, &self.config) {
            self.notices.wrong_audience(claims, &self.config);
            return Err(denial);
        }
        claims::check_profile(claims, &self.config)?;
        let times = Times::of(claims, &self.config, now)?;
        claims::check_purpose(claims, typ, &self.config)?;
        let identity = person::identity(document.clone(), &self.config, &self.directory, times)?;
        entitlement::check(&identity, claims, &self.config, &self.notices)?;
        Ok(Verified { identity: Arc::new(identity), times, generation: published.generation })
    }
}
