//! Redaction with the help of engines behind a network.

use serde_json::{Value, json};

use crate::support::{CHATS, Launch, Reply, Upstream, World, answer_text, assert_shape, question};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "outside"
kind = "openai"
dialects = ["openai", "anthropic", "ollama"]
url = "{UPSTREAM}"
[access]
default = "allow"
[[redact.engine]]
kind = "presidio"
url = "{ENGINE}"
timeout = "30s"
"#;

/// Finds `Qorvath`, in the wire format of `presidio-analyzer/app.py`.
async fn analyzer() -> Upstream {
    let analyze = |text: &str| -> Value {
        let at = text.find("Qorvath").map(|at| text[..at].chars().count());
        let found = at.map(|at| json!({"entity_type": "PERSON", "start": at, "end": at + 7, "score": 0.85}));
        found.into_iter().collect()
    };
    Upstream::with(move |seen| match &seen.json()["text"] {
        Value::String(text) => Reply::json(200, &analyze(text)),
        Value::Array(texts) => {
            Reply::json(200, &texts.iter().map(|text| analyze(text.as_str().unwrap())).collect())
        }
        other => panic!("{other}"),
    })
    .await
}

async fn world(engine: &Upstream, more: &str) -> World {
    let text = format!("{}{more}", FILE.replace("{ENGINE}", &engine.url()));
    World::file(Upstream::model().await, &text).await
}

#[tokio::test]
async fn what_an_engine_finds_does_not_leave_and_comes_back() {
    let engine = analyzer().await;
    let world = world(&engine, "").await;
    let message = "dzień dobry, qué tal qorvath – Qorvath";
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "m", message)).send().await.expect(200);
        let sent = world.upstream.last().text();
        assert!(!sent.contains("Qorvath") && sent.contains("PII_PERSON_"), "{sent}");
        assert!(answer_text(&answer.text()).ends_with(message), "{}", answer.text());
        let outcome = world.gateway.trail(&answer.id()).outcome().clone();
        assert_eq!(outcome["redaction"]["counts"]["PERSON"], 1);
        assert_eq!(outcome["redaction"]["coverage"], "full");
    }
    assert!(
        engine.seen().iter().all(|seen| seen.path == "/analyze" && seen.header("authorization").is_none())
    );
}

#[tokio::test]
async fn earlier_turns_are_not_shown_again_to_an_engine_that_remembers() {
    let engine = analyzer().await;
    let world = world(&engine, "remember = 1000\n").await;
    let mut messages = Vec::new();
    for turn in 0..4 {
        messages.push(json!({"role": "user", "content": format!("Qorvath, turn {turn}")}));
        let body = json!({"model": "m", "messages": messages});
        world.post(CHATS[0]).json(&body).send().await.expect(200);
        assert!(!world.upstream.last().text().contains("Qorvath"));
    }
    let asked: Vec<Value> = engine.seen().iter().map(|seen| seen.json()["text"].clone()).collect();
    assert_eq!(asked, ["Qorvath, turn 0", "Qorvath, turn 1", "Qorvath, turn 2", "Qorvath, turn 3"]);
}

#[tokio::test]
async fn without_the_engine_nothing_leaves_unless_the_file_says_open() {
    let engine = Upstream::with(|_| Reply::json(500, &json!({"error": "Qorvath"}))).await;
    let closed = world(&engine, "").await;
    for path in CHATS {
        let answer = closed.post(path).json(&question(path, "m", "Qorvath")).send().await.expect(503);
        assert_shape(path, &answer, "redaction_failed");
    }
    assert!(closed.upstream.seen().is_empty());
    assert!(!closed.gateway.stderr.text().contains("Qorvath"));

    let open = world(&engine, "when_down = \"open\"\n").await;
    let answer = open.post(CHATS[0]).json(&question(CHATS[0], "m", "Qorvath")).send().await.expect(200);
    assert!(open.upstream.only().text().contains("Qorvath"));
    assert_eq!(open.gateway.trail(&answer.id()).outcome()["redaction"]["coverage"], "partial");
    let start = open.gateway.records().into_iter().find(|record| record["kind"] == "start").unwrap();
    assert!(start.to_string().contains("while a redact.engine is down"), "{start}");
    let logged = open.gateway.stderr.text();
    assert!(logged.contains("inspector is down") && !logged.contains("Qorvath"), "{logged}");
}

#[tokio::test]
async fn an_engine_that_cannot_be_asked_is_refused_by_check() {
    for (engine, part) in [
        ("kind = \"presidio\"\nurl = \"presidio:3000\"", "redact.engine"),
        ("kind = \"webhook\"\nurl = \"http://x\"\ntoken = \"inline\"", "a secret is never written"),
        (
            "kind = \"bedrock-guardrails\"\nregion = \"r\"\nguardrail = \"g\"\nversion = \"1\"",
            "AWS_ACCESS_KEY_ID",
        ),
        ("kind = \"webhook\"\nurl = \"http://x\"\ntimout = \"1s\"", "timeout"),
    ] {
        let file = FILE.replace("{ISSUER}", "https://idp.example").replace("{UPSTREAM}", "http://up.example");
        let (head, _) = file.split_once("kind = \"presidio\"").unwrap();
        let launch = Launch::file(&format!("{head}{engine}\n")).set("AWS_EC2_METADATA_DISABLED", "true");
        let finished = launch.check().await;
        assert!(!finished.ok && finished.stderr.contains(part), "{engine}: {}", finished.stderr);
    }
}
