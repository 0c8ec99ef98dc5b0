//! The decision on one request.

use std::sync::Arc;

use attach_core::call::StateUse;
use attach_core::exchange::Decision;
use attach_core::{Api, Body, BoxError, Call, Destination, Exchange, Identity, Payload, Peer, Rejection};
use bytes::Bytes;
use http::{Request, StatusCode};

use super::layer::Settings;
use super::{Ask, Policy, limits};

/// The reason of a [`Decision`] that turns on a hosted tool.
pub(super) const TOOL_NOT_ALLOWED: &str = "hosted_tool_not_allowed";

/// The request as it may go on, or why it may not.
pub(super) async fn decide<P, B>(
    policy: &P,
    mut request: Request<B>,
    settings: Settings,
    exchange: &Exchange,
) -> Result<Request<Body>, Rejection>
where
    P: Policy,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let Some(identity) = request.extensions().get::<Arc<Identity>>().cloned() else {
        return Err(Rejection::misconfigured(
            "PolicyLayer found no identity: a layer that identifies goes outside it",
        ));
    };
    let Some(api) = request.extensions().get::<Api>().copied().or(exchange.api()) else {
        let ask = Ask::new(&identity).with_peer(request.extensions().get());
        settle(limits::decide(policy, &ask), None, exchange)?;
        let known =
            limits::passes_unknown(&identity, settings.pass_unknown) || request.body().is_end_stream();
        return if known { Ok(request.map(Body::new)) } else { Err(unknown_endpoint()) };
    };
    // A router may have cut the path that the exchange knew it by.
    request.extensions_mut().insert(api);
    let (request, payload) = Payload::take(request, settings.body_limit).await?;
    let call = payload.call();
    exchange.facts(|facts| {
        facts.model = Some(call.model.as_str().into());
        facts.stream = call.stream;
    });
    if let Some(state) = call.state.first() {
        return Err(provider_state(&payload, state, exchange));
    }
    let destination = request.extensions().get::<Destination>();
    let peer = request.extensions().get::<Peer>();
    let ask = Ask::call(&identity, call).with_destination(destination).with_peer(peer);
    settle(on_known_models(limits::decide(policy, &ask), destination), Some(call), exchange)?;
    Ok(request)
}

fn unknown_endpoint() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "unknown_endpoint", "there is no such endpoint")
}

/// A model that nobody serves is answered exactly as one that the caller may not use.
fn on_known_models(decision: Decision, destination: Option<&Destination>) -> Decision {
    match destination {
        Some(destination) if decision.allowed && destination.candidates().is_empty() => {
            Decision::new(false, "unknown_model")
        }
        _ => decision,
    }
}

fn settle(decision: Decision, call: Option<&Call>, exchange: &Exchange) -> Result<(), Rejection> {
    let (allowed, reason) = (decision.allowed, decision.reason);
    exchange.facts(|facts| facts.decision = Some(decision));
    if allowed {
        return Ok(());
    }
    let (code, message) = match call {
        Some(_) if reason == TOOL_NOT_ALLOWED => {
            (TOOL_NOT_ALLOWED, "a hosted tool of this request is not available to you")
        }
        Some(_) => ("model_not_available", "this model is not available to you"),
        None => ("not_allowed", "this is not available to you"),
    };
    let rejection = Rejection::new(StatusCode::FORBIDDEN, code, message).with_reason(reason);
    Err(if code == "model_not_available" { rejection.with_param("$.model") } else { rejection })
}

/// What a provider keeps belongs to the gateway's credential there, not to the caller.
fn provider_state(payload: &Payload, state: &StateUse, exchange: &Exchange) -> Rejection {
    let decision = Decision::new(false, "provider_state_not_allowed");
    exchange.facts(|facts| facts.decision = Some(decision));
    let message = "what the provider keeps on its side is not available through this service";
    Rejection::new(StatusCode::FORBIDDEN, "provider_state_not_allowed", message)
        .with_param(payload.document().value(state.node).path())
}
