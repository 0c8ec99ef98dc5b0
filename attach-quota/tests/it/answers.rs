//! What is charged for answers of every kind, and what a refusal looks like.

use std::convert::Infallible;

use attach_core::{Body, Exchange, Identity, Outcome, Rejection};
use attach_quota::store::{Charge, Denied, Reserving};
use attach_quota::{Budget, Limit, Period, QuotaLayer, Rate, Store, Unit};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json as value};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_stream_that_reports_its_usage_is_charged_by_it() {
    let usage = r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":22}}"#;
    let stream = chunk("a") + &chunk("few words more") + usage + "\n\ndata: [DONE]\n\n";
    let server = serve_stream(per_minute(60_000), SSE, stream).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), 33);
}

#[tokio::test]
async fn a_stream_that_reports_nothing_is_charged_by_our_own_count() {
    let stream = (0..40).map(|_| chunk("word")).collect::<String>() + "data: [DONE]\n\n";
    let server = serve_stream(per_minute(60_000), SSE, stream).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), INPUT + 40);
}

#[tokio::test]
async fn a_stream_of_ollama_is_charged_by_its_last_line() {
    let lines = concat!(
        r#"{"model":"m","message":{"role":"assistant","content":"Hello"},"done":false}"#,
        "\n",
        r#"{"model":"m","message":{"role":"assistant","content":""},"done":true,"prompt_eval_count":26,"eval_count":298}"#,
        "\n",
    );
    let server = serve_stream(per_minute(60_000), "application/x-ndjson", lines.to_owned()).await;
    assert_eq!(server.status("/api/chat", HELLO).await, 200);
    assert_eq!(server.tokens(), 26 + 298);
}

#[tokio::test]
async fn a_prompt_that_ollama_had_cached_is_charged_as_estimated() {
    let line = r#"{"model":"m","message":{"content":""},"done":true,"eval_count":298}"#;
    let server = serve_stream(per_minute(60_000), "application/x-ndjson", format!("{line}\n")).await;
    assert_eq!(server.status("/api/chat", HELLO).await, 200);
    assert_eq!(server.tokens(), INPUT + 298);
}

#[tokio::test]
async fn an_encoded_answer_is_charged_by_its_bytes() {
    let server = serve(per_minute(60_000), |_| async {
        let mut answer = json("thirty bytes that nobody reads");
        answer.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        answer
    })
    .await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), INPUT + 15);
}

#[tokio::test]
async fn an_answer_of_an_unknown_kind_is_charged_by_its_bytes() {
    let server =
        serve(per_minute(60_000), |_| async { typed("text/plain", json("sixteen bytes :)").into_body()) });
    let server = server.await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), INPUT + 4);
}

#[tokio::test]
async fn an_error_of_the_upstream_costs_a_request_and_no_tokens() {
    for status in [400, 429, 500, 503] {
        let server = serve(per_minute(60_000), move |_| async move {
            let mut answer = json(r#"{"error":{"message":"no"}}"#);
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
        })
        .await;
        assert_eq!(server.status(CHAT, HELLO).await, status);
        assert_eq!((server.tokens(), server.requests()), (0, 1));
    }
}

#[tokio::test]
async fn a_stream_that_is_nothing_but_an_error_costs_no_tokens() {
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    let server = serve_stream(per_minute(60_000), SSE, error.to_owned()).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!((server.tokens(), server.requests()), (0, 1));
}

#[tokio::test]
async fn a_stream_that_breaks_off_costs_what_came() {
    let stream = (0..10).map(|_| chunk("word")).collect();
    let server = serve_stream(per_minute(60_000), SSE, stream).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), INPUT + 10);
}

#[tokio::test]
async fn a_refusal_further_in_gives_the_tokens_back_and_keeps_the_request() {
    let server = serve(per_minute(60_000), |mut request| async move {
        let exchange = Exchange::of_request(&mut request);
        let refusal = Rejection::new(StatusCode::FORBIDDEN, "blocked", "no").with_outcome(Outcome::Blocked);
        refusal.into_response::<Body>(&exchange).map(Body::new)
    })
    .await;
    assert_eq!(server.status(CHAT, HELLO).await, 403);
    assert_eq!((server.tokens(), server.requests()), (0, 1));
}

