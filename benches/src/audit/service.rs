//! What is measured: a service, with the layers around it or without.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_audit::Audit;
use attach_core::exchange::{Decision, Route};
use attach_core::{Body, Exchange, Identity, Peer};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::bodies;
use crate::mock::CHAT_PATH;

type Answer = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, attach_core::BoxError>;

/// A service that takes `work`, behind the layers of `audit` if there is one. What other layers would know of a request
/// is known, so that its records have the length real ones have.
pub(super) fn service(audit: Option<&Audit>, work: Duration) -> Service {
    let inner = service_fn(move |_: Request<()>| async move {
        if !work.is_zero() {
            tokio::time::sleep(work).await;
        }
        Ok::<_, Infallible>(Response::new(Body::from(bodies::answer())))
    });
    let caller = Arc::new(caller());
    let know = move |mut request: Request<()>| {
        know(&Exchange::of_request(&mut request), &caller);
        request
    };
    let Some(audit) = audit else {
        let service = ServiceBuilder::new().map_request(know).service(inner);
        return Service(BoxCloneSyncService::new(service.map_response(boxed)));
    };
    let service = ServiceBuilder::new()
        .layer(audit.layer())
        .map_request(know)
        .layer(audit.intent_layer())
        .service(inner);
    Service(BoxCloneSyncService::new(service.map_response(boxed)))
}

#[derive(Clone)]
pub(super) struct Service(BoxCloneSyncService<Request<()>, Response<Answer>, Infallible>);

impl Service {
    /// Makes one call and reads its answer to the end.
    pub(super) async fn call(&self) {
        let mut request = Request::post(CHAT_PATH)
            .header("user-agent", "OpenAI/Python 1.54.3")
            .body(())
            .expect("the head of a request");
        request.extensions_mut().insert(Peer::new(([10, 1, 2, 3], 41_234).into()));
        let Ok(answer) = self.0.clone().oneshot(request).await;
        let _ = answer.into_body().collect().await;
    }
}

fn boxed<B>(answer: Response<B>) -> Response<Answer>
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<attach_core::BoxError>,
{
    answer.map(|body| body.map_err(Into::into).boxed_unsync())
}

fn caller() -> Identity {
    let mut caller = Identity::person("acme", "00u1a2b3c4d5e6f7g8h9");
    caller.client_id = Some("0oa1bench2cd3ef4gh5".into());
    caller.token_id = Some("AT.0pcsRSoB6wGm4Rk7EhXgNn1vQ2w".into());
    caller.session_id = Some("102fP0sHk3vRLmW5YvYb1Y8jQ".into());
    caller.assurance.acr = Some("urn:okta:loa:2fa:any".into());
    caller.assurance.amr = vec!["pwd".into(), "mfa".into()];
    caller.assurance.auth_time = Some(SystemTime::now());
    caller.expires_at = Some(SystemTime::now() + Duration::from_secs(3600));
    caller
}

fn know(exchange: &Exchange, caller: &Arc<Identity>) {
    exchange.identify(Arc::clone(caller));
    exchange.facts(|facts| {
        facts.model = Some("gpt-4o-mini".into());
        let mut decision = Decision::new(true, "rule");
        decision.rule = Some("engineers".into());
        decision.groups = vec!["eng".into()];
        facts.decision = Some(decision);
        facts.route = Some(Route::new("openai".into(), "gpt-4o-mini".into()));
        (facts.usage.input, facts.usage.output) = (104, 41);
    });
}
