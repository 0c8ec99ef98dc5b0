//! Statements of an issuer that are no access tokens: logout tokens, security events, requests it signs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::Fetch;
use attach_core::json::{Document, Kind, Value};

use super::claims;
use super::config::IssuerConfig;
use super::issuer::Issuer;
use super::times::moment;
use super::verifier::OidcVerifier;
use crate::Denial;
use crate::clock::SystemClock;
use crate::jws::{Compact, JwsError};

/// An issuer whose signals are believed. It vouches for no access token by that: an organisation often signs signals
/// in a name, and by keys, other than those of its access tokens.
#[derive(Debug, Clone)]
pub struct SignalIssuer(Arc<Issuer>);

impl SignalIssuer {
    /// The issuer, keys and directory of `config`; its audiences and what it says about access tokens do not matter.
    /// Keys are fetched when a signal asks for them, or by [`refresh`](Self::refresh).
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "what every caller has is an owner")]
    pub fn new(config: IssuerConfig, fetch: Arc<dyn Fetch>) -> Self {
        let clock: Arc<dyn crate::Clock> = Arc::new(SystemClock::default());
        Self(Arc::new(Issuer::new(config, &fetch, &clock)))
    }

    /// Fetches the issuer's keys if that is due. To be called from a timer of some seconds.
    pub async fn refresh(&self) {
        self.0.keys.refresh().await;
    }

    /// The directory it speaks for.
    #[must_use]
    pub fn directory(&self) -> &Arc<str> {
        &self.0.facts.directory
    }

    /// The issuer, byte for byte as in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &Arc<str> {
        &self.0.facts.config.issuer
    }

    pub(crate) fn is_called(&self, iss: &str) -> bool {
        self.0.facts.config.is_called(iss)
    }
}

/// Claims by the issuer that they name. What they are for, and when, is not decided yet.
pub(crate) struct Signed {
    pub(crate) issuer: Arc<str>,
    pub(crate) directory: Arc<str>,
    /// How far the issuer's clock may be off.
    pub(crate) leeway: Duration,
    typ: Option<Box<str>>,
    document: Document,
}

impl OidcVerifier {
    /// The claims of `token`, if they are signed by one of the issuers or of `others`.
    ///
    /// # Errors
    ///
    /// 401 when they are not, 503 when that cannot be known.
    pub(crate) async fn verify_signed(&self, token: &str, others: &[SignalIssuer]) -> Result<Signed, Denial> {
        verify(token, |iss| self.issuer(iss).or_else(|| find(others, iss))).await
    }
}

/// The claims of `token`, if they are signed by one of `issuers`.
///
/// # Errors
///
/// 401 when they are not, 503 when that cannot be known.
pub(crate) async fn verify_signed(token: &str, issuers: &[SignalIssuer]) -> Result<Signed, Denial> {
    verify(token, |iss| find(issuers, iss)).await
}

fn find<'i>(issuers: &'i [SignalIssuer], iss: &str) -> Option<&'i Issuer> {
    issuers.iter().find(|issuer| issuer.is_called(iss)).map(|issuer| &*issuer.0)
}

async fn verify<'i>(token: &str, issuer: impl FnOnce(&str) -> Option<&'i Issuer>) -> Result<Signed, Denial> {
    let compact = Compact::parse(token)?;
    if compact.nested {
        return Err(JwsError::Encrypted.into());
    }
    let document = claims::parse(compact.payload()?)?;
    let wrong_issuer = || Denial::invalid_token("wrong_issuer").with_reason("iss");
    let issuer = {
        let iss = document.root().get("iss").and_then(Value::as_str).ok_or_else(wrong_issuer)?;
        issuer(&iss).ok_or_else(wrong_issuer)?
    };
    if !issuer.facts.config.algorithms.contains(&compact.algorithm) {
        return Err(JwsError::AlgorithmNotAllowed.into());
    }
    issuer.keys.verify(&compact).await?;
    Ok(Signed {
        issuer: Arc::clone(&issuer.facts.config.issuer),
        directory: Arc::clone(&issuer.facts.directory),
        leeway: issuer.facts.config.leeway,
        typ: compact.typ,
        document,
    })
}

impl Signed {
    pub(crate) fn claims(&self) -> Value<'_> {
        self.document.root()
    }

    /// Whether the header's `typ` is `expected`, in any case, with or without `application/` (RFC 8725 §3.11).
    pub(crate) fn is_typed(&self, expected: &str) -> bool {
        let typ = self.typ.as_deref().map(str::to_ascii_lowercase);
        typ.is_some_and(|typ| typ.strip_prefix("application/").unwrap_or(&typ) == expected)
    }

    /// Whether the header has no `typ`.
    pub(crate) fn has_no_typ(&self) -> bool {
        self.typ.is_none()
    }

    /// Whether the header says nothing about what this is.
    pub(crate) fn is_untyped(&self) -> bool {
        self.typ.is_none() || self.is_typed("jwt")
    }

    /// A claim that is a string with something in it.
    pub(crate) fn text(&self, name: &str) -> Option<Arc<str>> {
        let text = self.claims().get(name)?.as_str()?;
        (!text.is_empty()).then(|| text.into())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.claims().get(name).is_some()
    }

    pub(crate) fn moment(&self, name: &str) -> Option<SystemTime> {
        self.claims().get(name).and_then(moment)
    }

    /// Whether `aud` is one of `audiences`, or an array of strings with one of them.
    pub(crate) fn is_for(&self, audiences: &[Box<str>]) -> bool {
        let ours = |value: Value<'_>| {
            let text = value.as_str();
            text.is_some_and(|text| audiences.iter().any(|audience| **audience == *text))
        };
        self.claims().get("aud").is_some_and(|aud| match aud.kind() {
            Kind::Array => aud.elements().all(|one| one.kind() == Kind::String) && aud.elements().any(ours),
            _ => ours(aud),
        })
    }
}
