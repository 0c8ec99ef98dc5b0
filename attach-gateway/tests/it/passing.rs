//! The same dialect on both sides: bytes pass.

use serde_json::json;

use crate::support::{CHATS, Connection, World, events, question, streamed, wire};

/// Bodies as nobody's serializer writes them.
const ODD: [(&str, &str); 10] = [
    (
        "/v1/chat/completions",
        "{ \"messages\" : [ {\"content\":\"caf\\u00e9 \\ud83d\\ude00\",\"role\":\"user\"} ],\n\t\"model\":\"gpt-4o\" , \"temperature\":1.50e0, \"unknown\":{\"z\":1,\"a\":[ ]} }",
    ),
    ("/v1/completions", "{\"prompt\":\"hello\",\"model\":\"m\",\"max_tokens\":5,\"x\":null}"),
    ("/v1/embeddings", "{\"input\":[ \"a\", \"b\" ],\"model\":\"m\",\"encoding_format\":\"float\"}"),
    (
        "/v1/responses",
        "{\"input\":\"hello\",\"model\":\"m\",\"store\":false,\"text\":{\"format\":{\"type\":\"text\"}}}",
    ),
    (
        "/v1/messages",
        "{\"max_tokens\":  9,\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}]}",
    ),
    (
        "/v1/messages/count_tokens",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
    ),
    (
        "/api/chat",
        "{\"stream\":false,\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"keep_alive\":\"5m\"}",
    ),
    (
        "/api/generate",
        "{\"stream\":false,\"model\":\"m\",\"prompt\":\"hello\",\"options\":{\"num_ctx\":4096}}",
    ),
    ("/api/embed", "{\"model\":\"m\",\"input\":\"hello\"}"),
    ("/api/show", "{\"model\":\"m\",\"verbose\":false}"),
];

#[tokio::test]
async fn every_path_passes_the_same_bytes_both_ways() {
    let world = World::start().await;
    for (path, body) in ODD {
        let answer = world.post(path).body(body).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", path));
        assert_eq!(seen.text(), body);
        assert_eq!(seen.header("content-length"), Some(&*body.len().to_string()));
        assert_eq!(answer.text(), wire::model(&seen).sent_text(), "{path}");
        let trail = world.gateway.trail(&answer.id());
        assert_eq!((trail.kinds(), trail.end()), (vec!["intent", "outcome"], "complete"), "{path}");
    }
}

#[tokio::test]
async fn a_stream_passes_the_same_bytes() {
    let world = World::start().await;
    for path in CHATS {
        let answer =
            world.post(path).json(&streamed(path, "gpt-4o", "count to three")).send().await.expect(200);
        assert_eq!(answer.text(), wire::model(&world.upstream.last()).sent_text(), "{path}");
        assert!(events(&answer.text()).len() > 1);
        let kind = if path == "/api/chat" { "application/x-ndjson" } else { "text/event-stream" };
        assert_eq!(answer.header("content-type"), Some(kind));
    }
}

#[tokio::test]
async fn a_bare_prompt_sent_by_curl_as_a_form_works() {
    let world = World::start().await;
    let call = world.post("/api/chat").header("Content-Type", "application/x-www-form-urlencoded");
    let answer = call.body(r#"{"model":"llama3","prompt":"hello"}"#).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.text(), r#"{"model":"llama3","messages":[{"role":"user","content":"hello"}]}"#);
    assert_eq!(crate::support::answer_text(&answer.text()), "You said: hello");
    let last = events(&answer.text()).pop().unwrap();
    assert_eq!((&last["done"], &last["eval_count"]), (&json!(true), &json!(wire::OUTPUT)));
    assert_eq!(world.gateway.trail(&answer.id()).outcome()["model"]["requested"], "llama3");
}

#[tokio::test]
async fn a_missing_content_type_does_not_matter() {
    let world = World::start().await;
    world.post(CHATS[0]).body(question(CHATS[0], "gpt-4o", "hello").to_string()).send().await.expect(200);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = World::start().await;
    let mut connection = Connection::open(world.gateway.addr).await;
    for number in 0..6 {
        let path = CHATS[number % 3];
        let body =
            if number < 3 { question(path, "gpt-4o", "hello") } else { streamed(path, "gpt-4o", "hello") };
        let answer = world.post(path).json(&body).stream_on(connection).await;
        let (answer, kept) = answer.whole_and_connection().await;
        answer.expect(200);
        connection = kept;
    }
    let refused = world.gateway.post(CHATS[0]).json(&json!({})).stream_on(connection).await;
    let (answer, connection) = refused.whole_and_connection().await;
    answer.expect(401);
    world
        .post(CHATS[0])
        .json(&question(CHATS[0], "gpt-4o", "hello"))
        .stream_on(connection)
        .await
        .whole()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let world = World::start().await;
    let body = question(CHATS[0], "gpt-4o", "hello").to_string();
    world.post(CHATS[0]).body(body.clone()).chunked(10).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.text(), body);
    assert_eq!(seen.header("content-length"), Some(&*body.len().to_string()));
}

#[tokio::test]
async fn probes_answer_anybody() {
    let world = World::start().await;
    assert_eq!(world.gateway.get("/healthz").send().await.expect(200).text(), "ok\n");
    assert_eq!(world.gateway.get("/readyz").send().await.expect(200).text(), "ready\n");
    let head = crate::support::Call::new(world.gateway.addr, "HEAD", "/");
    assert!(head.send().await.expect(200).body.is_empty());
    let version = world.get("/api/version").send().await.expect(200).json();
    assert!(version["version"].is_string());
}
