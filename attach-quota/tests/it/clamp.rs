//! Limits that make answers shorter instead of refusing calls.

use std::sync::{Arc, Mutex};

use attach_core::{Body, Payload};
use attach_quota::store::MemoryStore;
use attach_quota::{Action, Budget, Limit, Period, Price, Prices, QuotaLayer, Rate, Unit, Weights};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";
const HEADER: &str = "x-attach-output-clamped";

fn clamping(limit: Limit) -> Vec<Limit> {
    vec![limit.action(Action::Clamp)]
}

fn tokens(amount: u64) -> Vec<Limit> {
    clamping(Limit::tokens("tph", Rate::per_hour(amount)))
}

/// A chat of [`INPUT`] tokens with further settings.
fn chat(settings: Value) -> &'static str {
    let mut body: Value = serde_json::from_str(HELLO).unwrap();
    let Value::Object(settings) = settings else { panic!("settings are members") };
    body.as_object_mut().unwrap().extend(settings);
    body.to_string().leak()
}

type Bodies = Arc<Mutex<Vec<Value>>>;

/// Answers with the usage that the test puts there, once the doors are open, and remembers what it was sent.
struct World {
    server: Server,
    bodies: Bodies,
    doors: Arc<Semaphore>,
    used: Arc<Mutex<(u64, u64)>>,
}

async fn world(limits: Vec<Limit>) -> World {
    let (bodies, doors) = (Bodies::default(), Arc::new(Semaphore::new(1000)));
    let used = Arc::new(Mutex::new((INPUT, 1)));
    let (seen, gate, usage) = (Arc::clone(&bodies), Arc::clone(&doors), Arc::clone(&used));
    let server = serve(limits, move |request: Request<Body>| {
        let (seen, gate, usage) = (Arc::clone(&seen), Arc::clone(&gate), Arc::clone(&usage));
        async move {
            let payload = request.extensions().get::<Payload>().cloned();
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            // Where only requests count, nobody reads the body.
            if let (Some(payload), Some(cap)) = (payload, body.get("max_tokens")) {
                assert_eq!(payload.bytes(), &bytes);
                assert_eq!(payload.call().output_cap, cap.as_u64(), "what a translation reads");
            }
            seen.lock().unwrap().push(body);
            gate.acquire().await.unwrap().forget();
            let (input, output) = *usage.lock().unwrap();
            let answer = json!({"usage": {"prompt_tokens": input, "completion_tokens": output}}).to_string();
            typed("application/json", Body::from(Bytes::from(answer)))
        }
    })
    .await;
    World { server, bodies, doors, used }
}

impl World {
    fn uses(&self, input: u64, output: u64) {
        *self.used.lock().unwrap() = (input, output);
    }

    /// The status, what was said of the cap, and the body that went on.
    async fn ask(&self, settings: Value) -> (u16, Option<String>, Value) {
        let answer = self.server.post(CHAT, chat(settings)).await;
        let (status, said) = (answer.status().as_u16(), answer.headers().get(HEADER).cloned());
        text(answer).await;
        let body = self.bodies.lock().unwrap().last().cloned().unwrap_or_default();
        (status, said.map(|said| said.to_str().unwrap().to_owned()), body)
    }
}

#[tokio::test]
async fn a_cap_that_does_not_fit_is_lowered_to_what_is_left_and_the_answer_says_so() {
    let world = world(tokens(1000)).await;
    let (status, said, body) = world.ask(json!({"max_tokens": 5000, "seed": 1})).await;
    assert_eq!((status, said.as_deref()), (200, Some("991;limit=\"tph\"")));
    assert_eq!(body["max_tokens"], 1000 - INPUT);
    assert_eq!(body["seed"], 1);
    let (_, said, body) = world.ask(json!({"max_completion_tokens": 5000})).await;
    assert_eq!(said.as_deref(), Some("981;limit=\"tph\""), "the first call used 10");
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(981), None));
}

#[tokio::test]
async fn a_cap_that_fits_stays() {
    let world = world(tokens(1000)).await;
    for cap in [991, 980, 1] {
        let (status, said, body) = world.ask(json!({"max_tokens": cap})).await;
        assert_eq!((status, said, &body["max_tokens"]), (200, None, &json!(cap)));
    }
}

#[tokio::test]
async fn a_call_without_a_cap_gets_one_when_little_is_left() {
    let world = world(tokens(6000)).await;
    let (_, said, body) = world.ask(json!({})).await;
    assert_eq!((said, body), (None, serde_json::from_str::<Value>(HELLO).unwrap()), "a long answer fits");
    world.uses(INPUT, 4991);
    world.ask(json!({})).await;
    let (_, said, body) = world.ask(json!({"model": "m"})).await;
    let left = 6000 - (INPUT + 1) - 5000 - INPUT;
    assert_eq!(
        (said.as_deref(), &body["max_tokens"]),
        (Some(&*format!("{left};limit=\"tph\"")), &json!(left))
    );
}

