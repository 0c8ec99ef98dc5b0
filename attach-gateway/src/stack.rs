//! The layers, in order. Read from top to bottom, this is the way of a request.

use std::sync::Arc;

use attach_audit::Audit;
use attach_auth::delegation::Delegation;
use attach_auth::endpoint::{Endpoint, EndpointLayer};
use attach_auth::keys::{KeyRevocation, Keys, OwnKeys};
use attach_auth::metadata::ResourceMetadata;
use attach_auth::policy::{Live, Rules};
use attach_auth::{AuthLayer, OidcVerifier, PolicyLayer, Revocations};
use attach_core::{BoxError, ResponseBody};
use attach_quota::QuotaLayer;
use attach_redact::RedactLayer;
use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use tower::ServiceBuilder;
use tower::util::{Either, MapResponseLayer};

use crate::admin::{BODY_DEADLINE, CheckLayer, Recheck};
use crate::callers::Callers;
use crate::config::{Config, ConfigError};
use crate::front::{
    Answers, CallerLayer, CatalogLayer, DoorLayer, IntakeLayer, Me, Memory, ProbeLayer, Probes, Running,
    cors, head,
};
use crate::redact::Redaction;
use crate::resolve::ResolveLayer;
use crate::rights::Rights;
use crate::telemetry::{ObserveLayer, Telemetry};
use crate::upstream::{Dispatch, Pseudonym, Upstreams};

mod serve;

pub(crate) use self::serve::{Served, Stack};

/// The body of every answer.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// What the stack is made of, besides the configuration.
#[derive(Clone)]
pub(crate) struct Parts<E> {
    /// Which of its names it is called by here.
    pub(crate) answers: Answers,
    pub(crate) audit: Audit,
    pub(crate) auth: AuthLayer<Callers>,
    /// What directories send signals to.
    pub(crate) receivers: E,
    pub(crate) keys: Option<Keys>,
    pub(crate) revocations: Revocations,
    pub(crate) policy: Live<Rules>,
    pub(crate) redaction: Redaction,
    pub(crate) quota: QuotaLayer,
    pub(crate) upstreams: Arc<Upstreams>,
    /// The requests that are being served.
    pub(crate) running: Running,
    /// What they hold.
    pub(crate) memory: Memory,
    pub(crate) pseudonym: Pseudonym,
    pub(crate) probes: Probes,
    pub(crate) telemetry: Telemetry,
}

/// The answer of a stack without a layer, in the type of one with it.
fn unwatched<R>(response: Response<R>) -> Response<ResponseBody<R>> {
    response.map(ResponseBody::inner)
}

/// Who is calling, and for how long they may go on; `url` is the address that they use.
pub(crate) fn auth(
    config: &Config,
    verifier: &OidcVerifier,
    rights: &Rights,
    url: Option<&Uri>,
) -> Result<AuthLayer<Callers>, ConfigError> {
    let callers = Callers::new(verifier.clone(), rights);
    let mut auth = AuthLayer::new(callers)
        .realm("attach")
        .revocations(rights.revocations.clone())
        .max_stream_past_exp(config.revocation.max_stream_past_exp);
    if let Some(url) = url {
        let url = ResourceMetadata::new(&url.to_string()).map_err(|why| ConfigError::new(why.to_string()))?;
        auth = auth.resource_metadata(url.url());
    }
    if !config.front_ends.is_empty() {
        let front_ends = Delegation::new(config.front_ends.clone())
            .map_err(|why| ConfigError::new(format!("front_end: {why}")))?;
        auth = auth.delegation(front_ends.state(rights.state.clone()));
    }
    Ok(auth)
}

fn policy(config: &Config, rules: Live<Rules>) -> PolicyLayer<Live<Rules>> {
    let layer = PolicyLayer::new(rules).body_limit(config.server.max_body);
    if config.decision_header { layer.decision_header() } else { layer }
}

/// Builds the stack.
pub(crate) fn stack<E: Endpoint>(config: &Config, parts: Parts<E>) -> Stack {
    let upstreams = parts.upstreams;
    let answers = parts.answers;
    let directory = Arc::new(answers.directory(config, &upstreams));
    let pages = cors::layer(answers.origins(config));
    let admitted = match answers.clone() {
        Answers::Any => None,
        answers => Some(CheckLayer::new(move |head| answers.admit(head))),
    };
    let max_body = config.server.max_body;
    let policy = policy(config, parts.policy.clone());
    let late = || tokio::time::sleep(BODY_DEADLINE);
    let outside = (parts.receivers, parts.keys.clone().map(KeyRevocation::new));
    let outside = EndpointLayer::new(outside).deadline(late);
    let own_keys = Recheck { endpoint: parts.keys.map(OwnKeys::new), revocations: parts.revocations };
    let own_keys = EndpointLayer::new(own_keys).deadline(late);
    let redact = match parts.redaction.redactor {
        Some(redactor) => {
            let layer = RedactLayer::new(redactor).body_limit(max_body);
            Either::Left(layer.offload(parts.redaction.pool))
        }
        None => Either::Right(MapResponseLayer::new(unwatched as fn(_) -> _)),
    };
    let service = ServiceBuilder::new()
        .option_layer(pages)
        .layer(IntakeLayer::new(parts.memory, config.server.patience.body))
        .layer(ProbeLayer::new(parts.probes))
        .layer(ObserveLayer::new(parts.telemetry.clone()))
        .layer(parts.audit.layer())
        .layer(CheckLayer::new(move |head| head::check(head).and_then(|()| answers.check(head))))
        .layer(outside)
        .layer(DoorLayer::new(parts.running, config.server.max_in_flight))
        .layer(parts.auth)
        .option_layer(admitted)
        .layer(own_keys)
        .layer(CallerLayer)
        .layer(CatalogLayer::new(
            Arc::clone(&directory),
            Arc::new(parts.policy),
            Me::new(parts.quota.clone()),
        ))
        .layer(ResolveLayer::new(directory, max_body))
        .layer(policy)
        .layer(parts.quota.body_limit(max_body))
        .layer(redact)
        .layer(parts.audit.intent_layer())
        .service(Dispatch::new(upstreams, config.quota.prices.clone(), parts.pseudonym, parts.telemetry));
    Stack::new(service)
}

#[cfg(test)]
mod panics;
