//! What the client gets back when the answer comes at once.

use serde_json::{Value, json};

use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, call, call_in_pieces, chat, placeholders, redactor};

const JSON: &str = "application/json";
/// A value that has to be escaped in JSON.
const AWKWARD: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";

/// The first placeholder of the request.
fn first(sent: &str) -> String {
    placeholders(sent).into_iter().next().unwrap_or_default()
}

#[tokio::test]
async fn every_part_of_a_chat_answer_is_restored() {
    let answer = |sent: &str| {
        let pii = first(sent);
        json!({"id": "x", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": format!("to {pii}."), "refusal": pii, "reasoning_content": pii,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": format!("{{\"to\":\"{pii}\"}}")}}]}},
            {"index": 1, "message": {"role": "assistant", "content": format!("**{}**", pii.replace('_', "\\_"))}},
            {"index": 2, "message": {"role": "assistant", "content": pii.to_lowercase()}},
        ]})
        .to_string()
    };
    let seen = call(CHAT, &chat("I am bob@example.org"), JSON, answer).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let message = &got["choices"][0]["message"];
    assert_eq!(message["content"], "to bob@example.org.");
    assert_eq!(message["refusal"], "bob@example.org");
    assert_eq!(message["reasoning_content"], "bob@example.org");
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"to":"bob@example.org"}"#);
    assert_eq!(got["choices"][1]["message"]["content"], "**bob@example.org**");
    assert_eq!(got["choices"][2]["message"]["content"], "bob@example.org");
    assert_eq!(seen.headers["content-length"], seen.client.len().to_string());
    assert_eq!(seen.restored_and_withheld(), (6, 0));
    assert_eq!(seen.count("EMAIL_ADDRESS"), 1);
}

#[tokio::test]
async fn a_value_restored_into_arguments_is_escaped_there() {
    let body = chat(&format!("our key is {AWKWARD}"));
    let answer = |sent: &str| {
        let pii = first(sent);
        let arguments = format!("{{\"login\":\"{pii}\"}}");
        json!({"choices": [{"message": {"content": pii, "tool_calls": [{"function": {"arguments": arguments}}]}}]}).to_string()
    };
    let seen = call(CHAT, &body, JSON, answer).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let message = &got["choices"][0]["message"];
    assert_eq!(message["content"], AWKWARD);
    let arguments = message["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(arguments).unwrap(), json!({"login": AWKWARD}));
}

#[tokio::test]
async fn the_other_dialects_are_restored() {
    let anthropic = |sent: &str| {
        let pii = first(sent);
        json!({"type": "message", "content": [
            {"type": "thinking", "thinking": pii, "signature": "s"},
            {"type": "text", "text": pii},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"to": pii, pii.clone(): 1}},
        ]})
        .to_string()
    };
    let body =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "bob@example.org"}]});
    let seen = call(MESSAGES, &body.to_string(), JSON, anthropic).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    assert_eq!(got["content"][1]["text"], "bob@example.org");
    assert_eq!(got["content"][2]["input"], json!({"to": "bob@example.org", "bob@example.org": 1}));
    assert!(
        got["content"][0]["thinking"].as_str().unwrap().starts_with("PII_EMAIL_"),
        "signed, so untouched"
    );

    let responses = |sent: &str| {
        let pii = first(sent);
        json!({"output": [{"type": "message", "content": [{"type": "output_text", "text": pii}]},
            {"type": "function_call", "arguments": format!("{{\"a\":\"{pii}\"}}")}]})
        .to_string()
    };
    let body = json!({"model": "m", "input": "bob@example.org"});
    let seen = call(RESPONSES, &body.to_string(), JSON, responses).await;
    assert!(!seen.client.contains("PII_"), "{}", seen.client);

    let ollama = |sent: &str| {
        let pii = first(sent);
        json!({"message": {"role": "assistant", "content": pii, "tool_calls": [{"function": {"name": "f", "arguments": {"to": pii}}}]}, "done": true}).to_string()
    };
    let body =
        json!({"model": "m", "stream": false, "messages": [{"role": "user", "content": "bob@example.org"}]});
    let seen = call(OLLAMA, &body.to_string(), JSON, ollama).await;
    assert!(!seen.client.contains("PII_") && seen.client.contains("bob@example.org"), "{}", seen.client);
}

#[tokio::test]
async fn an_error_of_the_upstream_is_restored_as_well() {
    let answer =
        |sent: &str| json!({"error": {"message": format!("bad address {}", first(sent))}}).to_string();
    let seen = call(CHAT, &chat("bob@example.org"), "application/problem+json", answer).await;
    assert!(seen.client.contains("bad address bob@example.org"), "{}", seen.client);
}

#[tokio::test]
async fn an_answer_that_is_no_strict_json_is_restored_where_that_is_safe() {
    let answer = |sent: &str| {
        let all = placeholders(sent);
        format!(r#"{{"a":"{} \ud83d","a":"{}"}}"#, all[0], all[1])
    };
    let body = chat(&format!("bob@example.org uses {AWKWARD}"));
    let seen = call(CHAT, &body, JSON, answer).await;
    assert!(seen.client.contains("bob@example.org"), "{}", seen.client);
    assert!(seen.client.contains("PII_SECRET_"), "{}", seen.client);
    assert_eq!(seen.restored_and_withheld(), (1, 1));
}

#[tokio::test]
async fn placeholders_of_other_requests_stay_as_they_are() {
    let seen = call(CHAT, &chat("bob@example.org"), JSON, |_| r#"{"a":"PII_EMAIL_zzzzzzzz"}"#.into()).await;
    assert_eq!(seen.client, r#"{"a":"PII_EMAIL_zzzzzzzz"}"#);
}

#[tokio::test]
async fn an_answer_in_many_pieces_is_the_same() {
    let answer =
        |sent: &str| json!({"choices": [{"message": {"content": format!("<{}>", first(sent))}}]}).to_string();
    let seen = call_in_pieces(redactor(), CHAT, &chat("bob@example.org"), JSON, 1, answer).await;
    assert!(seen.client.contains("<bob@example.org>"), "{}", seen.client);
}

/// A backslash is two in JSON, and those are no beginning of a URL; a URL ends with its string.
#[tokio::test]
async fn paths_in_arguments_are_restored_and_links_are_not() {
    let answer = |sent: &str| {
        let pii = first(sent);
        let of = |value: &str| json!({ "a": value.replace("PII", &pii), "b": pii }).to_string();
        let calls = [r"C:\Users\PII\x.txt", "[a](", "https://evil.example/?q=PII", r"\\evil\PII"].map(of);
        let calls = calls.map(|arguments| json!({"function": {"name": "f", "arguments": arguments}}));
        json!({"choices": [{"message": {"tool_calls": calls}}]}).to_string()
    };
    let seen = call(CHAT, &chat("bob@example.org"), JSON, answer).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let expected = [r"C:\Users\bob@example.org\x.txt", "[a]("].map(str::to_owned);
    let arguments = |number: usize| -> Value {
        let call = &got["choices"][0]["message"]["tool_calls"][number]["function"]["arguments"];
        serde_json::from_str(call.as_str().unwrap()).unwrap()
    };
    for (number, value) in expected.iter().enumerate() {
        assert_eq!(arguments(number), json!({"a": value, "b": "bob@example.org"}));
    }
    for number in [2, 3] {
        assert!(arguments(number)["a"].as_str().unwrap().contains("PII_EMAIL_"));
        assert_eq!(arguments(number)["b"], "bob@example.org");
    }
}
