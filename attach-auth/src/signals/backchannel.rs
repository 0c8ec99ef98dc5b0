//! OpenID Connect Back-Channel Logout 1.0.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::json::Kind;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::answer::{json, retry_after};
use super::desk::{Signals, Undone, target};
use super::subject::{MAX_NAME, people};
use super::{SignalIssuer, SignalKind};
use crate::endpoint::{Endpoint, has_type, not_allowed, status};
use crate::oidc::Signed;
use crate::revocation::{Effect, Subject};
use crate::{Event, OidcVerifier};

const KIND: SignalKind = SignalKind::BackchannelLogout;
/// The event a logout token is about (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be: time enough for a provider to try again.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// Receives logout tokens: `POST` of a form with a `logout_token`, under `/oidc/backchannel-logout` unless set.
///
/// A session (`sid`) that ended is over for good; what was issued to its user (`sub`) up to the time of the token is
/// refused, in this session and, since many access tokens do not say which session they are of, in others.
#[derive(Debug)]
#[must_use]
pub struct BackchannelLogout {
    signals: Signals,
    verifier: OidcVerifier,
    issuers: Vec<SignalIssuer>,
    clients: Vec<Box<str>>,
    lenient: bool,
    path: Box<str>,
}

impl BackchannelLogout {
    /// Logout tokens of the issuers of `verifier`, to one of `clients`: the client ids under which people sign in. A
    /// service that takes tokens of any client of its issuers names none, and takes logouts of any: the session that
    /// ended is over for all of them.
    pub fn new<T: Into<Box<str>>>(
        signals: Signals,
        verifier: OidcVerifier,
        clients: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            signals,
            verifier,
            issuers: Vec::new(),
            clients: clients.into_iter().map(Into::into).collect(),
            lenient: false,
            path: "/oidc/backchannel-logout".into(),
        }
    }

    /// Logout tokens of `issuer` as well, which vouches for no access token.
    pub fn issuer(mut self, issuer: SignalIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Whether a token may call itself `JWT` instead of `logout+jwt`, or nothing at all; providers that follow an early
    /// draft do.
    pub fn lenient_typ(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// Replaces the path.
    pub fn path(mut self, path: impl Into<Box<str>>) -> Self {
        self.path = path.into();
        self
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<(), Refusal> {
        let token = logout_token(request)?;
        let signed = self.verifier.verify_signed(&token, &self.issuers).await?;
        let logout = self.read(&signed)?;
        if self.signals.was_seen(KIND, &signed.issuer, &logout.id) {
            return Err(Refusal::Wrong("jti"));
        }
        self.signals.take(KIND).map_err(Refusal::TooMany)?;
        self.act(&signed, &logout).await
    }

    fn is_ours(&self, signed: &Signed) -> bool {
        if self.clients.is_empty() { signed.has("aud") } else { signed.is_for(&self.clients) }
    }

    /// §2.6, steps 3 to 10.
    fn read(&self, signed: &Signed) -> Result<Logout, Refusal> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(Refusal::Wrong(what)) };
        // `typ` is recommended only (§2.4); the event below is what no other token has.
        let typed = signed.is_typed("logout+jwt") || signed.has_no_typ();
        must(typed || (self.lenient && signed.is_untyped()), "typ")?;
        must(self.is_ours(signed), "aud")?;
        must(!signed.has("nonce"), "nonce")?;
        let event = signed.claims().get("events").and_then(|events| events.get(EVENT));
        must(event.is_some_and(|event| event.kind() == Kind::Object), "events")?;
        let (now, leeway) = (self.signals.now(), signed.leeway);
        let at = signed.moment("iat").ok_or(Refusal::Wrong("iat"))?;
        must(at <= now + leeway && now <= at + MAX_AGE + leeway, "iat")?;
        must(!signed.has("exp") || signed.moment("exp").is_some_and(|exp| now - leeway < exp), "exp")?;
        let id = signed.text("jti").ok_or(Refusal::Wrong("jti"))?;
        let (user, session) = (signed.text("sub"), signed.text("sid"));
        must(user.is_some() || session.is_some(), "sub")?;
        must(user.is_some() || !signed.has("sub"), "sub")?;
        must(session.is_some() || !signed.has("sid"), "sid")?;
        must([&user, &session].into_iter().flatten().all(|name| name.len() <= MAX_NAME), "sub")?;
        Ok(Logout { id, at, user, session })
    }

    async fn act(&self, signed: &Signed, logout: &Logout) -> Result<(), Refusal> {
        let mut subjects: Vec<Subject> = logout.session.iter().cloned().map(Subject::Session).collect();
        if let Some(user) = &logout.user {
            subjects.extend(self.signals.everything(KIND, &signed.directory, people(user)).0);
        }
        let event = Event::new("revocation.backchannel_logout", &*signed.issuer)
            .directory(Arc::clone(&signed.directory))
            .target(target(&logout.user.as_deref().map(people).unwrap_or(subjects.clone())));
        let effect = Effect::NotBefore(logout.at);
        let facts = self.signals.facts(KIND, &signed.directory, subjects, effect);
        let mut changes = self.signals.revocations().changes(&facts);
        let until = logout.at + MAX_AGE + signed.leeway;
        changes.push(self.signals.see(KIND, &signed.issuer, &logout.id, until));
        match self.signals.act(KIND, event, changes).await {
            Ok(()) => Ok(()),
            Err(Undone::Conflict(_)) => Err(Refusal::Wrong("jti")),
            Err(Undone::Unavailable) => Err(Refusal::Unavailable(Duration::from_secs(1))),
        }
    }
}

/// What a logout token says.
struct Logout {
    id: Arc<str>,
    at: SystemTime,
    user: Option<Arc<str>>,
    session: Option<Arc<str>>,
}

enum Refusal {
    Wrong(&'static str),
    TooMany(Duration),
    Unavailable(Duration),
}

impl From<crate::Denial> for Refusal {
    fn from(denial: crate::Denial) -> Self {
        if denial.status() == StatusCode::SERVICE_UNAVAILABLE {
            Self::Unavailable(Duration::from_secs(10))
        } else {
            Self::Wrong(denial.code())
        }
    }
}

/// The one `logout_token` of a form (§2.5).
fn logout_token(request: &Request<Bytes>) -> Result<String, Refusal> {
    if !has_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(Refusal::Wrong("content_type"));
    }
    let mut tokens = form_urlencoded::parse(request.body())
        .filter(|(name, _)| name == "logout_token")
        .map(|(_, token)| token);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token.into_owned()),
        _ => Err(Refusal::Wrong("logout_token")),
    }
}

impl Endpoint for BackchannelLogout {
    fn owns(&self, path: &str) -> bool {
        *self.path == *path
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::POST {
            return not_allowed("POST");
        }
        match self.answer(&request).await {
            Ok(()) => status(StatusCode::OK),
            Err(Refusal::Wrong(what)) => match self.signals.refuse(KIND, request.extensions(), what) {
                Ok(()) => {
                    let description = format!("the logout token was not accepted: {what}");
                    let body = json!({"error": "invalid_request", "error_description": description});
                    json(StatusCode::BAD_REQUEST, &body)
                }
                Err(wait) => retry_after(status(StatusCode::TOO_MANY_REQUESTS), wait),
            },
            Err(Refusal::TooMany(wait)) => retry_after(status(StatusCode::TOO_MANY_REQUESTS), wait),
            Err(Refusal::Unavailable(wait)) => retry_after(status(StatusCode::SERVICE_UNAVAILABLE), wait),
        }
    }
}
