//! Okta Universal Logout: Global Token Revocation (draft-parecki-oauth-global-token-revocation).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::json::Document;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::answer::{json, retry_after};
use super::desk::{Signals, Undone, target};
use super::subject::{BadSubject, Named};
use super::{SignalIssuer, SignalKind};
use crate::endpoint::{Endpoint, not_allowed, status};
use crate::oidc::{Signed, verify_signed};
use crate::revocation::Effect;
use crate::{ConfigError, Event};

const KIND: SignalKind = SignalKind::UniversalLogout;
/// How long the signature of a request may be good.
const MAX_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Receives requests to end everything of a user's: `POST` of a subject identifier, signed by the organisation.
///
/// Whatever was issued to the user until now is refused, gateway keys included, on every device. Under
/// `/okta/universal-logout` unless set.
///
/// The specification has 404 for users who do not exist. Only a directory that provisions its users by SCIM lets us
/// know: in one that does, a user it did not provision is answered 404, counted and logged, and what was issued in
/// their name is refused all the same. In one that does not, every user may exist, and the answer is 204.
#[derive(Debug)]
#[must_use]
pub struct UniversalLogout {
    signals: Signals,
    issuers: Vec<SignalIssuer>,
    /// One for each issuer; `None` is any.
    clients: Vec<Option<Box<str>>>,
    external_url: Box<str>,
    path: Box<str>,
}

impl UniversalLogout {
    /// Requests to this service, which is reached from outside at `external_url`, without the endpoint's own path.
    /// None is believed before [`trust`](Self::trust).
    ///
    /// # Errors
    ///
    /// When the URL is none that requests could be addressed to.
    pub fn new(signals: Signals, external_url: &str) -> Result<Self, ConfigError> {
        let uri = external_url.parse::<http::Uri>().ok().filter(|uri| uri.authority().is_some());
        if uri.is_none_or(|uri| uri.query().is_some()) {
            let url = external_url.escape_debug();
            return Err(ConfigError::new(format!("external_url `{url}` is not the URL of a service")));
        }
        Ok(Self {
            signals,
            issuers: Vec::new(),
            clients: Vec::new(),
            external_url: external_url.trim_end_matches('/').into(),
            path: "/okta/universal-logout".into(),
        })
    }

    /// Believes requests that `issuer`, the organisation's own, signs for `client_id`, the integration there. They are
    /// about the issuer's directory.
    pub fn trust(mut self, issuer: SignalIssuer, client_id: impl Into<Box<str>>) -> Self {
        self.issuers.push(issuer);
        self.clients.push(Some(client_id.into()));
        self
    }

    /// Believes requests that `issuer` signs for whatever integration: they are addressed to this endpoint's own URL all
    /// the same.
    pub fn trust_any_client(mut self, issuer: SignalIssuer) -> Self {
        self.issuers.push(issuer);
        self.clients.push(None);
        self
    }

