use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use attach_core::Rejection;
use http::{Extensions, HeaderName, HeaderValue, StatusCode};

use crate::challenge::Challenge;
use crate::jws::JwsError;

/// Why a caller is not let in: the status it turns into, a stable public code, and a private reason for the audit
/// trail.
///
/// ```
/// use attach_auth::Denial;
///
/// let denial = Denial::invalid_token("token_expired");
/// assert_eq!((denial.status(), denial.code()), (401.try_into()?, "token_expired"));
/// # Ok::<(), http::status::InvalidStatusCode>(())
/// ```
#[derive(Clone)]
pub struct Denial {
    kind: Kind,
    code: &'static str,
    reason: Cow<'static, str>,
    message: Option<Cow<'static, str>>,
}

#[derive(Debug, Clone)]
enum Kind {
    Absent,
    Malformed,
    Invalid,
    Proof { error: &'static str },
    Nonce { nonce: Box<str> },
    StepUp { acr_values: Box<str>, max_age: Option<u64> },
    Forbidden { scope: Option<Box<str>> },
    Unavailable { retry_after: u64 },
    Throttled { retry_after: u64 },
}

impl Denial {
    /// 401: nothing was shown that could be checked.
    #[must_use]
    pub fn no_credentials() -> Self {
        Self::new(Kind::Absent, "no_credentials")
    }

    /// 400: what was shown makes no sense (RFC 6750 `invalid_request`).
    #[must_use]
    pub fn invalid_request(code: &'static str) -> Self {
        Self::new(Kind::Malformed, code)
    }

    /// 401: the token is not good (RFC 6750 `invalid_token`).
    #[must_use]
    pub fn invalid_token(code: &'static str) -> Self {
        Self::new(Kind::Invalid, code)
    }

    /// 401: the token is bound to a key and came without a proof of its possession (RFC 9449 §7.1).
    #[must_use]
    pub fn proof_required() -> Self {
        Self::new(Kind::Proof { error: "invalid_token" }, "sender_constrained_token")
            .with_reason("dpop_required")
    }

    /// 401 `invalid_dpop_proof`: what proves possession of the token's key does not (RFC 9449 §7.1).
    pub(crate) fn invalid_proof(reason: &'static str) -> Self {
        Self::new(Kind::Proof { error: "invalid_dpop_proof" }, "invalid_dpop_proof")
            .with_reason(reason)
            .with_message("the `DPoP` header is not one good proof for this request")
    }

    /// 401 `use_dpop_nonce`: the proof has to have this nonce (RFC 9449 §9).
    pub(crate) fn use_nonce(nonce: String) -> Self {
        Self::new(Kind::Nonce { nonce: nonce.into() }, "use_dpop_nonce").with_reason("dpop_nonce")
    }

    /// 401 `insufficient_user_authentication`: the token is good, but its bearer has to sign in more strongly or
    /// again (RFC 9470 §3). Any of `acr_values` would do; the sign-in may be `max_age` old.
    #[must_use]
    pub fn insufficient_authentication(acr_values: &[Box<str>], max_age: Option<Duration>) -> Self {
        let kind = Kind::StepUp {
            acr_values: acr_values.join(" ").into(),
            max_age: max_age.map(|age| age.as_secs()),
        };
        Self::new(kind, "insufficient_user_authentication")
    }

    /// 403: the token is good, but not for this (RFC 6750 `insufficient_scope`).
    #[must_use]
    pub fn forbidden(code: &'static str) -> Self {
        Self::new(Kind::Forbidden { scope: None }, code)
    }

    /// 403 naming the scopes that would do, separated by spaces.
    #[must_use]
    pub fn insufficient_scope(scope: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Forbidden { scope: Some(scope.into()) }, "insufficient_scope")
    }

    /// 503: whether the token is good cannot be known now. Never a 401: clients would drop good tokens.
    #[must_use]
    pub fn unavailable(retry_after: u64) -> Self {
        Self::new(Kind::Unavailable { retry_after }, "identity_provider_unavailable")
    }

