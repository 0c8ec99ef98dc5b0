//! The decision on one request.

use std::sync::Arc;

use attach_core::call::StateUse;
use attach_core::exchange::Decision;
use attach_core::identity::Kind;
use attach_core::{Api, Body, BoxError, Call, Exchange, Identity, Payload, Rejection};
use bytes::Bytes;
use http::{Extensions, Request, StatusCode};

use super::layer::Settings;
use super::{Ask, Policy, Verdict, decide_route, limits, reason};
use crate::Denial;

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
        settle(limits::decide(policy, &ask), None, exchange, request.extensions())?;
        let pass_unknown = limits::passes_unknown(&identity, settings.pass_unknown);
        return without_call(request, pass_unknown);
    };
    // A router may have cut the path that the exchange knew it by.
    request.extensions_mut().insert(api);
    let (mut request, payload) = Payload::take(request, settings.body_limit).await?;
    let call = payload.call();
    exchange.facts(|facts| {
        if facts.model.as_deref() != Some(call.model.as_str()) {
            facts.model = Some(call.model.as_str().into());
        }
        facts.stream = call.stream;
    });
    if let Some(state) = call.state.first() {
        return Err(provider_state(&payload, state, exchange));
    }
    let extensions = request.extensions();
    let ask = Ask::call(&identity, call).with_peer(extensions.get());
    let (mut verdict, narrowed) = decide_route(policy, ask, extensions.get());
    if identity.kind == Kind::Service {
        // A machine that is asked to sign in again would ask for the same token for ever.
        verdict.step_up = None;
    }
    settle(verdict, Some(call), exchange, extensions)?;
    if let Some(narrowed) = narrowed {
        request.extensions_mut().insert(narrowed);
    }
    Ok(request)
}

/// What a path unknown to us does with a model's name in its body, no rule would see.
fn without_call<B>(request: Request<B>, pass_unknown: bool) -> Result<Request<Body>, Rejection>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if pass_unknown || request.body().is_end_stream() {
        return Ok(request.map(Body::new));
    }
    Err(Rejection::new(StatusCode::NOT_FOUND, "unknown_endpoint", "there is no such endpoint"))
}

fn settle(
    verdict: Verdict,
    call: Option<&Call>,
    exchange: &Exchange,
    extensions: &Extensions,
) -> Result<(), Rejection> {
    let Verdict { decision, step_up, shadow, .. } = verdict;
    if let Some(shadow) = &shadow {
        watch(shadow, decision.allowed, exchange);
    }
    let (allowed, reason) = (decision.allowed, decision.reason);
    exchange.facts(|facts| facts.decision = Some(decision));
    if allowed {
        return Ok(());
    }
    if let Some(step_up) = step_up {
        let denial = Denial::insufficient_authentication(&step_up.acr_values, step_up.max_age);
        return Err(denial.into_rejection_within(extensions));
    }
    let (code, message) = match call {
        Some(_) if reason == reason::HOSTED_TOOL_NOT_ALLOWED => {
            (reason, "a hosted tool of this request is not available to you")
        }
        Some(_) => ("model_not_available", "this model is not available to you"),
        None => ("not_allowed", "this is not available to you"),
    };
    let rejection = Rejection::new(StatusCode::FORBIDDEN, code, message).with_reason(reason);
    Err(if code == "model_not_available" { rejection.with_param("$.model") } else { rejection })
}

/// What rules that are only watched would have decided goes to the audit trail, and to the log where it matters.
fn watch(shadow: &Decision, allowed: bool, exchange: &Exchange) {
    let mut text = format!("{} {}", if shadow.allowed { "allow" } else { "deny" }, shadow.reason);
    if let Some(rule) = &shadow.rule {
        text.push_str("; rule=");
        text.push_str(rule);
    }
    if shadow.allowed != allowed {
        let trace = exchange.facts(|facts| facts.trace.map(|trace| trace.trace_id()));
        let trace_id = trace.map(tracing::field::display);
        tracing::info!(request = %exchange.id(), trace_id, would = %text, "rules in shadow would have decided otherwise");
    }
    exchange.facts(|facts| facts.custom.push(("policy_shadow", text.into())));
}

/// What a provider keeps belongs to the gateway's credential there, not to the caller.
fn provider_state(payload: &Payload, state: &StateUse, exchange: &Exchange) -> Rejection {
    let decision = Decision::new(false, reason::PROVIDER_STATE_NOT_ALLOWED);
    exchange.facts(|facts| facts.decision = Some(decision));
    let message = "what the provider keeps on its side is not available through this service";
    Rejection::new(StatusCode::FORBIDDEN, reason::PROVIDER_STATE_NOT_ALLOWED, message)
        .with_param(payload.document().value(state.node).path())
}