    /// Replaces the path.
    pub fn path(mut self, path: impl Into<Box<str>>) -> Self {
        self.path = path.into();
        self
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<StatusCode, Refusal> {
        let token = bearer(request.headers()).ok_or(Refusal::Unauthorized("bearer"))?;
        let signed = verify_signed(token, &self.issuers).await?;
        let (id, until) = self.authorize(&signed)?;
        let body = Document::parse(request.body().clone()).map_err(|_| Refusal::Bad("body"))?;
        let named = body.root().get("sub_id").ok_or(Refusal::Bad("sub_id")).and_then(|subject| {
            Named::parse(subject).map_err(|bad| match bad {
                BadSubject::Malformed => Refusal::Bad("sub_id"),
                BadSubject::Unsupported => Refusal::Unprocessable,
            })
        })?;
        if named.users.is_empty() {
            return Err(Refusal::Unprocessable);
        }
        if self.signals.was_seen(KIND, &signed.issuer, &id) {
            return Err(Refusal::Unauthorized("jti"));
        }
        self.signals.take(KIND).map_err(Refusal::TooMany)?;
        self.act(&signed, named, (&id, until)).await
    }

    /// The id of the request's own token, and when it is over.
    fn authorize(&self, signed: &Signed) -> Result<(Arc<str>, SystemTime), Refusal> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(Refusal::Unauthorized(what)) };
        must(signed.is_typed("global-token-revocation+jwt"), "typ")?;
        let endpoint = format!("{}{}", self.external_url, self.path).into();
        must(signed.is_for(&[endpoint]), "aud")?;
        let (now, leeway) = (self.signals.now(), signed.leeway);
        let exp = signed.moment("exp").ok_or(Refusal::Unauthorized("exp"))?;
        must(now - leeway < exp && exp <= now + MAX_LIFETIME + leeway, "exp")?;
        for name in ["iat", "nbf"] {
            let begun = signed.moment(name).is_some_and(|moment| moment <= now + leeway);
            must(begun || !signed.has(name), name)?;
        }
        let client = signed.text("sub");
        let trusted = self.issuers.iter().zip(&self.clients).any(|(issuer, trusted)| {
            let ours = trusted.is_none() || client.as_deref() == trusted.as_deref();
            *issuer.issuer() == signed.issuer && ours
        });
        if !trusted {
            return Err(Refusal::Forbidden);
        }
        Ok((signed.text("jti").ok_or(Refusal::Unauthorized("jti"))?, exp + leeway))
    }

    async fn act(
        &self,
        signed: &Signed,
        named: Named,
        (id, until): (&str, SystemTime),
    ) -> Result<StatusCode, Refusal> {
        let (subjects, known) = self.signals.everything(KIND, &signed.directory, named.users);
        let event = Event::new("revocation.universal_logout", &*signed.issuer)
            .directory(Arc::clone(&signed.directory))
            .target(target(&subjects));
        let effect = Effect::NotBefore(self.signals.now());
        let facts = self.signals.facts(KIND, &signed.directory, subjects, effect);
        let mut changes = self.signals.revocations().changes(&facts);
        changes.push(self.signals.see(KIND, &signed.issuer, id, until));
        match self.signals.act(KIND, event, changes).await {
            Ok(()) if known => Ok(StatusCode::NO_CONTENT),
            Ok(()) => Ok(StatusCode::NOT_FOUND),
            Err(Undone::Conflict(_)) => Err(Refusal::Unauthorized("jti")),
            Err(Undone::Unavailable) => Err(Refusal::Unavailable(Duration::from_secs(1))),
        }
    }
}

enum Refusal {
    Bad(&'static str),
    Unauthorized(&'static str),
    Forbidden,
    Unprocessable,
    TooMany(Duration),
    Unavailable(Duration),
}

impl From<crate::Denial> for Refusal {
    fn from(denial: crate::Denial) -> Self {
        if denial.status() == StatusCode::SERVICE_UNAVAILABLE {
            Self::Unavailable(Duration::from_secs(10))
        } else {
            Self::Unauthorized(denial.code())
        }
    }
}

impl Refusal {
    /// What is answered, the code, and what the log calls it.
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Bad(what) => (StatusCode::BAD_REQUEST, "invalid_request", what),
            Self::Unauthorized(what) => (StatusCode::UNAUTHORIZED, "invalid_token", what),
            Self::Forbidden => (StatusCode::FORBIDDEN, "insufficient_scope", "sub"),
            Self::Unprocessable => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported_subject", "format"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "rate"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "store"),
        }
    }
}

/// The one bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

impl Endpoint for UniversalLogout {
    fn owns(&self, path: &str) -> bool {
        *self.path == *path
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::POST {
            return not_allowed("POST");
        }
        let refusal = match self.answer(&request).await {
            Ok(code) => return status(code),
            Err(refusal) => refusal,
        };
        let (code, error, what) = refusal.parts();
        let mut response = json(code, &json!({"error": error, "error_description": what}));
        match refusal {
            Refusal::TooMany(wait) | Refusal::Unavailable(wait) => return retry_after(response, wait),
            Refusal::Unauthorized(_) => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            Refusal::Bad(_) | Refusal::Forbidden | Refusal::Unprocessable => {}
        }
        match self.signals.refuse(KIND, request.extensions(), what) {
            Ok(()) => response,
            Err(wait) => retry_after(status(StatusCode::TOO_MANY_REQUESTS), wait),
        }
    }
}