    /// 429: too many bad credentials from one peer; in `retry_after` seconds another one is looked at.
    #[must_use]
    pub fn too_many_attempts(retry_after: u64) -> Self {
        Self::new(Kind::Throttled { retry_after }, "too_many_attempts")
    }

    fn new(kind: Kind, code: &'static str) -> Self {
        Self { kind, code, reason: Cow::Borrowed(code), message: None }
    }

    /// Replaces the reason the audit trail is told; the public code unless set. Holds no credential.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Replaces the public code.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Replaces the sentence for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Whether there was no credential at all, not even one of a scheme that is not known here.
    pub(crate) fn is_nothing_shown(&self) -> bool {
        matches!(self.kind, Kind::Absent) && self.reason == self.code
    }

    /// The stable public code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What the audit trail is told.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            Kind::Absent | Kind::Invalid | Kind::Proof { .. } | Kind::Nonce { .. } | Kind::StepUp { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Kind::Malformed => StatusCode::BAD_REQUEST,
            Kind::Forbidden { .. } => StatusCode::FORBIDDEN,
            Kind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        if let Some(message) = &self.message {
            return message.clone();
        }
        let code = self.code;
        match self.kind {
            Kind::Absent => "sign in: send an access token as `Authorization: Bearer …`".into(),
            Kind::Malformed => "the credentials of this request make no sense".into(),
            Kind::Invalid => format!("the access token was not accepted: {code}").into(),
            Kind::Proof { .. } => "the access token is bound to a key; show a DPoP proof with it".into(),
            Kind::Nonce { .. } => "make a new `DPoP` proof with the nonce of the `DPoP-Nonce` header".into(),
            Kind::StepUp { .. } => "sign in again, more strongly or more recently, for this".into(),
            Kind::Forbidden { .. } => format!("the access token does not entitle to this: {code}").into(),
            Kind::Unavailable { .. } => "the identity provider cannot be reached; try again".into(),
            Kind::Throttled { .. } => {
                "too many bad credentials came from this address; try again later".into()
            }
        }
    }

    /// The answer further inside: with the challenge of the layer that let the caller in.
    pub(crate) fn into_rejection_within(self, extensions: &Extensions) -> Rejection {
        self.into_rejection(&Challenge::of(extensions))
    }

    /// The answer, with the challenge of RFC 6750 §3 and RFC 9728 §5.1.
    pub(crate) fn into_rejection(self, challenge: &Challenge) -> Rejection {
        let rejection =
            Rejection::new(self.status(), self.code, self.message()).with_reason(self.reason.as_ref());
        match &self.kind {
            Kind::Absent => rejection.with_challenge(&challenge.bare()),
            Kind::Malformed => rejection.with_challenge(&challenge.error("invalid_request", self.code)),
            Kind::Invalid => rejection.with_challenge(&challenge.error("invalid_token", self.code)),
            Kind::Proof { error } => rejection.with_challenge(&challenge.dpop(error, self.code)),
            Kind::Nonce { nonce } => {
                with_nonce(rejection, nonce).with_challenge(&challenge.dpop("use_dpop_nonce", self.code))
            }
            Kind::StepUp { acr_values, max_age } => {
                rejection.with_challenge(&challenge.step_up(self.code, acr_values, *max_age))
            }
            Kind::Forbidden { scope } => {
                rejection.with_challenge(&challenge.insufficient(self.code, scope.as_deref()))
            }
            Kind::Unavailable { retry_after } | Kind::Throttled { retry_after } => {
                rejection.with_retry_after(*retry_after)
            }
        }
    }
}

/// Nonces are base64url, which every header can hold.
fn with_nonce(rejection: Rejection, nonce: &str) -> Rejection {
    match HeaderValue::from_str(nonce) {
        Ok(value) => rejection.with_header(HeaderName::from_static("dpop-nonce"), value),
        Err(_) => rejection,
    }
}

impl From<JwsError> for Denial {
    fn from(error: JwsError) -> Self {
        Self::invalid_token(error.public_code()).with_reason(error.as_str())
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denial")
            .field("status", &self.status().as_u16())
            .field("code", &self.code)
            .field("reason", &self.reason)
            .finish()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Denial {}
