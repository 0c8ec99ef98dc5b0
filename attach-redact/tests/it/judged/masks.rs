use attach_core::Outcome;
use attach_redact::{Redactor, WhenDown};
use serde_json::{Value, json};

use super::{JSON, STREAMS, Strict, ask, judging, kind, stream};
use crate::support::{CHAT, MESSAGES, RESPONSES, call_in_pieces, chat};

const MASK: &str = "***********";

#[tokio::test]
async fn what_is_found_in_an_answer_is_masked() {
    let answer = json!({"id": "c1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Nightingale is late",
        "tool_calls": [{"id": "Nightingale", "function": {"name": "f", "arguments": "{\"of\":\"Nightingale\",\"n\":1}"}}]},
        "logprobs": {"content": [{"token": "Nightingale", "bytes": [78, 105], "logprob": -0.5, "top_logprobs": []}]},
        "finish_reason": "stop"}]});
    let seen = ask(judging(Strict::default(), WhenDown::Closed), CHAT, JSON, 9, &answer.to_string()).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let choice = &got["choices"][0];
    assert_eq!(choice["message"]["content"], format!("{MASK} is late"));
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"]["arguments"],
        format!("{{\"of\":\"{MASK}\",\"n\":1}}")
    );
    assert_eq!(choice["message"]["tool_calls"][0]["id"], "Nightingale", "an id is the server's");
    assert_eq!(
        choice["logprobs"]["content"][0],
        json!({"token": "", "bytes": [0, 0], "logprob": -0.5, "top_logprobs": []})
    );
    assert_eq!(choice["finish_reason"], "stop");
}

#[tokio::test]
async fn a_value_is_masked_wherever_a_stream_is_cut_and_in_all_that_repeats_it() {
    let around = "some words that stand around it, ".repeat(20);
    let text = format!("{around}Nightingale, {around}Nightingale");
    for path in STREAMS {
        let mut masked = None;
        for size in [1, 4, 11, 90] {
            let words: Vec<&str> =
                text.as_bytes().chunks(size).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
            let answer = stream(path, &words);
            let seen = ask(judging(Strict::default(), WhenDown::Closed), path, kind(path), 61, &answer).await;
            let expected = stream(path, &words).len();
            assert_eq!(seen.client.len(), expected, "{path}: nothing but the value changes");
            let said = said(path, &seen.client);
            assert_eq!(said, text.replace("Nightingale", MASK), "{path} {size}");
            assert!(!seen.client.contains("Nightingale"), "{path}: {}", seen.client);
            assert_eq!(seen.exchange.outcome(), Some(Outcome::Complete));
            masked.get_or_insert(said);
        }
    }
    let repeated = stream(RESPONSES, &["Nightin", "gale"]);
    let seen =
        ask(judging(Strict::default(), WhenDown::Closed), RESPONSES, kind(RESPONSES), 61, &repeated).await;
    assert_eq!(seen.client.matches(MASK).count(), 3, "{}", seen.client);
}

/// The words of a stream.
fn said(path: &str, stream: &str) -> String {
    let events = stream
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ").unwrap_or(line)).ok());
    let pointer = match path {
        CHAT => "/choices/0/delta/content",
        "/v1/completions" => "/choices/0/text",
        MESSAGES => "/delta/text",
        RESPONSES => "/delta",
        "/api/chat" => "/message/content",
        _ => "/response",
    };
    events.filter_map(|event| Some(event.pointer(pointer)?.as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn placeholders_are_shown_as_they_are_and_restored_afterwards() {
    let strict = Strict::default();
    let redactor = Redactor::builder()
        .key(b"0123456789abcdef")
        .budget(std::time::Duration::from_secs(3600))
        .answer_inspector(strict.clone(), WhenDown::Closed)
        .build()
        .unwrap();
    let echo = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        let said = body["messages"][0]["content"].as_str().unwrap();
        stream(CHAT, &[said, " and Nightingale"])
    };
    let body = chat("to bob@example.org");
    let seen = call_in_pieces(redactor, CHAT, &body, kind(CHAT), 50, echo).await;
    assert_eq!(said(CHAT, &seen.client), format!("to bob@example.org and {MASK}"));
    let shown = strict.shown().concat().concat();
    assert!(shown.contains("PII_EMAIL_") && !shown.contains("bob@"), "{shown}");
}

#[tokio::test]
async fn the_answer_of_a_trusted_upstream_is_looked_at_as_well() {
    use std::sync::Arc;

    use attach_core::destination::{Candidate, Destination, Labels};
    use attach_core::{Body, Exchange};
    use attach_redact::RedactLayer;
    use http_body_util::BodyExt;
    use tower::{Layer, ServiceExt};

    let answer = json!({"choices": [{"index": 0, "message": {"content": "a poison recipe"}, "finish_reason": "stop"}]}).to_string();
    let model = tower::service_fn(move |_: http::Request<Body>| {
        let answer = answer.clone();
        async move {
            let response = http::Response::builder().header("content-type", JSON);
            Ok::<_, std::convert::Infallible>(response.body(http_body_util::Full::from(answer)).unwrap())
        }
    });
    let inside = Candidate::new("inside", "m", Arc::new(Labels::trusted()));
    let mut request =
        http::Request::post(CHAT).body(http_body_util::Full::from(chat("bob@example.org"))).unwrap();
    request.extensions_mut().insert(Destination::new(vec![inside]));
    let exchange = Exchange::of_request(&mut request);
    let layer = RedactLayer::new(judging(Strict::default(), WhenDown::Closed));
    let response = layer.layer(model).oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(std::str::from_utf8(&body).unwrap().contains("content_filter"));
    assert_eq!(exchange.outcome(), Some(Outcome::Blocked));
}
