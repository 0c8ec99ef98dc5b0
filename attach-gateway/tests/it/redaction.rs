//! What leaves the perimeter, and what does not.

use serde_json::json;

use crate::support::{
    CHATS, Upstream, World, answer_text, assert_nothing_personal, assert_shape, question, sentence, wire,
};

#[tokio::test]
async fn every_string_that_is_the_callers_is_looked_at() {
    let world = World::start().await;
    let secret = "jane.doe@example.com";
    let chat = json!({
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": format!("You serve {secret}")},
            {"role": "user", "name": "jane", "content": [{"type": "text", "text": format!("I am {secret}")}]},
            {"role": "assistant", "content": null, "tool_calls": [{
                "id": "call_1", "type": "function",
                "function": {"name": "send", "arguments": format!("{{\"to\":\"{secret}\"}}")},
            }]},
            {"role": "tool", "tool_call_id": "call_1", "content": format!("sent to {secret}")},
            {"role": "user", "content": "go on"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "send", "description": format!("Writes to {secret}"),
            "parameters": {"type": "object", "properties": {"to": {"type": "string", "description": secret}}},
        }}],
        "metadata": {"owner": secret, secret: "key"},
        "user": secret,
        "stop": [secret],
        "unknown_field": {"deep": [secret]},
    });
    world.post("/v1/chat/completions").json(&chat).send().await.expect(200);
    let messages = json!({
        "model": "claude-sonnet-4", "max_tokens": 64,
        "system": [{"type": "text", "text": secret}],
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "send", "input": {"to": secret}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": secret}]},
        ],
        "tools": [{"name": "send", "description": secret, "input_schema": {"type": "object"}}],
        "metadata": {"user_id": secret},
    });
    world.post("/v1/messages").json(&messages).send().await.expect(200);
    let ollama = json!({
        "model": "llama3", "stream": false,
        "messages": [
            {"role": "system", "content": secret},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "send", "arguments": {"to": secret}}}]},
            {"role": "tool", "content": secret, "tool_name": "send"},
        ],
    });
    world.post("/api/chat").json(&ollama).send().await.expect(200);
    for (path, body) in [
        ("/api/generate", json!({"model": "llama3", "stream": false, "prompt": secret, "system": secret})),
        ("/api/embed", json!({"model": "llama3", "input": [secret, "x"]})),
        ("/v1/embeddings", json!({"model": "e", "input": [secret]})),
        (
            "/v1/responses",
            json!({"model": "m", "instructions": secret, "input": [{"role": "user", "content": secret}]}),
        ),
        ("/v1/messages/count_tokens", question("/v1/messages", "m", secret)),
    ] {
        world.post(path).json(&body).send().await.expect(200);
    }
    let seen = world.upstream.seen();
    assert_eq!(seen.len(), 8);
    for one in seen {
        assert!(!one.everything().contains(secret), "{}: {}", one.path, one.text());
        assert!(one.json().is_object());
    }
}

