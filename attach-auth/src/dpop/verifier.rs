use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;

use super::nonce::Nonces;
use super::proof::Proof;
use super::target::Base;
use crate::clock::{Clock, SystemClock, since_epoch};
use crate::once::{Once, Shown};
use crate::state::State;
use crate::{ConfigError, Credential, Denial};

/// How far the time of a proof may be from ours, either way.
const WINDOW: Duration = Duration::from_secs(60);

/// Proofs that are remembered for a window; more than that many in it are not served.
const PROOFS: usize = 1_000_000;

/// What proofs of possession are held to; see the [module](crate::dpop).
#[derive(Debug)]
#[must_use]
pub struct Dpop {
    base: Base,
    shown: Once,
    nonces: Option<Nonces>,
    clock: Arc<dyn Clock>,
}

impl Dpop {
    /// Proofs are for `external_url`, the address that clients call, and a path of it. What a request says about its
    /// own address is not asked: whoever replays one says the same.
    ///
    /// # Errors
    ///
    /// When it is no URL, or has a user, a query or a fragment.
    pub fn new(external_url: &str) -> Result<Self, ConfigError> {
        let shown = Once::new(WINDOW * 2 + Duration::from_secs(1), PROOFS);
        Ok(Self {
            base: Base::parse(external_url)?,
            shown,
            nonces: None,
            clock: Arc::new(SystemClock::default()),
        })
    }

    /// The same for another address of the service, such as another of its host names: what was shown at one is known at all.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn at(&self, external_url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            base: Base::parse(external_url)?,
            shown: self.shown.clone(),
            nonces: self.nonces.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// Asks for a nonce of ours in every proof (RFC 9449 §9), so that none can be made in advance. Nodes of one service
    /// share the `key`.
    pub fn nonces(mut self, key: &[u8]) -> Self {
        self.nonces = Some(Nonces::new(key));
        self
    }

    /// Has proofs that were shown known to every node that shares `state`; to this node only unless set.
    pub fn state(mut self, state: State) -> Self {
        self.shown.share(state);
        self
    }

    /// Uses clocks other than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Whether `credential` came with one good proof, for this request and now, by the key whose thumbprint is `jkt`.
    pub(crate) async fn check(
        &self,
        credential: &Credential,
        parts: &Parts,
        jkt: &str,
    ) -> Result<(), Denial> {
        let [text] = credential.proofs() else {
            let reason = if credential.proofs().is_empty() { "dpop_missing" } else { "dpop_several" };
            return Err(Denial::invalid_proof(reason));
        };
        let proof = Proof::verify(text).map_err(Denial::invalid_proof)?;
        self.check_request(&proof, credential, parts)?;
        if proof.thumbprint != jkt {
            return Err(Denial::invalid_proof("dpop_key"));
        }
        self.check_nonce(&proof)?;
        let jti = proof.jti().ok_or_else(|| Denial::invalid_proof("dpop_jti"))?;
        match self.shown.show(&["dpop", jkt], &jti, &*self.clock).await? {
            Shown::First => Ok(()),
            Shown::Again => Err(Denial::invalid_proof("dpop_replayed")),
        }
    }

    fn check_request(&self, proof: &Proof, credential: &Credential, parts: &Parts) -> Result<(), Denial> {
        let wrong = |reason| Err(Denial::invalid_proof(reason));
        if proof.text("htm").as_deref() != Some(parts.method.as_str()) {
            return wrong("dpop_htm");
        }
        if !proof.text("htu").is_some_and(|htu| self.base.is(&htu, parts.uri.path())) {
            return wrong("dpop_htu");
        }
        let token = URL_SAFE_NO_PAD.encode(digest(&SHA256, credential.token().as_bytes()));
        if proof.text("ath") != Some(token) {
            return wrong("dpop_ath");
        }
        let now = since_epoch(self.clock.now());
        if proof.iat().is_none_or(|iat| now.abs_diff(iat) > WINDOW.as_secs()) {
            return wrong("dpop_iat");
        }
        Ok(())
    }

    fn check_nonce(&self, proof: &Proof) -> Result<(), Denial> {
        let Some(nonces) = &self.nonces else { return Ok(()) };
        let now = since_epoch(self.clock.now());
        match proof.text("nonce") {
            Some(nonce) if nonces.is_good(&nonce, now) => Ok(()),
            _ => Err(Denial::use_nonce(nonces.at(now))),
        }
    }
}
