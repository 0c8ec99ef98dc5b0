//! Which path and which method a request is for: one reading, the same for the rules, the log and the model server.

use crate::support::{CHATS, Call, World, question, raw};

#[tokio::test]
async fn a_path_is_taken_as_it_is_written_or_not_at_all() {
    let world = World::start().await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    let body = question(CHATS[0], "m", "hello").to_string();
    let length = format!("Content-Length: {}", body.len());
    for path in [
        "//v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/x/../chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1/chat/%63ompletions",
        "/V1/Chat/Completions",
        "/v1/chat/completions;x=1",
        "/v1/chat%2Fcompletions",
        "/v1/chat/completions%00",
        "/v1/chat/completions%2e",
        "/v1/chat/completions\\",
        "\\v1\\chat\\completions",
        "/v1/chat/completions/",
        "/v1/chat/completions%20",
        "/v1/chat/completions%23",
        "v1/chat/completions",
        "*",
    ] {
        let head = raw::head("POST", path, &[&bearer, &length, "Connection: close"]);
        let heard = raw::send(world.gateway.addr, head + &body).await;
        assert!(matches!(heard.statuses()[..], [400 | 404 | 405]), "{path}: {}", heard.text);
    }
    assert!(world.upstream.seen().is_empty());
}

/// RFC 9112 §3.2.2 has a server accept the absolute form, and RFC 3986 §3.5 keeps a fragment on the client's side. Both
/// are the path they contain, to everybody.
#[tokio::test]
async fn another_form_of_a_target_is_the_same_path_to_everybody() {
    let world = World::start().await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    let body = question(CHATS[0], "m", "hello").to_string();
    let length = format!("Content-Length: {}", body.len());
    for target in ["http://elsewhere.example/v1/chat/completions", "/v1/chat/completions#/healthz"] {
        let head = raw::head("POST", target, &[&bearer, &length, "Connection: close"]);
        let heard = raw::send(world.gateway.addr, head + &body).await;
        if heard.statuses() == [400] {
            continue;
        }
        assert_eq!(heard.statuses(), [200], "{target}: {}", heard.text);
        assert_eq!(world.upstream.last().path, CHATS[0]);
        let records = world.gateway.records();
        let outcome = records.iter().rfind(|record| record["kind"] == "outcome").unwrap();
        assert_eq!(outcome["route"]["path"], CHATS[0]);
        // Without a token neither is anything else.
        let stranger = raw::head("POST", target, &[&length, "Connection: close"]);
        assert_eq!(raw::send(world.gateway.addr, stranger + &body).await.statuses(), [401]);
    }
}

#[tokio::test]
async fn another_method_than_a_path_answers_to_is_told_which_would_do() {
    let world = World::start().await;
    for (method, path, allowed) in [
        ("GET", CHATS[0], "POST"),
        ("PUT", CHATS[1], "POST"),
        ("DELETE", CHATS[2], "POST"),
        ("OPTIONS", CHATS[0], "POST"),
        ("post", CHATS[0], "POST"),
        ("BREW", CHATS[0], "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/gpt-4o", "GET"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let answer = Call::new(world.gateway.addr, method, path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
    }
    for method in ["TRACE", "CONNECT"] {
        for path in [CHATS[0], "/healthz/", "/v1/files"] {
            let answer =
                Call::new(world.gateway.addr, method, path).bearer(&world.token("alice")).send().await;
            assert!([400, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
            assert!(!answer.text().contains(&world.token("alice")));
        }
    }
    let tunnel = "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n";
    let heard = raw::send(world.gateway.addr, tunnel).await;
    assert!(matches!(heard.statuses()[..], [400 | 405]), "{}", heard.text);
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_model_servers_own_endpoints_are_not_there() {
    let world = World::start().await;
    for (method, path) in [
        ("POST", "/v1/files"),
        ("POST", "/v1/fine_tuning/jobs"),
        ("POST", "/api/pull"),
        ("POST", "/api/push"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("HEAD", "/api/blobs/sha256:0"),
        ("POST", "/api/ps/"),
        ("GET", "/metrics"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/sleep"),
        ("GET", "/v1/realtime"),
        ("GET", "/debug/pprof"),
        ("GET", "/admin/v1/keys"),
    ] {
        let answer = Call::new(world.gateway.addr, method, path).bearer(&world.token("alice")).send().await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn nothing_speaks_websocket() {
    let world = World::start().await;
    for path in [CHATS[0], "/v1/realtime", "/v1/models", "/v1/responses"] {
        let call = world.get(path).header("Connection", "Upgrade").header("Upgrade", "websocket");
        let call = call
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let answer = call.send().await.expect(404);
        assert_eq!(answer.header("upgrade"), None);
    }
    // An offer of another protocol may be left unanswered; Java's client makes one with every request.
    let call =
        world.get("/v1/models").header("Connection", "Upgrade, HTTP2-Settings").header("Upgrade", "h2c");
    assert_ne!(call.send().await.status, 101);
}

#[tokio::test]
async fn a_model_is_named_in_the_body_and_nowhere_else() {
    let world = World::start().await;
    for path in ["/v1/chat/completions?model=gpt-5", "/v1/chat/completions?api-version=1&deployment=gpt-5"] {
        let call = world.post(path).header("X-Model", "gpt-5").header("Model", "gpt-5");
        let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!((seen.path.as_str(), &seen.json()["model"]), (CHATS[0], &"gpt-4o".into()));
        assert!(!seen.everything().contains("gpt-5"), "{seen:?}");
        assert_eq!(world.gateway.trail(&answer.id()).outcome()["model"]["requested"], "gpt-4o");
    }
    for path in [
        "/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21",
        "/model/anthropic.claude/converse",
        "/v1beta/models/gemini-pro:generateContent",
    ] {
        world.post(path).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(404);
    }
}