#[tokio::test]
async fn the_same_value_has_the_same_placeholder_for_one_person_only() {
    let world = World::start().await;
    let say = async |person: &str| {
        let call = world.gateway.post(CHATS[0]).bearer(&world.token(person));
        call.json(&question(CHATS[0], "gpt-4o", "mail jane.doe@example.com now")).send().await.expect(200);
        world.upstream.last().json()["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let first = say("alice").await;
    assert_eq!(first, say("alice").await);
    assert_ne!(first, say("bob").await);
    assert!(first.starts_with("mail ") && first.ends_with(" now"), "{first}");
}

#[tokio::test]
async fn nobody_gets_what_only_somebody_else_said() {
    let world = World::start().await;
    world
        .post(CHATS[0])
        .json(&question(CHATS[0], "gpt-4o", "mail jane.doe@example.com"))
        .send()
        .await
        .expect(200);
    let placeholder =
        world.upstream.last().json()["messages"][0]["content"].as_str().unwrap()[5..].to_owned();
    let call = world.gateway.post(CHATS[0]).bearer(&world.token("mallory"));
    let answer = call.json(&question(CHATS[0], "gpt-4o", &placeholder)).send().await.expect(200);
    assert!(!answer.text().contains("jane.doe"), "{}", answer.text());
}

#[tokio::test]
async fn redaction_may_be_switched_off_and_says_so() {
    let world = World::with(Upstream::model().await, |launch| launch.set("ATTACH_REDACT", "off")).await;
    let body = question(CHATS[0], "gpt-4o", &sentence());
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    assert_eq!(world.upstream.only().text(), body.to_string());
    assert_eq!(answer_text(&answer.text()), format!("You said: {}", sentence()));
    world.gateway.stderr.line("redaction is OFF").await;
    assert!(world.gateway.records()[0]["protections_off"].to_string().contains("redaction"));
    assert_nothing_personal(&format!("{:?}", world.gateway.records()));
}

const TWO: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "inside"
kind = "openai"
dialects = ["openai", "anthropic", "ollama"]
url = "{UPSTREAM}"
trusted = true
[[upstream]]
name = "outside"
kind = "openai"
dialects = ["openai", "anthropic", "ollama"]
url = "{UPSTREAM}"
[[model]]
name = "local"
to = ["inside"]
[[model]]
name = "remote"
to = ["outside"]
[access]
default = "allow"
[redact.entities]
CREDIT_CARD = "block"
[[redact.pattern]]
entity = "EMPLOYEE_ID"
regex = '\bE[0-9]{6}\b'
"#;

#[tokio::test]
async fn a_trusted_upstream_is_told_everything() {
    let world = World::file(Upstream::model().await, TWO).await;
    for path in CHATS {
        let body = question(path, "local", &sentence());
        world.post(path).json(&body).send().await.expect(200);
        assert_eq!(world.upstream.last().text(), body.to_string());
    }
    let body = question(CHATS[0], "remote", "employee E123456 wrote jane.doe@example.com");
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let seen = world.upstream.last().text();
    assert!(!seen.contains("E123456") && !seen.contains("jane.doe"), "{seen}");
    assert_eq!(answer_text(&answer.text()), "You said: employee E123456 wrote jane.doe@example.com");
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.outcome()["redaction"]["counts"]["EMPLOYEE_ID"], 1);
}

#[tokio::test]
async fn what_is_to_be_blocked_is_refused_without_saying_it() {
    let world = World::file(Upstream::model().await, TWO).await;
    for path in CHATS {
        let body = question(path, "remote", "charge 4111 1111 1111 1111");
        let answer = world.post(path).json(&body).send().await.expect(400);
        assert_shape(path, &answer, &answer.code());
        assert!(!answer.text().contains("4111 1111"), "{}", answer.text());
        let trail = world.gateway.trail(&answer.id());
        assert_eq!(
            (&trail.reject()["end"], &trail.reject()["decision"]["result"]),
            (&json!("blocked"), &json!("deny"))
        );
    }
    assert!(world.upstream.seen().is_empty());
    assert!(!format!("{:?}", world.gateway.records()).contains("4111 1111"));
}

#[tokio::test]
async fn an_image_does_not_leave_the_perimeter_unseen() {
    let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{pixel}")}},
    ]}]});
    let messages = json!({"model": "claude-sonnet-4", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}},
    ]}]});
    let ollama =
        json!({"model": "llama3", "messages": [{"role": "user", "content": "what?", "images": [pixel]}]});
    let tokens = json!({"model": "gpt-3.5", "prompt": [1, 2, 3]});
    let world = World::start().await;
    for (path, body) in [
        ("/v1/chat/completions", &chat),
        ("/v1/messages", &messages),
        ("/api/chat", &ollama),
        ("/v1/completions", &tokens),
    ] {
        let answer = world.post(path).json(body).send().await.expect(422);
        assert_shape(path, &answer, &answer.code());
        assert_eq!(world.gateway.trail(&answer.id()).reject()["end"], "blocked", "{path}");
    }
    assert!(world.upstream.seen().is_empty());
    let allowed = TWO
        .replace("[redact.entities]", "[redact]\nuninspectable = { images = \"allow\" }\n[redact.entities]");
    let world = World::file(Upstream::model().await, &allowed.replace("remote", "gpt-4o")).await;
    world.post(CHATS[0]).json(&chat).send().await.expect(200);
    assert_eq!(world.upstream.only().text(), chat.to_string());
}

#[tokio::test]
async fn an_answer_that_cannot_be_looked_into_is_refused() {
    let upstream = Upstream::with(|seen| wire::model(seen).header("content-encoding", "gzip")).await;
    let world = World::with(upstream, |launch| launch).await;
    let answer =
        world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", &sentence())).send().await.expect(502);
    assert!(!answer.code().is_empty());
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.kinds(), ["intent", "outcome"]);
}
