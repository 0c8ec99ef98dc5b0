//! Rules, as a caller sees them.

mod conditions;
mod destinations;
mod laws;
mod requirements;
mod rules;
mod visible;

use std::sync::Arc;

use attach_auth::PolicyLayer;
use attach_auth::policy::{Ask, ModelGlob, Policy, Rule, Rules};
use attach_core::destination::{Candidate, Labels};
use attach_core::exchange::Decision;
use attach_core::identity::{Group, Kind};
use attach_core::{Api, Destination, Exchange, Identity};
use axum::body::Body;
use axum::routing::any;
use axum::{Extension, Router};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

fn models<const N: usize>(globs: [&str; N]) -> [ModelGlob; N] {
    globs.map(|glob| glob.parse().expect("a pattern"))
}

fn alice(groups: &[&str]) -> Identity {
    let mut alice = Identity::person("acme", "alice");
    alice.groups = groups.iter().map(|group| Group::new("acme", *group)).collect();
    alice
}

fn rules() -> Rules {
    let build = || {
        Rules::deny_by_default()
            .allow(Rule::new("power-users").groups(["AI-Power-Users"]).models(models(["gpt-4*"])))?
            .allow(Rule::new("everyone").models(models(["llama3", "team-chat"])))?
            .allow(
                Rule::new("searchers").groups(["search"]).models(models(["gpt-4*"])).tools(["web_search*"]),
            )?
            .deny(Rule::new("no-leavers").groups(["leavers"]))?
            .deny(Rule::new("no-tools-for-services").kind(Kind::Service).tools(["*"]))
    };
    build().expect("rules")
}

struct Outcome {
    status: u16,
    headers: HeaderMap,
    body: Value,
    exchange: Exchange,
}

impl Outcome {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Why, and by which rule.
    fn decision(&self) -> (&'static str, String) {
        self.exchange.facts(|facts| {
            let decision = facts.decision.as_ref().expect("a decision");
            (decision.reason, decision.rule.as_deref().unwrap_or_default().to_owned())
        })
    }
}

async fn call_with(
    policy: impl Policy,
    identity: Option<Identity>,
    destination: Option<Destination>,
    mut request: Request<Body>,
) -> Outcome {
    if let Some(destination) = destination {
        request.extensions_mut().insert(destination);
    }
    send(PolicyLayer::new(policy).body_limit(10_000), identity, request).await
}

/// The service behind the layer repeats the body, and names the places that are left in a header.
async fn send(
    layer: PolicyLayer<impl Policy>,
    identity: Option<Identity>,
    mut request: Request<Body>,
) -> Outcome {
    let exchange = Exchange::of_request(&mut request);
    if let Some(identity) = identity {
        request.extensions_mut().insert(Arc::new(identity));
    }
    let echo = any(|left: Option<Extension<Destination>>, body: String| async move {
        let left = left.map(|Extension(destination)| names(&destination)).unwrap_or_default();
        ([("x-left", left)], if body.is_empty() { "null".to_owned() } else { body })
    });
    let router = Router::new().fallback(echo).layer(layer);
    let response = router.oneshot(request).await.expect("is infallible");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Outcome { status: head.status.as_u16(), headers: head.headers, body, exchange }
}

fn names(destination: &Destination) -> String {
    let names: Vec<&str> = destination.candidates().iter().map(|candidate| &*candidate.upstream).collect();
    names.join(",")
}

fn chat(body: &Value) -> Request<Body> {
    Request::post("/v1/chat/completions").body(Body::from(body.to_string())).expect("a request")
}

async fn call(identity: Identity, body: Value) -> Outcome {
    call_with(rules(), Some(identity), None, chat(&body)).await
}

