//! What is no request for a model, and how that is said.

use serde_json::{Value, json};

use crate::support::{CHATS, Call, Upstream, World, assert_shape, question};

/// The place that a refusal names.
fn param(answer: &crate::support::Response) -> String {
    let json = answer.json();
    let places = [&json["error"]["param"], &json["param"]];
    places.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::with(Upstream::model().await, |launch| launch.set("MAX_REQUEST_BYTES", "1000")).await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "m", &"x".repeat(1000))).send().await.expect(413);
        assert_shape(path, &answer, "body_too_large");
        // Without a length in advance as well.
        let chunked = world.post(path).body(question(path, "m", &"x".repeat(1000)).to_string()).chunked(300);
        assert_shape(path, &chunked.send().await.expect(413), "body_too_large");
        world.post(path).json(&question(path, "m", "short")).send().await.expect(200);
    }
    assert_eq!(world.upstream.seen().len(), 3);
}

#[tokio::test]
async fn what_is_not_strict_json_is_refused_with_the_place() {
    let world = World::start().await;
    for path in CHATS {
        for (body, code) in [
            ("{\"model\":\"m\",", "invalid_json"),
            ("", "invalid_json"),
            ("[1,2", "invalid_json"),
            ("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", "invalid_json"),
            ("{\"model\":\"m\",\"messages\":[]} x", "invalid_json"),
            ("\u{feff}{\"model\":\"m\",\"messages\":[]}", "invalid_json"),
            ("model=m&prompt=hello", "invalid_json"),
        ] {
            let answer = world.post(path).body(body).send().await.expect(400);
            assert_shape(path, &answer, code);
            assert_eq!(world.gateway.trail(&answer.id()).reject()["decision"]["reason"], code);
        }
        let twice =
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"cont\\u0065nt\":\"b\"}]}";
        let answer = world.post(path).body(twice).send().await.expect(400);
        assert_shape(path, &answer, "duplicate_key");
        assert_eq!(param(&answer), "$.messages[0].content");
        let alike = "{\"Model\":\"m\",\"model\":\"m\",\"messages\":[]}";
        assert_shape(path, &world.post(path).body(alike).send().await.expect(400), "ambiguous_key");
        let typed = "{\"model\":\"m\",\"stream\":\"true\",\"messages\":[]}";
        let answer = world.post(path).body(typed).send().await.expect(400);
        assert_shape(path, &answer, "wrong_type");
        assert_eq!(param(&answer), "$.stream");
        let answer = world.post(path).body("{\"messages\":[]}").send().await.expect(400);
        assert_shape(path, &answer, "missing_field");
        let answer =
            world.post(path).body("{\"model\":\"m\\u0000\",\"messages\":[]}").send().await.expect(400);
        assert_eq!(param(&answer), "$.model");
    }
    let deep = format!("{{\"model\":\"m\",\"messages\":[],\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
    world.post(CHATS[0]).body(deep).send().await.expect(400);
    let compressed =
        world.post(CHATS[0]).header("Content-Encoding", "gzip").body("x").send().await.expect(415);
    assert_eq!(compressed.code(), "unsupported_content_encoding");
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_never_repeats_what_was_sent() {
    let world = World::start().await;
    let answer = world.post(CHATS[0]).body("{\"model\": canary-value}").send().await.expect(400);
    assert!(!answer.text().contains("canary"), "{}", answer.text());
    let typed = json!({"model": "m", "messages": "canary-value"});
    let answer = world.post(CHATS[0]).json(&typed).send().await.expect(400);
    assert!(!answer.text().contains("canary"), "{}", answer.text());
}

#[tokio::test]
async fn what_is_not_listed_is_not_there() {
    let world = World::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/admin"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "/v1//chat/completions"),
        ("POST", "/V1/chat/completions"),
        ("POST", "/v1/./chat/completions"),
        ("POST", "/v1/files"),
        ("POST", "/v1/images/generations"),
        ("POST", "/v1/audio/speech"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/api/pull"),
        ("POST", "/api/create"),
        ("DELETE", "/api/delete"),
        ("POST", "/api/embeddings"),
        ("GET", "/v1/models/a%2f%2e%2e"),
    ] {
        let answer = Call::new(world.gateway.addr, method, path)
            .bearer(&world.token("alice"))
            .send()
            .await
            .expect(404);
        assert_eq!(answer.code(), "not_found", "{method} {path}");
    }
    let answer = Call::new(world.gateway.addr, "POST", "/v1/files").send().await.expect(404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = Call::new(world.gateway.addr, "GET", "/nowhere").send().await.expect(404);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn requests_that_two_servers_would_read_differently_are_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::start().await;
    let token = world.token("alice");
    let body = question(CHATS[0], "m", "hello").to_string();
    let length = body.len();
    for headers in [
        format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length + 1),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length : {length}\r\n"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(world.gateway.addr).await.unwrap();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n",
            CHATS[0]
        );
        stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{headers}: {answer}");
    }
    assert!(world.upstream.seen().is_empty());
}
