//! How much may be used, and what counts.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::wire::openai::chat_chunk;
use crate::support::{
    CHATS, Reply, Response, Seen, Step, Upstream, World, assert_shape, question, streamed, wire,
};

fn file(quota: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        kind = "openai"
        dialects = ["openai", "anthropic", "ollama"]
        url = "{{UPSTREAM}}"
        [access]
        default = "allow"
        {quota}
        "#
    )
}

async fn world(upstream: Upstream, quota: &str) -> World {
    World::file(upstream, &file(quota)).await
}

/// A short question with a small cap, of which little is reserved.
fn short(path: &str) -> Value {
    let mut body = question(path, "gpt-4o", "hi");
    match path {
        "/api/chat" => body["options"] = json!({"num_predict": 1}),
        _ => body["max_tokens"] = json!(1),
    }
    body
}

/// An answer that reports to have used so many tokens.
fn reporting(seen: &Seen, output: u64) -> Reply {
    let mut answer =
        wire::openai::chat(&wire::Said { model: "gpt-4o".into(), text: "hello".into(), usage: true });
    answer["usage"] = json!({"prompt_tokens": 5, "completion_tokens": output, "total_tokens": output + 5});
    assert_eq!(seen.path, CHATS[0]);
    Reply::json(200, &answer)
}

