//! Guardrails on what models say, whatever speaks with whom.

use serde_json::{Value, json};

use crate::support::wire::{Said, ollama, openai};
use crate::support::{
    CHATS, Launch, Reply, Seen, Step, Upstream, World, answer_text, assert_shape, question,
};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "model"
kind = "{KIND}"
dialects = ["{KIND}"]
url = "{UPSTREAM}"
trusted = {TRUSTED}
[access]
default = "allow"
[[redact.engine]]
kind = "bedrock-guardrails"
region = "eu-central-1"
guardrail = "gr1d2e3f4g5h"
version = "3"
url = "{ENGINE}"
access_key = { env = "GUARDRAIL_KEY_ID" }
secret_key = { env = "GUARDRAIL_SECRET" }
timeout = "30s"
inspects = "answers"
"#;

/// Blocks what has "poison" in it, as the documented answer of `ApplyGuardrail` does.
async fn guardrail() -> Upstream {
    Upstream::with(|seen| {
        let asked = seen.json();
        assert_eq!(asked["source"], "OUTPUT");
        let blocked = asked["content"].to_string().contains("poison");
        let filters = json!([{"type": "VIOLENCE", "confidence": "HIGH", "filterStrength": "HIGH", "action": "BLOCKED", "detected": true}]);
        let assessment = if blocked { json!({"contentPolicy": {"filters": filters}}) } else { json!({}) };
        Reply::json(200, &json!({"usage": {}, "outputs": [], "assessments": [assessment],
            "action": if blocked { "GUARDRAIL_INTERVENED" } else { "NONE" }}))
    })
    .await
}

async fn world(kind: &str, trusted: bool, engine: &Upstream, model: Upstream) -> World {
    let issuer = crate::support::Issuer::start().await;
    let text = FILE
        .replace("{ISSUER}", issuer.url())
        .replace("{UPSTREAM}", &model.url())
        .replace("{KIND}", kind)
        .replace("{TRUSTED}", &trusted.to_string())
        .replace("{ENGINE}", &engine.url());
    let launch =
        Launch::file(&text).set("GUARDRAIL_KEY_ID", "AKIDEXAMPLE").set("GUARDRAIL_SECRET", "example");
    let gateway = launch.start().await;
    World { issuer, upstream: model, gateway }
}

fn said(text: &str) -> Said {
    Said { model: "m".into(), text: text.into(), usage: true }
}

/// What is on record of a call that was blocked after it was answered.
fn assert_blocked(world: &World, id: &str) -> Value {
    let outcome = world.gateway.trail(id).outcome().clone();
    assert_eq!(
        (&outcome["end"], &outcome["decision"]["reason"]),
        (&json!("blocked"), &json!("content_blocked"))
    );
    let detail = outcome["decision"]["detail"].as_str().unwrap();
    assert_eq!(detail, "the answer, by bedrock-guardrails: contentPolicy VIOLENCE");
    assert!(!outcome.to_string().contains("poison"));
    outcome
}

#[tokio::test]
async fn an_openai_stream_of_an_ollama_server_is_ended_where_the_guardrail_blocks_it() {
    let engine = guardrail().await;
    let fine = "a word that nobody minds, ".repeat(40);
    let begin = fine.clone();
    let model = Upstream::with(move |_: &Seen| {
        let line =
            |text: &str| Step::Send(format!("{}\n", ollama::line(&said(""), text, true, false)).into());
        let mut steps: Vec<Step> = begin.split_inclusive(' ').map(line).collect();
        steps.extend(["then poi", "son ", "in the soup. "].map(line));
        steps.extend(fine.split_inclusive(' ').map(line));
        steps.push(Step::Hang);
        Reply::stream("application/x-ndjson", steps)
    })
    .await;
    let world = world("ollama", true, &engine, model).await;
    let mut body = question(CHATS[0], "m", "what is for dinner?");
    body["stream"] = true.into();
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let text = answer.text();
    let words = answer_text(&text);
    assert!(words.starts_with("a word that nobody minds, a word"), "{text}");
    assert!(!words.contains("poi") && !words.contains("soup"), "{text}");
    let events: Vec<&str> = text.trim_end().split("\n\n").collect();
    let [.., last, done] = &events[..] else { panic!("{text}") };
    let last: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&last["choices"][0]["finish_reason"], *done), (&json!("content_filter"), "data: [DONE]"));
    assert_eq!(
        (&last["object"], &last["attach"]["code"]),
        (&json!("chat.completion.chunk"), &json!("content_blocked"))
    );
    world.upstream.abandoned().await;
    let outcome = assert_blocked(&world, &answer.id());
    assert!(outcome["usage"]["output_tokens"].as_u64().unwrap() > 0, "what was said is charged: {outcome}");
}