#[tokio::test]
async fn the_newer_field_is_used_for_models_that_want_it() {
    let world = world(tokens(1000)).await;
    let (_, _, body) = world.ask(json!({"model": "o3-mini"})).await;
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(991), None));
}

#[tokio::test]
async fn little_is_given_and_nothing_is_refused() {
    let world = world(tokens(1000)).await;
    world.uses(INPUT, 891);
    world.ask(json!({"max_tokens": 5000})).await;
    // 100 are left, less than what another limit would reserve.
    let (status, said, _) = world.ask(json!({"max_tokens": 5000})).await;
    assert_eq!((status, said.as_deref()), (200, Some("91;limit=\"tph\"")));
    let (status, said, _) = world.ask(json!({})).await;
    assert_eq!((status, said), (429, None), "the answer of 891 tokens that the upstream sent anyway is owed");
}

#[tokio::test]
async fn nobody_is_given_the_same_rest_twice() {
    let world = Arc::new(world(tokens(1000)).await);
    world.doors.forget_permits(1000);
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.ask(json!({"max_tokens": 300})).await })
        })
        .collect();
    while world.bodies.lock().unwrap().len() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    // Three have 300 and the fourth has what is left; whoever else asks meanwhile finds nothing.
    world.doors.add_permits(40);
    let mut given: Vec<_> = Vec::new();
    for call in calls {
        let (status, said, _) = call.await.unwrap();
        if status == 200 {
            given.push(said.map_or(300, |said| said.split(';').next().unwrap().parse::<u64>().unwrap()));
        }
    }
    given.truncate(4);
    assert_eq!(given.len(), 4);
    let bodies = world.bodies.lock().unwrap();
    let first: u64 = bodies[..4].iter().map(|body| INPUT + body["max_tokens"].as_u64().unwrap()).sum();
    assert_eq!(first, 1000, "{bodies:?}");
}

#[tokio::test]
async fn what_is_left_is_divided_by_the_answers() {
    let world = world(tokens(1000)).await;
    let (_, said, body) = world.ask(json!({"max_tokens": 5000, "n": 3})).await;
    assert_eq!((said.as_deref(), &body["max_tokens"]), (Some("330;limit=\"tph\""), &json!(330)));
}

#[tokio::test]
async fn units_are_converted_into_output_tokens() {
    let weights = Weights { input: 2000, output: 3000, ..Weights::default() };
    let month = |amount| Budget::new(amount, Period::Month);
    for (limit, output) in [
        (Limit::output_tokens("one", Rate::per_hour(500)), Some(500)),
        (Limit::tokens("one", Rate::per_hour(500)).weights(weights), Some((500 - 2 * INPUT) / 3)),
        (Limit::tokens("one", month(500)), Some(500 - INPUT)),
        (Limit::input_tokens("one", Rate::per_hour(500)), None),
        (Limit::requests("one", Rate::per_hour(500)), None),
        (Limit::tokens("one", Rate::per_hour(500)).weights(Weights { output: 0, ..weights }), None),
    ] {
        let world = world(clamping(limit.clone())).await;
        let (status, said, body) = world.ask(json!({"max_tokens": 4000})).await;
        assert_eq!(status, 200);
        assert_eq!(said, output.map(|output| format!("{output};limit=\"one\"")), "{limit:?}");
        assert_eq!(body["max_tokens"], output.unwrap_or(4000));
    }
}

#[tokio::test]
async fn money_buys_output_at_its_price() {
    // 2 and 10 dollars for a million, or 40 if it thinks; a cent in all.
    let price = Price::new(2_000_000, 10_000_000).reasoning(40_000_000);
    let prices = Prices::new().model("*".parse().unwrap(), price);
    let limit = Limit::micro_usd("cent", Budget::new(10_000, Period::Day)).action(Action::Clamp);
    let layer = QuotaLayer::new(vec![limit]).prices(prices).store(MemoryStore::new());
    let service =
        ServiceBuilder::new().layer(layer).service(service_fn(|request: Request<Body>| async move {
            let cap = request.extensions().get::<Payload>().unwrap().call().output_cap;
            Ok::<_, std::convert::Infallible>(json(cap.map_or("{}", |cap| cap.to_string().leak())))
        }));
    let request = Request::post(CHAT).extension(attach_core::Identity::person("acme", "alice"));
    let request = request.body(Full::from(chat(json!({"max_tokens": 4000})))).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let affordable = (10_000 - 2 * INPUT) / 40;
    assert_eq!(answer.headers()[HEADER], format!("{affordable};limit=\"cent\""));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), affordable.to_string());
}

