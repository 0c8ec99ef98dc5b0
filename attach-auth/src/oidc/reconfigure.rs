//! Another configuration for a verifier that is in use.

use std::sync::{Arc, OnceLock};

use super::config::IssuerConfig;
use super::issuer::Issuer;
use super::verifier::{Inner, OidcVerifier, check};
use crate::ConfigError;
use crate::dpop::Dpop;

impl OidcVerifier {
    /// A verifier of `issuers` that keeps what is known: the keys of every issuer that is found as before, and the
    /// tokens that were found good by one whose configuration is the same.
    ///
    /// This verifier goes on as it is, for the requests that have it.
    ///
    /// # Errors
    ///
    /// When an issuer's configuration cannot be meant; as [`new`](Self::new).
    pub fn reconfigured(&self, issuers: Vec<IssuerConfig>) -> Result<Self, ConfigError> {
        Ok(Self::with(self.successors(issuers, self.0.dpop.clone())?))
    }

    /// [`reconfigured`](Self::reconfigured) for another address of the service, such as another of its host names: proofs
    /// of possession are for `external_url` there, if they are taken at all.
    ///
    /// # Errors
    ///
    /// As [`reconfigured`](Self::reconfigured), and when `external_url` is none.
    pub fn at(&self, issuers: Vec<IssuerConfig>, external_url: &str) -> Result<Self, ConfigError> {
        let dpop = self.0.dpop.get().map(|dpop| dpop.at(external_url).map(Arc::new)).transpose()?;
        let dpop = dpop.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self(Arc::new(self.successors(issuers, dpop)?)))
    }

    fn successors(
        &self,
        issuers: Vec<IssuerConfig>,
        dpop: OnceLock<Arc<Dpop>>,
    ) -> Result<Inner, ConfigError> {
        check(&issuers)?;
        let issuers: Vec<_> = issuers.into_iter().map(|config| self.successor(config)).collect();
        let files = self.0.files.clone();
        if let Some(files) = files.get() {
            for issuer in &issuers {
                issuer.keys.keep_in(files);
            }
        }
        Ok(Inner {
            issuers,
            cache: Arc::clone(&self.0.cache),
            clock: Arc::clone(&self.0.clock),
            fetch: Arc::clone(&self.0.fetch),
            files,
            dpop,
        })
    }

    /// The same with other proofs of possession (RFC 9449): those that `dpop` describes, or none, and then tokens that are
    /// bound to a key are refused. Keys and the tokens that were found good stay: a proof is looked at with every call.
    #[must_use]
    pub fn with_proofs(&self, dpop: Option<Dpop>) -> Self {
        let cell = dpop.map_or_else(OnceLock::new, |dpop| OnceLock::from(Arc::new(dpop)));
        Self(Arc::new(Inner {
            issuers: self.0.issuers.clone(),
            cache: Arc::clone(&self.0.cache),
            clock: Arc::clone(&self.0.clock),
            fetch: Arc::clone(&self.0.fetch),
            files: self.0.files.clone(),
            dpop: cell,
        }))
    }

    fn successor(&self, config: IssuerConfig) -> Arc<Issuer> {
        let before = self.0.issuers.iter().find(|issuer| issuer.facts.config.issuer == config.issuer);
        let (fetch, clock) = (&self.0.fetch, &self.0.clock);
        Arc::new(match before {
            Some(issuer) if same(&issuer.facts.config, &config) => return Arc::clone(issuer),
            Some(issuer) if same_keys(&issuer.facts.config, &config) => {
                Issuer::with_keys(config, Arc::clone(&issuer.keys), fetch, clock)
            }
            _ => Issuer::new(config, fetch, clock),
        })
    }
}

/// Whether the keys are found in the same way.
fn same_keys(a: &IssuerConfig, b: &IssuerConfig) -> bool {
    let (own_a, own_b) = (a.fetch.as_ref(), b.fetch.as_ref());
    let given = match (&a.jwks, &b.jwks) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    given
        && a.issuer == b.issuer
        && a.jwks_uri == b.jwks_uri
        && a.development == b.development
        && own_a.map(|own| &own.what) == own_b.map(|own| &own.what)
}

/// Whether a token that is good by one is as good by the other. Names every setting, so that none is forgotten.
fn same(a: &IssuerConfig, b: &IssuerConfig) -> bool {
    let IssuerConfig {
        preset,
        issuer: _,
        audiences,
        directory: _,
        required_scopes,
        client_ids,
        groups,
        groups_configured,
        allowed_groups,
        algorithms,
        leeway,
        max_lifetime,
        hosted_domains,
        accept_id_tokens,
        require_at_jwt,
        development: _,
        jwks_uri: _,
        jwks: _,
        introspection,
        fetch: _,
        entitled_elsewhere: _,
    } = a;
    same_keys(a, b)
        && a.directory_name() == b.directory_name()
        && (*preset, audiences, required_scopes) == (b.preset, &b.audiences, &b.required_scopes)
        && (client_ids, allowed_groups, hosted_domains)
            == (&b.client_ids, &b.allowed_groups, &b.hosted_domains)
        && (groups, groups_configured, algorithms) == (&b.groups, &b.groups_configured, &b.algorithms)
        && (*leeway, *max_lifetime) == (b.leeway, b.max_lifetime)
        && (*accept_id_tokens, *require_at_jwt) == (b.accept_id_tokens, b.require_at_jwt)
        && *introspection == b.introspection
}