#[tokio::test]
async fn what_makes_nothing_counts_as_a_request_only() {
    for (path, body) in [("/v1/messages/count_tokens", HELLO), ("/api/show", r#"{"model":"m"}"#)] {
        let server = serve_json(per_minute(60_000), r#"{"input_tokens":2095}"#).await;
        assert_eq!(server.status(path, body).await, 200);
        assert_eq!((server.tokens(), server.requests()), (0, 1), "{path}");
    }
}

async fn refused(path: &str, body: &'static str) -> (Value, http::HeaderMap) {
    let limits = vec![
        Limit::tokens("tokens-per-user", Rate::per_minute(600)),
        Limit::requests("requests-per-user", Rate::per_minute(1000)),
    ];
    let server = serve_json(limits, "{}").await;
    // The answer reports nothing, so the input is charged: 600 less 9, then 591 less 9 ...
    let big: &'static str = HELLO.replace("hello", &"a".repeat(2400)).leak();
    assert_eq!(server.status(CHAT, big).await, 200);
    let answer = server.post(path, body).await;
    assert_eq!(answer.status(), 429);
    let headers = answer.headers().clone();
    (serde_json::from_str(&text(answer).await).unwrap(), headers)
}

#[tokio::test]
async fn a_refusal_speaks_the_callers_dialect_and_names_the_limit() {
    let (openai, headers) = refused(CHAT, HELLO).await;
    let message = openai["error"]["message"].as_str().unwrap();
    assert!(message.contains("\"tokens-per-user\" of 600 tokens per minute"), "{message}");
    assert_eq!(openai["error"]["type"], "rate_limit_error");
    assert_eq!(openai["error"]["code"], "rate_limit_exceeded");
    assert_eq!(headers["content-type"], "application/json");

    let (anthropic, _) = refused("/v1/messages", HELLO).await;
    assert_eq!(anthropic["type"], "error");
    assert_eq!(anthropic["error"]["type"], "rate_limit_error");
    assert_eq!(anthropic["error"]["message"], message);

    let (ollama, _) = refused("/api/chat", HELLO).await;
    assert_eq!(ollama["error"], value!(message));
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back() {
    let (_, headers) = refused(CHAT, HELLO).await;
    // 608 of 600 are used (604 of text, 4 for the message), 10 a second come back, and 265 are needed.
    assert_eq!(headers["retry-after"], "28");
    assert_eq!(headers["retry-after-ms"], "27300");
    assert!(!headers.contains_key("x-should-retry"));
    assert_eq!(
        headers["ratelimit-policy"],
        r#""tokens-per-user";q=600;w=60;qu="tokens", "requests-per-user";q=1000;w=60;qu="requests""#
    );
    assert_eq!(headers["ratelimit"], r#""tokens-per-user";r=0;t=28, "requests-per-user";r=999;t=1"#);
    assert_eq!(headers["x-ratelimit-limit-tokens"], "600");
    assert_eq!(headers["x-ratelimit-remaining-tokens"], "0");
    assert_eq!(headers["x-ratelimit-limit-requests"], "1000");
    assert_eq!(headers["x-ratelimit-remaining-requests"], "999");
    assert_eq!(headers["x-ratelimit-reset-requests"], "60ms");
    assert_eq!(headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_used_up_budget_says_when_it_begins_anew_and_that_no_program_should_wait() {
    let server = serve_json(vec![Limit::requests("daily", Budget::new(1, Period::Day))], "{}").await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    // The clock of the store stands at the beginning of a day.
    let answer = server.post("/v1/messages", HELLO).await;
    assert_eq!(answer.headers()["retry-after"], "86400");
    assert_eq!(answer.headers()["x-should-retry"], "false");
    assert_eq!(answer.headers()["anthropic-ratelimit-requests-limit"], "1");
    assert_eq!(answer.headers()["anthropic-ratelimit-requests-remaining"], "0");
    let body = text(answer).await;
    assert!(body.contains("\"daily\\\" of 1 requests per day is used up; it begins anew at 2"), "{body}");
    assert!(body.contains("Z\""), "{body}");
}

#[tokio::test]
async fn the_upstreams_own_limit_headers_do_not_show_through() {
    let server = serve(per_minute(60_000), |_| async {
        let mut answer = json("{}");
        answer.headers_mut().insert("x-ratelimit-limit-tokens", "7".parse().unwrap());
        answer
    })
    .await;
    let answer = server.post(CHAT, HELLO).await;
    let shown: Vec<_> = answer.headers().get_all("x-ratelimit-limit-tokens").iter().collect();
    assert_eq!(shown, ["60000"]);
}

#[tokio::test]
async fn what_was_decided_is_in_the_exchange() {
    let server = serve(per_minute(600), |mut request| async move {
        let quota = Exchange::of_request(&mut request).facts(|facts| facts.quota.clone()).unwrap();
        let told = format!("{} {} {} {}", quota.limit_id, quota.limit, quota.remaining, quota.reserved);
        Response::builder().header("told", told).body(Body::empty()).unwrap()
    })
    .await;
    let answer = server.post(CHAT, HELLO).await;
    assert_eq!(answer.headers()["told"], "tokens-per-user 600 335 265");
}

#[tokio::test]
async fn a_body_beyond_the_limit_or_no_json_is_refused_before_it_is_counted() {
    let server = serve_json(per_minute(60_000), "{}").await;
    let large = format!("{{\"model\":\"m\",\"prompt\":\"{}\"}}", "a".repeat(5 << 20));
    let request = Request::post(format!("http://{}/v1/completions", server.addr)).header("x-user", "alice");
    let answer = server.send(request.body(Full::from(large)).unwrap()).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(server.post(CHAT, "no json").await.status(), 400);
    assert_eq!((server.tokens(), server.requests()), (0, 0));
}

fn signed() -> Request<Full<bytes::Bytes>> {
    let request = Request::post(CHAT).extension(Identity::person("acme", "alice"));
    request.body(Full::from(HELLO)).unwrap()
}

#[tokio::test]
async fn a_service_that_fails_costs_no_tokens() {
    let ledger = Ledger::default();
    let layer = QuotaLayer::new(per_minute(60_000)).store(ledger.clone());
    let service =
        layer.layer(service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("connection refused") }));
    assert_eq!(service.oneshot(signed()).await.unwrap_err(), "connection refused");
    assert_eq!((ledger.charged("alice", Unit::Tokens), ledger.charged("alice", Unit::Requests)), (0, 1));
}

#[tokio::test]
async fn a_panic_settles_as_well() {
    let ledger = Ledger::default();
    let layer = QuotaLayer::new(per_minute(60_000)).store(ledger.clone());
    let service = layer.layer(service_fn(async |_: Request<Body>| -> Result<Response<Body>, Infallible> {
        panic!("a fault further in")
    }));
    tokio::spawn(service.oneshot(signed())).await.unwrap_err();
    assert_eq!((ledger.charged("alice", Unit::Tokens), ledger.charged("alice", Unit::Requests)), (INPUT, 1));
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_lets_nothing_pass() {
    struct Down;
    impl Store for Down {
        fn reserve<'a>(&'a self, _: &'a mut [Charge]) -> Reserving<'a> {
            Reserving::later(async { Err(Denied::Unavailable) })
        }
        fn settle(&self, _: &[Charge], _: attach_quota::store::Settling) {}
    }
    let layer = QuotaLayer::new(per_minute(60_000)).store(Down);
    let service = layer
        .layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) }));
    assert_eq!(service.oneshot(signed()).await.unwrap().status(), 503);
}
