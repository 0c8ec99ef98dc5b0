//! The layers as libraries, alone and together, in front of anything.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use attach_audit::log::Options;
use attach_audit::{Audit, Log, Mode};
use attach_auth::policy::Rules;
use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier, PolicyLayer, Preset};
use attach_core::{Body, BoxError as BodyError};
use attach_quota::{Limit, QuotaLayer, Rate};
use attach_redact::{RedactLayer, Redactor};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{Result, issuer};

/// Any of the stacks here.
pub type Stack = BoxCloneSyncService<Request<Body>, Response<AnswerBody>, Infallible>;

/// The body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, BodyError>;

/// Which layers stand in front of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// None: what HTTP costs by itself.
    Nothing,
    /// `AuthLayer`, with a token that is in its cache.
    Auth,
    /// `QuotaLayer`, one token limit and one request limit that are never reached, for one caller.
    Quota,
    /// `RedactLayer` as it comes.
    Redact,
    /// `Audit`'s two layers on a log on disk, relaxed.
    Audit,
    /// All of them and `PolicyLayer`, in the gateway's order.
    All,
}

impl Variant {
    /// Every variant, what costs least first.
    pub const EVERY: [Self; 6] =
        [Self::Nothing, Self::Auth, Self::Quota, Self::Redact, Self::Audit, Self::All];

    /// The name on the command line and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Redact => "redact",
            Self::Audit => "audit",
            Self::All => "all",
        }
    }
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::EVERY.into_iter().find(|variant| variant.as_str() == name);
        found.ok_or_else(|| format!("there is no variant {name:?}"))
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the layers need.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The issuer's keys, as a JSON Web Key Set.
    pub jwks: String,
    /// Where the audit log goes.
    pub audit_dir: PathBuf,
}

/// `inner` behind the layers of `variant`.
///
/// # Errors
///
/// When a layer does not take its setup.
pub fn stack<S, R>(variant: Variant, setup: &Setup, inner: S) -> Result<Stack>
where
    S: Service<Request<Body>, Response = Response<R>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BodyError>,
{
    let builder = ServiceBuilder::new();
    Ok(match variant {
        Variant::Nothing => boxed(inner),
        Variant::Auth => boxed(builder.layer(auth(setup)?).service(inner)),
        Variant::Quota => {
            let layer = QuotaLayer::by(limits(), |_| Some("bench"));
            boxed(builder.layer(layer).service(inner))
        }
        Variant::Redact => boxed(builder.layer(RedactLayer::new(redactor()?)).service(inner)),
        Variant::Audit => {
            let audit = audit(setup)?;
            boxed(builder.layer(audit.layer()).layer(audit.intent_layer()).service(inner))
        }
        Variant::All => {
            let audit = audit(setup)?;
            let builder = builder
                .layer(audit.layer())
                .layer(auth(setup)?)
                .layer(PolicyLayer::new(Rules::allow_by_default()))
                .layer(QuotaLayer::new(limits()))
                .layer(RedactLayer::new(redactor()?))
                .layer(audit.intent_layer());
            boxed(builder.service(inner))
        }
    })
}

fn boxed<S, R>(service: S) -> Stack
where
    S: Service<Request<Body>, Response = Response<R>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BodyError>,
{
    let erase = |response: Response<R>| response.map(|body| body.map_err(Into::into).boxed_unsync());
    BoxCloneSyncService::new(service.map_response(erase))
}

/// A verifier of the bench issuer's tokens that fetches nothing.
///
/// # Errors
///
/// When `jwks` is not a key set.
pub fn verifier(jwks: &str) -> Result<OidcVerifier> {
    let config = IssuerConfig::new(Preset::Generic, issuer::ISSUER, [issuer::AUDIENCE.to_owned()])?;
    Ok(OidcVerifier::static_keys(config.required_scopes(["llm"]), jwks.as_bytes())?)
}

/// The limits of the quota layer: large enough never to be reached.
#[must_use]
pub fn limits() -> Vec<Limit> {
    vec![
        Limit::tokens("tokens-per-user", Rate::per_second(1_000_000_000)),
        Limit::requests("requests-per-user", Rate::per_second(1_000_000)),
    ]
}

/// A redactor with its default rules.
///
/// # Errors
///
/// When there is no randomness for its key.
pub fn redactor() -> Result<Redactor> {
    Ok(Redactor::builder().build()?)
}

fn auth(setup: &Setup) -> Result<AuthLayer<OidcVerifier>> {
    Ok(AuthLayer::new(verifier(&setup.jwks)?))
}

fn audit(setup: &Setup) -> Result<Audit> {
    let log = Log::open(&setup.audit_dir, Options::new("bench"))?;
    Ok(Audit::new(log).mode(Mode::Relaxed))
}
