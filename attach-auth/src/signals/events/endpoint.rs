use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::json;

use super::event::{self, Meaning};
use crate::Event;
use crate::endpoint::{Endpoint, has_type, not_allowed, status};
use crate::oidc::{Signed, verify_signed};
use crate::revocation::{Effect, Fact, Subject};
use crate::signals::answer::{json, retry_after};
use crate::signals::desk::{Signals, Undone, target};
use crate::signals::{SignalIssuer, SignalKind, SignalOutcome};

const KIND: SignalKind = SignalKind::SecurityEvents;
/// How old an event token may be: a transmitter may have been unable to reach us for a while.
const MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Receives security events: `POST` of one signed token, under `/ssf/events` unless set.
///
/// `session-revoked` and `credential-change` refuse what was issued until then, `account-disabled` refuses everything
/// until `account-enabled`; other events are accepted and ask for nothing. A token that comes again is accepted again,
/// as RFC 8935 has it, and not acted on.
#[derive(Debug)]
#[must_use]
pub struct SecurityEvents {
    signals: Signals,
    audiences: Vec<Box<str>>,
    transmitters: Vec<SignalIssuer>,
    path: Box<str>,
}

impl SecurityEvents {
    /// Events addressed to one of `audiences`. None is believed before [`transmitter`](Self::transmitter).
    pub fn new<T: Into<Box<str>>>(signals: Signals, audiences: impl IntoIterator<Item = T>) -> Self {
        let audiences = audiences.into_iter().map(Into::into).collect();
        Self { signals, audiences, transmitters: Vec::new(), path: "/ssf/events".into() }
    }

    /// Believes what `issuer` transmits, about the people of its directory.
    pub fn transmitter(mut self, issuer: SignalIssuer) -> Self {
        self.transmitters.push(issuer);
        self
    }

    /// Replaces the path.
    pub fn path(mut self, path: impl Into<Box<str>>) -> Self {
        self.path = path.into();
        self
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<(), Refusal> {
        let token = token(request)?;
        let signed = verify_signed(token, &self.transmitters).await?;
        if !signed.is_typed("secevent+jwt") {
            return Err(Refusal::Wrong("invalid_request", "the token is no security event"));
        }
        if !signed.is_for(&self.audiences) {
            return Err(Refusal::Wrong("invalid_audience", "the event is for somebody else"));
        }
        let invalid = |what| Refusal::Wrong("invalid_request", what);
        let (now, leeway) = (self.signals.now(), signed.leeway);
        let iat = signed.moment("iat").ok_or(invalid("there is no `iat`"))?;
        if iat > now + leeway || now > iat + MAX_AGE {
            return Err(invalid("the token is from another time"));
        }
        let id = signed.text("jti").ok_or(invalid("there is no `jti`"))?;
        let meanings = event::read(signed.claims(), iat).map_err(invalid)?;
        if meanings.is_empty() {
            self.signals.count(KIND, SignalOutcome::Ignored);
            return Ok(());
        }
        if self.signals.was_seen(KIND, &signed.issuer, &id) {
            return Ok(());
        }
        self.signals.take(KIND).map_err(Refusal::TooMany)?;
        self.act(&signed, meanings, (&id, iat + MAX_AGE + leeway)).await
    }

    async fn act(
        &self,
        signed: &Signed,
        meanings: Vec<Meaning>,
        (id, until): (&str, SystemTime),
    ) -> Result<(), Refusal> {
        let named = meanings.first().map(|meaning| target(&meaning.named.users)).unwrap_or_default();
        let mut event = Event::new("revocation.security_event", &*signed.issuer)
            .directory(Arc::clone(&signed.directory))
            .target(named);
        let mut facts = Vec::new();
        for meaning in meanings {
            event = event.detail("effect", name(meaning.effect));
            facts.extend(self.facts(&signed.directory, meaning));
        }
        let mut changes = self.signals.revocations().changes(&facts);
        changes.push(self.signals.see(KIND, &signed.issuer, id, until));
        match self.signals.act(KIND, event, changes).await {
            // The other one of two that came at once did it.
            Ok(()) | Err(Undone::Conflict(_)) => Ok(()),
            Err(Undone::Unavailable) => Err(Refusal::Unavailable(Duration::from_secs(1))),
        }
    }

    fn facts(&self, directory: &Arc<str>, meaning: Meaning) -> Vec<Fact> {
        let (users, sessions) = (meaning.named.users, meaning.named.sessions);
        // Where a session is named beside its user, both are meant: few access tokens say which session they are of.
        let mut subjects: Vec<Subject> = match meaning.effect {
            Effect::NotBefore(_) => sessions,
            Effect::Disabled | Effect::Enabled => Vec::new(),
        };
        if !users.is_empty() {
            subjects.extend(self.signals.everything(KIND, directory, users).0);
        }
        self.signals.facts(KIND, directory, subjects, meaning.effect)
    }
}

fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::NotBefore(_) => "not_before",
        Effect::Disabled => "disabled",
        Effect::Enabled => "enabled",
    }
}

enum Refusal {
    /// An error code of RFC 8935 §2.4, and a sentence.
    Wrong(&'static str, &'static str),
    TooMany(Duration),
    Unavailable(Duration),
}

impl From<crate::Denial> for Refusal {
    fn from(denial: crate::Denial) -> Self {
        if denial.status() == StatusCode::SERVICE_UNAVAILABLE {
            return Self::Unavailable(Duration::from_secs(10));
        }
        match denial.code() {
            "wrong_issuer" => Self::Wrong("invalid_issuer", "nobody we believe signs by this name"),
            "unknown_key" => Self::Wrong("invalid_key", "the issuer has no such key"),
            "malformed_token" | "token_too_large" | "encrypted_token" => {
                Self::Wrong("invalid_request", "the body is not one signed token")
            }
            _ => Self::Wrong("authentication_failed", "the signature is not the issuer's"),
        }
    }
}

/// What RFC 8935 §2.3 has as the body of a 400.
pub(super) fn error_body(code: &str, description: &str) -> serde_json::Value {
    json!({"err": code, "description": description})
}

fn token(request: &Request<Bytes>) -> Result<&str, Refusal> {
    if !has_type(request.headers(), "application/secevent+jwt") {
        return Err(Refusal::Wrong("invalid_request", "the content type is not application/secevent+jwt"));
    }
    let malformed = |_| Refusal::Wrong("invalid_request", "the body is not one signed token");
    Ok(std::str::from_utf8(request.body()).map_err(malformed)?.trim())
}

impl Endpoint for SecurityEvents {
    fn owns(&self, path: &str) -> bool {
        *self.path == *path
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::POST {
            return not_allowed("POST");
        }
        match self.answer(&request).await {
            Ok(()) => status(StatusCode::ACCEPTED),
            Err(Refusal::Wrong(code, what)) => match self.signals.refuse(KIND, request.extensions(), what) {
                Ok(()) => {
                    let mut response = json(StatusCode::BAD_REQUEST, &error_body(code, what));
                    let english = header::HeaderValue::from_static("en");
                    response.headers_mut().insert(header::CONTENT_LANGUAGE, english);
                    response
                }
                Err(wait) => retry_after(status(StatusCode::TOO_MANY_REQUESTS), wait),
            },
            Err(Refusal::TooMany(wait)) => retry_after(status(StatusCode::TOO_MANY_REQUESTS), wait),
            Err(Refusal::Unavailable(wait)) => retry_after(status(StatusCode::SERVICE_UNAVAILABLE), wait),
        }
    }
}