fn hello(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

#[tokio::test]
async fn what_a_group_may_use_goes_on_unchanged() {
    let body = hello("gpt-4o");
    let outcome = call(alice(&["AI-Power-Users", "eng"]), body.clone()).await;
    assert_eq!((outcome.status, outcome.body), (200, body));
    outcome.exchange.facts(|facts| {
        let decision = facts.decision.as_ref().expect("a decision");
        assert!(decision.allowed);
        assert_eq!(decision.rule.as_deref(), Some("power-users"));
        assert_eq!(decision.groups, [Box::<str>::from("AI-Power-Users")]);
        assert_eq!(facts.model.as_deref(), Some("gpt-4o"));
    });
}

#[tokio::test]
async fn forbidden_and_unknown_models_look_alike() {
    let forbidden = call(alice(&[]), hello("gpt-4o")).await;
    let unheard_of = call(alice(&[]), hello("gpt-5-secret")).await;
    let served_by_nobody =
        call_with(rules(), Some(alice(&[])), Some(Destination::default()), chat(&hello("llama3"))).await;
    let strip = |outcome: &Outcome| {
        let mut body = outcome.body.clone();
        body["error"].as_object_mut().expect("an error").remove("request_id");
        (outcome.status, body)
    };
    assert_eq!((forbidden.status, forbidden.code()), (403, "model_not_available"));
    assert_eq!(strip(&forbidden), strip(&unheard_of));
    assert_eq!(strip(&forbidden), strip(&served_by_nobody));
    served_by_nobody.exchange.facts(|facts| {
        assert_eq!(
            facts.refusal.as_ref().and_then(|refusal| refusal.reason.as_deref()),
            Some("unknown_model")
        );
    });
    let somewhere = Destination::new(vec![Candidate::new("local", "llama3", Arc::new(Labels::trusted()))]);
    assert_eq!(
        call_with(rules(), Some(alice(&[])), Some(somewhere), chat(&hello("llama3"))).await.status,
        200
    );
}

#[tokio::test]
async fn a_denial_wins_wherever_it_stands() {
    assert_eq!(call(alice(&["leavers", "AI-Power-Users"]), hello("gpt-4o")).await.status, 403);
    assert_eq!(call(alice(&["leavers"]), hello("llama3")).await.status, 403);
    assert_eq!(call(alice(&[]), hello("llama3:latest")).await.status, 200);
}

#[tokio::test]
async fn hosted_tools_need_a_rule_that_lists_them() {
    let mut body = hello("gpt-4o");
    body["web_search_options"] = json!({});
    let denied = call(alice(&["AI-Power-Users"]), body.clone()).await;
    assert_eq!((denied.status, denied.code()), (403, "hosted_tool_not_allowed"));
    assert_eq!(call(alice(&["search"]), body.clone()).await.status, 200);
    let mut robot = alice(&["search"]);
    robot.kind = Kind::Service;
    let denied = call(robot, body.clone()).await;
    assert_eq!((denied.status, denied.code()), (403, "hosted_tool_not_allowed"));
    let open = call_with(Rules::allow_by_default(), Some(alice(&[])), None, chat(&body)).await;
    assert_eq!(open.code(), "hosted_tool_not_allowed", "also where the default is to allow");
    assert_eq!(
        call_with(Rules::allow_by_default(), Some(alice(&[])), None, chat(&hello("any"))).await.status,
        200
    );
}

#[tokio::test]
async fn what_the_provider_keeps_is_refused_with_its_place() {
    let body = json!({"model": "gpt-4o", "input": "hi", "previous_response_id": "resp_1"});
    let request = Request::post("/v1/responses").body(Body::from(body.to_string())).expect("a request");
    let outcome = call_with(Rules::allow_by_default(), Some(alice(&[])), None, request).await;
    assert_eq!((outcome.status, outcome.code()), (403, "provider_state_not_allowed"));
    assert_eq!(outcome.body["error"]["param"], "$.previous_response_id");
}

#[tokio::test]
async fn a_request_of_nobody_is_our_own_mistake() {
    let outcome = call_with(rules(), None, None, chat(&hello("llama3"))).await;
    assert_eq!((outcome.status, outcome.code()), (500, "layer_misconfigured"));
}

#[tokio::test]
async fn requests_about_no_model_are_asked_about_as_well() {
    let list = || Request::get("/v1/models").body(Body::empty()).expect("a request");
    assert_eq!(call_with(rules(), Some(alice(&[])), None, list()).await.status, 200);
    let outcome = call_with(rules(), Some(alice(&["leavers"])), None, list()).await;
    assert_eq!((outcome.status, outcome.code()), (403, "not_allowed"));
}

#[tokio::test]
async fn a_body_that_no_rule_can_see_into_goes_nowhere_unless_told_to() {
    let send = |layer: PolicyLayer<Rules>| async move {
        let mut request = Request::post("/v1//chat/completions")
            .body(Body::from(hello("gpt-4o").to_string()))
            .expect("a request");
        request.extensions_mut().insert(Arc::new(alice(&[])));
        let router = Router::new().fallback(any(|| async {})).layer(layer);
        router.oneshot(request).await.expect("is infallible").status().as_u16()
    };
    assert_eq!(send(PolicyLayer::new(rules())).await, 404);
    assert_eq!(send(PolicyLayer::new(rules()).pass_unknown()).await, 200);
}

#[tokio::test]
async fn a_nested_service_says_what_its_operations_are() {
    let mut request =
        Request::post("/chat").body(Body::from(hello("gpt-4o").to_string())).expect("a request");
    request.extensions_mut().insert(Api::OpenAiChat);
    assert_eq!(call_with(rules(), Some(alice(&[])), None, request).await.code(), "model_not_available");
}

#[tokio::test]
async fn bodies_are_read_strictly_and_only_so_far() {
    let request =
        |body: String| Request::post("/v1/chat/completions").body(Body::from(body)).expect("a request");
    let twice =
        call_with(rules(), Some(alice(&[])), None, request(r#"{"model":"llama3","model":"gpt-4o"}"#.into()));
    assert_eq!(twice.await.status, 400);
    let long = call_with(rules(), Some(alice(&[])), None, request(" ".repeat(10_001)));
    assert_eq!(long.await.status, 413);
}

#[tokio::test]
async fn a_closure_is_a_policy() {
    let own = |ask: &Ask<'_>| {
        Decision::new(ask.api == Some(Api::OpenAiChat) && ask.model == Some("llama3"), "own_reason")
    };
    assert_eq!(call_with(own, Some(alice(&[])), None, chat(&hello("llama3:latest"))).await.status, 200);
    let outcome = call_with(own, Some(alice(&[])), None, chat(&hello("other"))).await;
    assert_eq!((outcome.status, outcome.code()), (403, "model_not_available"));
    outcome.exchange.facts(|facts| {
        assert_eq!(facts.refusal.as_ref().and_then(|refusal| refusal.reason.as_deref()), Some("own_reason"));
    });
}