fn number(answer: &Response, header: &str) -> u64 {
    answer.header(header).unwrap_or_else(|| panic!("no {header}: {answer:?}")).parse().unwrap()
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_when_to_come_back_in_three_dialects() {
    let world = world(Upstream::model().await, "[[quota]]\nid = \"few\"\nrequests = \"2/h\"").await;
    for _ in 0..2 {
        world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(200);
    }
    for path in CHATS {
        let answer = world.post(path).json(&short(path)).send().await.expect(429);
        assert_shape(path, &answer, "rate_limit_exceeded");
        assert!((1..=1800).contains(&number(&answer, "retry-after")), "{answer:?}");
        let remaining = match path {
            "/v1/messages" => "anthropic-ratelimit-requests-remaining",
            _ => "x-ratelimit-remaining-requests",
        };
        assert_eq!(number(&answer, remaining), 0);
        let trail = world.gateway.trail(&answer.id());
        let reject = trail.reject();
        assert_eq!(
            (&reject["decision"]["reason"], &reject["quota"]["key"]),
            (&json!("rate_limit_exceeded"), &json!("few"))
        );
        assert_eq!(reject["actor"]["sub"], "alice");
    }
    assert_eq!(world.upstream.seen().len(), 2);
    // Somebody else has a bucket of their own.
    let call = world.gateway.post(CHATS[0]).bearer(&world.token("bob"));
    call.json(&short(CHATS[0])).send().await.expect(200);
}

#[tokio::test]
async fn tokens_are_settled_by_what_the_model_server_reports() {
    let upstream =
        Upstream::with(|seen| reporting(seen, if seen.text().contains("much") { 900 } else { 10 })).await;
    let world = world(upstream, "[[quota]]\nid = \"tpm\"\ntokens = \"1000/h\"").await;
    let ask = async |text: &str| {
        let mut body = short(CHATS[0]);
        // No tokenizer knows it, so that every reservation is alike.
        body["model"] = json!("llama3");
        body["messages"][0]["content"] = json!(text);
        world.post(CHATS[0]).json(&body).send().await
    };
    let first = ask("little").await.expect(200);
    let reserved = 1000 - number(&first, "x-ratelimit-remaining-tokens");
    assert!((1..50).contains(&reserved), "{reserved}");
    let second = ask("little").await.expect(200);
    // The first one's 15 tokens, not what was reserved for it, and this one's reservation.
    assert_eq!(number(&second, "x-ratelimit-remaining-tokens"), 1000 - 15 - reserved);
    ask("much").await.expect(200);
    let third = ask("little").await;
    assert_eq!(1000 - 15 - 15 - 905 - reserved, number(&third.expect(200), "x-ratelimit-remaining-tokens"));
    ask("much").await.expect(200);
    // What was used beyond the limit is a debt.
    let answer = ask("little").await.expect(429);
    assert!(number(&answer, "retry-after") > 60, "{answer:?}");
    assert_eq!(world.upstream.seen().len(), 5);
}

#[tokio::test]
async fn a_limit_of_two_thousand_serves_a_run_of_small_chats() {
    let world = World::with(Upstream::model().await, |launch| launch.set("MAX_TOKENS_PER_MIN", "2000")).await;
    for number in 0..40 {
        let path = CHATS[number % 3];
        world.post(path).json(&question(path, "gpt-4o", "a small question")).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_request_larger_than_the_limit_passes_once_and_leaves_a_debt() {
    let upstream = Upstream::with(|seen| reporting(seen, 5000)).await;
    let world = world(upstream, "[[quota]]\nid = \"tpm\"\ntokens = \"1000/h\"").await;
    let large = question(CHATS[0], "gpt-4o", &"many words ".repeat(2000));
    let answer = world.post(CHATS[0]).json(&large).send().await.expect(200);
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.outcome()["usage"]["output_tokens"], 5000);
    assert_eq!(trail.outcome()["usage"]["source"], "upstream");
    world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(429);
}

#[tokio::test]
async fn an_answer_that_failed_costs_nothing() {
    let upstream =
        Upstream::with(|_| Reply::json(500, &json!({"error": {"message": "out of memory"}}))).await;
    let world = world(upstream, "[[quota]]\nid = \"tpm\"\ntokens = \"300/h\"").await;
    for _ in 0..5 {
        world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hi")).send().await.expect(500);
    }
}

#[tokio::test]
async fn a_stream_the_client_leaves_is_charged_for_what_it_got() {
    let upstream = Upstream::with(|seen| {
        if seen.text().contains("\"stream\":true") {
            let event = chat_chunk("gpt-4o", &json!({"content": "word ".repeat(400)}), &Value::Null);
            let mut steps: Vec<_> = (0..4).map(|_| Step::Send(Bytes::from(event.clone()))).collect();
            steps.push(Step::Hang);
            return Reply::stream("text/event-stream", steps);
        }
        reporting(seen, 1)
    })
    .await;
    let world = world(upstream, "[[quota]]\nid = \"tpm\"\ntokens = \"1000/h\"").await;
    world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(200);
    let mut body = streamed(CHATS[0], "gpt-4o", "hi");
    body["max_tokens"] = json!(1);
    let mut answer = world.post(CHATS[0]).json(&body).stream().await;
    let mut got = 0;
    while got < 4 * 2000 {
        got += answer.piece().await.expect("a piece").len();
    }
    let id = answer.id();
    drop(answer);
    world.upstream.abandoned().await;
    let trail = world.gateway.finished(&id).await;
    assert_eq!(trail.end(), "client_abort");
    let usage = &trail.outcome()["usage"];
    assert!(usage["output_tokens"].as_u64().unwrap() > 1000, "{usage}");
    assert_eq!(usage["source"], "estimated");
    world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(429);
}

async fn at_once(world: &World, many: usize, body: Value) -> Vec<Response> {
    let body = Arc::new(body);
    let asking: Vec<_> = (0..many)
        .map(|_| {
            let call = world.post(CHATS[0]).json(&body);
            tokio::spawn(async move { call.send().await })
        })
        .collect();
    let mut answers = Vec::with_capacity(many);
    for one in asking {
        answers.push(one.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_requests_at_once_end_with_the_right_count() {
    let mut world = world(Upstream::model().await, "[[quota]]\nid = \"tph\"\ntokens = \"100000/h\"").await;
    let mut body = streamed(CHATS[0], "gpt-4o", "hi");
    body["max_tokens"] = json!(1);
    body["stream_options"] = json!({"include_usage": true});
    for answer in at_once(&world, 200, body).await {
        assert!(answer.expect(200).text().ends_with("data: [DONE]\n\n"));
    }
    let next = world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(200);
    let used = 100_000 - number(&next, "x-ratelimit-remaining-tokens");
    let counted = 200 * (wire::INPUT + wire::OUTPUT);
    // This request's own reservation is a few tokens, and an hour's limit gives back 28 a second.
    assert!((counted - 300..counted + 30).contains(&used), "{used} of {counted}");
    assert_eq!(world.upstream.seen().len(), 201);
    let outcomes = world.gateway.records().iter().filter(|record| record["kind"] == "outcome").count();
    assert_eq!(outcomes, 201);
    world.gateway.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_requests_at_once_exactly_the_allowed_ones_pass() {
    let world = world(Upstream::model().await, "[[quota]]\nid = \"rph\"\nrequests = \"70/h\"").await;
    let answers = at_once(&world, 200, short(CHATS[0])).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    // An hour's limit gives one back each minute.
    assert!(passed == 70 || passed == 71, "{passed}");
    assert_eq!(passed + refused, 200);
    assert_eq!(world.upstream.seen().len(), passed);
}

#[tokio::test]
async fn limits_say_how_they_stand_with_every_answer() {
    let quota =
        "[[quota]]\nid = \"rpm\"\nrequests = \"100/min\"\n[[quota]]\nid = \"tpm\"\ntokens = \"60000/min\"";
    let world = world(Upstream::model().await, quota).await;
    let answer = world.post(CHATS[0]).json(&short(CHATS[0])).send().await.expect(200);
    assert_eq!(number(&answer, "x-ratelimit-limit-requests"), 100);
    assert_eq!(number(&answer, "x-ratelimit-limit-tokens"), 60_000);
    assert!(answer.header("ratelimit-policy").unwrap().contains("\"rpm\";q=100;w=60;qu=\"requests\""));
    let trail = world.gateway.trail(&answer.id());
    assert!(trail.outcome()["quota"]["limit"].is_u64(), "{trail:?}");
}
