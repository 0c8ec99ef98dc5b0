//! What a provider has signed, when it comes back to it.

use attach_core::exchange::Coverage;
use attach_redact::{Fault, Inspect, Inspection, Redactor, WhenDown};
use serde_json::{Value, json};

use crate::support::{CHAT, MESSAGES, Seen, call_in_pieces};

const JSON: &str = "application/json";
/// What the model thought of by itself.
const THOUGHT: &str = "I might ask Zbigniew Nowak, zbigniew@example.org.";

fn thinking(role: &str, signature: &Value) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "Whom do I ask? I am bob@example.org"},
        {"role": role, "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": signature},
            {"type": "text", "text": "Ask Zbigniew Nowak."},
        ]},
    ]})
}

async fn sent(redactor: Redactor, path: &str, body: &Value) -> Seen {
    call_in_pieces(redactor, path, &body.to_string(), JSON, usize::MAX, |_| "{}".into()).await
}

fn redactor(inspect_signed: bool) -> Redactor {
    Redactor::builder().key(b"0123456789abcdef").inspect_signed(inspect_signed).build().unwrap()
}

fn coverage(seen: &Seen) -> Coverage {
    seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().coverage)
}

#[tokio::test]
async fn a_name_that_the_model_thought_of_under_signature_is_not_changed() {
    let seen = sent(redactor(false), MESSAGES, &thinking("assistant", &json!("EqQB"))).await;
    let upstream: Value = serde_json::from_str(seen.upstream()).unwrap();
    assert_eq!(upstream["messages"][1]["content"][0]["thinking"], THOUGHT);
    let said = upstream["messages"][1]["content"][1]["text"].as_str().unwrap();
    assert!(said.starts_with("Ask PII_PERSON_"), "{said}");
    assert!(!seen.upstream().contains("bob@"), "{}", seen.upstream());
    assert_eq!(coverage(&seen), Coverage::Partial);
}

#[tokio::test]
async fn thinking_is_looked_at_unless_the_assistant_has_signed_it() {
    for (role, signature) in [
        ("assistant", json!("")),
        ("assistant", json!(7)),
        ("assistant", json!(null)),
        ("user", json!("EqQB")),
        ("system", json!("EqQB")),
    ] {
        let seen = sent(redactor(false), MESSAGES, &thinking(role, &signature)).await;
        let leaked = seen.upstream.as_ref().is_some_and(|sent| sent.contains("Nowak"));
        assert!(!leaked, "{role} {signature}");
    }
    let nested = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": [
            {"role": "assistant", "content": [{"thinking": THOUGHT, "signature": "EqQB"}]},
        ]},
    ]}]});
    assert!(!sent(redactor(false), MESSAGES, &nested).await.upstream().contains("Nowak"));
}

#[tokio::test]
async fn signed_thinking_is_looked_at_where_that_is_asked_for() {
    let seen = sent(redactor(true), MESSAGES, &thinking("assistant", &json!("EqQB"))).await;
    assert!(!seen.upstream().contains("Nowak") && !seen.upstream().contains("zbigniew@"));
    assert_eq!(coverage(&seen), Coverage::Full);
}

#[tokio::test]
async fn signed_details_of_reasoning_pass_and_unsigned_ones_are_looked_at() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "I am bob@example.org"},
        {"role": "assistant", "content": "ok", "reasoning_details": [
            {"type": "reasoning.text", "text": THOUGHT, "signature": "s"},
            {"type": "reasoning.summary", "summary": "ask anna@example.org"},
        ]},
    ]});
    let seen = sent(redactor(false), CHAT, &body).await;
    let upstream: Value = serde_json::from_str(seen.upstream()).unwrap();
    assert_eq!(upstream["messages"][1]["reasoning_details"][0]["text"], THOUGHT);
    assert!(!seen.upstream().contains("anna@") && !seen.upstream().contains("bob@"));
}

/// Is told nothing of what was thought.
struct Deaf;

impl Inspect for Deaf {
    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        assert!(texts.iter().all(|text| !text.contains("zbigniew@")));
        Ok(Inspection::new())
    }
}

#[tokio::test]
async fn inspectors_are_not_told_what_was_signed() {
    let builder = Redactor::builder().key(b"0123456789abcdef").inspector(Deaf, WhenDown::Closed);
    let seen = sent(builder.build().unwrap(), MESSAGES, &thinking("assistant", &json!("EqQB"))).await;
    assert_eq!(seen.status, 200);
}