#[tokio::test]
async fn the_tightest_of_several_limits_is_named_and_others_reserve_as_they_do() {
    let limits = vec![
        Limit::tokens("wide", Rate::per_hour(2000)).action(Action::Clamp),
        Limit::output_tokens("tight", Rate::per_hour(700)).action(Action::Clamp),
        Limit::tokens("plain", Rate::per_hour(300)),
    ];
    let world = world(limits).await;
    world.uses(INPUT, 240);
    let (_, said, _) = world.ask(json!({"max_tokens": 5000})).await;
    assert_eq!(said.as_deref(), Some("700;limit=\"tight\""));
    let refused = world.server.post(CHAT, chat(json!({"max_tokens": 5000}))).await;
    assert_eq!(refused.status(), 429);
    assert!(text(refused).await.contains("plain"), "it counts what is typical, and does not clamp");
}

#[tokio::test]
async fn a_call_larger_than_the_limit_passes_when_nothing_is_used_and_owes_the_rest() {
    let world = world(tokens(100)).await;
    let long = "hello ".repeat(1000);
    let large = json!({"messages": [{"role": "user", "content": long}], "max_tokens": 5000});
    let (status, said, _) = world.ask(large.clone()).await;
    assert_eq!((status, said.as_deref()), (200, Some("256;limit=\"tph\"")));
    let (status, _, _) = world.ask(large).await;
    assert_eq!(status, 429);
}

#[tokio::test]
async fn thinking_is_not_cut_below_its_budget() {
    let world = world(tokens(1500)).await;
    let body = |cap: u64| {
        let thinking = json!({"type": "enabled", "budget_tokens": 1024});
        chat(json!({"max_tokens": cap, "thinking": thinking}))
    };
    let answer = world.server.post("/v1/messages", body(4000)).await;
    assert_eq!(answer.headers()[HEADER], "1491;limit=\"tph\"");
    text(answer).await;
    world.uses(INPUT, 591);
    world.ask(json!({"max_tokens": 600})).await;
    assert_eq!(world.server.post("/v1/messages", body(4000)).await.status(), 429, "890 are left");
    assert_eq!(world.ask(json!({"max_tokens": 4000})).await.0, 200);
}

#[tokio::test]
async fn every_interface_is_clamped_in_its_own_field() {
    for (path, body, pointer) in [
        ("/v1/completions", json!({"model": "m", "prompt": "x"}), "/max_tokens"),
        ("/v1/responses", json!({"model": "m", "input": "x"}), "/max_output_tokens"),
        ("/v1/messages", json!({"model": "m", "messages": [], "max_tokens": 9000}), "/max_tokens"),
        ("/api/chat", json!({"model": "m", "messages": []}), "/options/num_predict"),
        (
            "/api/generate",
            json!({"model": "m", "prompt": "x", "options": {"num_predict": -1}}),
            "/options/num_predict",
        ),
        (
            "/api/generate",
            json!({"model": "m", "prompt": "x", "options": {"num_predict": 0}}),
            "/options/num_predict",
        ),
    ] {
        let world = world(clamping(Limit::output_tokens("one", Rate::per_hour(500)))).await;
        let answer = world.server.post(path, body.to_string().leak()).await;
        assert_eq!(answer.headers()[HEADER], "500;limit=\"one\"", "{path}");
        let seen = world.bodies.lock().unwrap().last().cloned().unwrap();
        assert_eq!(seen.pointer(pointer), Some(&json!(500)), "{path}");
        text(answer).await;
    }
    let world = world(clamping(Limit::tokens("one", Rate::per_hour(500)))).await;
    let answer = world.server.post("/v1/embeddings", r#"{"model":"m","input":"x"}"#).await;
    assert!(!answer.headers().contains_key(HEADER), "there is no output to clamp");
}

#[tokio::test]
async fn a_clamped_stream_is_asked_for_its_usage_too() {
    let world = world(tokens(1000)).await;
    let (_, said, body) = world.ask(json!({"stream": true})).await;
    assert_eq!(said.as_deref(), Some("991;limit=\"tph\""));
    assert_eq!(
        (&body["max_tokens"], &body["stream_options"]),
        (&json!(991), &json!({"include_usage": true}))
    );
}

#[tokio::test]
async fn what_was_reserved_for_the_cap_comes_back() {
    let world = world(tokens(1000)).await;
    world.uses(INPUT, 11);
    for _ in 0..40 {
        assert_eq!(world.ask(json!({"max_tokens": 100})).await.0, 200);
    }
    assert_eq!(world.server.ledger.charged("alice", Unit::Tokens), 40 * 20);
}