#[tokio::test]
async fn a_message_of_anthropics_from_an_openai_server_that_is_blocked_is_a_refusal() {
    let engine = guardrail().await;
    let model = Upstream::with(|seen: &Seen| {
        let poison = seen.text().contains("poison");
        Reply::json(200, &openai::chat(&said(if poison { "a poison recipe" } else { "a cake recipe" })))
    })
    .await;
    let world = world("openai", false, &engine, model).await;
    let body = question(CHATS[1], "m", "a recipe with poison");
    let answer = world.post(CHATS[1]).json(&body).send().await.expect(200);
    let message = answer.json();
    assert_eq!((&message["stop_reason"], &message["content"]), (&json!("refusal"), &json!([])));
    assert_eq!((&message["type"], &message["role"]), (&json!("message"), &json!("assistant")));
    assert!(message["usage"]["output_tokens"].as_u64().unwrap() > 0, "{message}");
    let outcome = assert_blocked(&world, &answer.id());
    assert_eq!(outcome["usage"]["source"], "upstream", "{outcome}");

    let answer = world.post(CHATS[1]).json(&question(CHATS[1], "m", "a recipe")).send().await.expect(200);
    assert_eq!(answer_text(&answer.text()), "a cake recipe");
    assert_eq!(world.gateway.trail(&answer.id()).outcome()["end"], "complete");
}

#[tokio::test]
async fn without_a_verdict_the_answer_is_withheld_in_every_dialect() {
    let engine = Upstream::with(|_| Reply::json(500, &json!({}))).await;
    let model = Upstream::with(|_: &Seen| Reply::json(200, &openai::chat(&said("a cake recipe")))).await;
    let world = world("openai", false, &engine, model).await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "m", "a recipe")).send().await.expect(503);
        assert_shape(path, &answer, "redaction_failed");
        assert!(!answer.text().contains("cake"), "{}", answer.text());
        let detail = world.gateway.trail(&answer.id()).outcome()["decision"]["detail"].clone();
        assert!(detail.as_str().unwrap().contains("the answer: a remote engine answered 500"), "{detail}");
    }
}

/// A stream of OpenAI's with these deltas.
fn streaming(deltas: Vec<Value>) -> impl Fn(&Seen) -> Reply + Clone {
    move |_: &Seen| {
        let chunks = deltas.iter().map(|delta| openai::chat_chunk("m", delta, &Value::Null));
        let end = [openai::chat_chunk("m", &json!({}), &json!("stop")), "data: [DONE]\n\n".to_owned()];
        Reply::events("text/event-stream", chunks.chain(end))
    }
}

#[tokio::test]
async fn what_a_provider_adds_to_the_dialect_is_seen_whole_however_it_is_cut() {
    let part =
        |text: &str| json!({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": text}]});
    let deltas = "first the poison, then the soup".split_inclusive(|_| true).map(part).collect();
    let (engine, model) = (guardrail().await, Upstream::with(streaming(deltas)).await);
    let world = world("openai", false, &engine, model).await;
    let mut body = question(CHATS[0], "m", "what is for dinner?");
    body["stream"] = true.into();
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let text = answer.text();
    assert!(text.contains("content_filter") && !text.contains("reasoning_details"), "{text}");
    assert_blocked(&world, &answer.id());
}

#[tokio::test]
async fn sound_is_heard_once_its_transcript_was_seen() {
    let sound = "UklGRiQAAABXQVZF";
    let engine = guardrail().await;
    for (words, end) in [(["a ca", "ke"], "complete"), (["a poi", "son"], "blocked")] {
        let spoken =
            words.map(|word| [json!({"audio": {"data": sound}}), json!({"audio": {"transcript": word}})]);
        let model = Upstream::with(streaming(spoken.concat())).await;
        let world = world("openai", false, &engine, model).await;
        let mut body = question(CHATS[0], "m", "what is for dinner?");
        body["stream"] = true.into();
        body["modalities"] = json!(["text", "audio"]);
        body["audio"] = json!({"voice": "alloy", "format": "pcm16"});
        let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
        let text = answer.text();
        assert_eq!(text.matches(sound).count(), if end == "complete" { 2 } else { 0 }, "{text}");
        assert_eq!(world.gateway.trail(&answer.id()).outcome()["end"], end);
    }
}
