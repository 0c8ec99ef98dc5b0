//! What users of other gateways complain about, each as a test. The numbers are issues and pull requests of
//! `BerriAI/litellm` unless another project is named.

use std::convert::Infallible;

use attach_core::{Body, Identity};
use attach_redact::{Action, Entity, Fault, Finding, Recognize, RedactLayer, Redactor, Scope, Uninspectable};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, MESSAGES, RESPONSES, Seen, call, call_in_pieces, chat, placeholders, redactor};

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";

fn echo(sent: &str) -> String {
    let sent: Value = serde_json::from_str(sent).unwrap();
    let said: Vec<_> =
        sent["messages"].as_array().unwrap().iter().map(|message| &message["content"]).collect();
    json!({"choices": [{"message": {"content": said}}]}).to_string()
}

fn said(seen: &Seen) -> Value {
    let answer: Value = serde_json::from_str(&seen.client).unwrap();
    answer["choices"][0]["message"]["content"].clone()
}

/// #31959: numbering starts anew with each message, so two people are both `<PERSON_1>`, and the last one wins.
#[tokio::test]
async fn two_people_in_two_messages_do_not_share_a_placeholder() {
    let messages = ["My name is Quetzalina Overbeck.", "My name is Zbigniew Nowak."];
    let body =
        json!({"model": "m", "messages": messages.map(|text| json!({"role": "user", "content": text}))});
    let seen = call(CHAT, &body.to_string(), JSON, echo).await;
    let sent = placeholders(seen.upstream());
    assert_eq!(sent.len(), 2, "{}", seen.upstream());
    assert_ne!(sent[0], sent[1]);
    assert_eq!(said(&seen), json!(messages));
}

/// #41600: numbering starts anew with each request, so a placeholder of an earlier turn that the model repeats never
/// resolves and stays in the history for good.
#[tokio::test]
async fn a_placeholder_of_an_earlier_turn_still_resolves_on_another_instance() {
    let instance = || Redactor::builder().key(b"the same on every node").build().unwrap();
    let first = call_in_pieces(instance(), CHAT, &chat("ask bob@example.org"), JSON, 99, echo).await;
    let earlier = placeholders(first.upstream()).remove(0);
    let turns = json!({"model": "m", "messages": [
        {"role": "user", "content": "card 4111111111111111"},
        {"role": "user", "content": "ask bob@example.org"},
        {"role": "assistant", "content": said(&first)[0]},
        {"role": "user", "content": "and ann@example.org"},
    ]});
    let repeat = earlier.clone();
    let answer = move |_: &str| json!({"choices": [{"message": {"content": repeat}}]}).to_string();
    let second = call_in_pieces(instance(), CHAT, &turns.to_string(), JSON, 99, answer).await;
    assert!(second.upstream().contains(&earlier));
    assert_eq!(said(&second), "bob@example.org");
}

/// #31950: values come back in the content and not in tool calls; #41265, #14612, #30728: tool calls in the history,
/// tool results and the Responses API's input leave as they are.
#[tokio::test]
async fn tool_calls_are_redacted_in_the_history_and_restored_in_the_answer() {
    let body = json!({"model": "m", "messages": [
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
            "function": {"name": "f", "arguments": "{\"to\":\"bob\\u0040example.org\",\"n\":[4111111111111111]}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "ann@example.org"},
    ]});
    let answer = |sent: &str| {
        let sent: Value = serde_json::from_str(sent).unwrap();
        json!({"choices": [{"message": {"tool_calls": sent["messages"][0]["tool_calls"]}}]}).to_string()
    };
    let seen = call(CHAT, &body.to_string(), JSON, answer).await;
    for value in ["bob", "ann@", "4111"] {
        assert!(!seen.upstream().contains(value), "{}", seen.upstream());
    }
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let arguments = got["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert_eq!(arguments, json!({"to": "bob@example.org", "n": ["4111111111111111"]}));

    let input = json!({"model": "m", "input": [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"to\":\"bob@example.org\"}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "ann@example.org"}]},
    ]});
    let seen = call(RESPONSES, &input.to_string(), JSON, |_| "{}".into()).await;
    assert!(!seen.upstream().contains("example.org"), "{}", seen.upstream());
}

/// #41611: a value, or a placeholder, that two chunks have halves of is missed; #29134: the whole stream is buffered.
#[tokio::test]
async fn a_placeholder_in_two_chunks_is_restored_and_nothing_else_waits() {
    let answer = |sent: &str| {
        let pii = placeholders(sent).remove(0);
        let (a, b) = pii.split_at(pii.len() - 1);
        let event = |text: &str| {
            format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
        };
        ["at once ", a, b, "!"].map(event).concat() + "data: [DONE]\n\n"
    };
    let seen = call_in_pieces(redactor(), CHAT, &chat("bob@example.org"), SSE, 13, answer).await;
    let contents: Vec<&str> = seen.client.split("\"content\":\"").skip(1).collect();
    let contents: Vec<&str> = contents.iter().map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(contents, ["at once ", "", "bob@example.org", "!"]);
}

struct Failing;

impl Recognize for Failing {
    fn recognize(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        if text.contains("trigger") { Err(Fault::new("down")) } else { Ok(Vec::new()) }
    }
}

/// #30728: when the analyzer fails, the prompt is forwarded as it is.
#[tokio::test]
async fn a_recognizer_that_fails_on_one_of_many_texts_keeps_all_of_them_in() {
    let redactor = Redactor::builder().recognizer(Failing).build().unwrap();
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "fine"}, {"role": "user", "content": "trigger"}, {"role": "user", "content": "fine"},
    ]});
    let seen = call_in_pieces(redactor, CHAT, &body.to_string(), JSON, 99, echo).await;
    assert_eq!((seen.upstream.as_deref(), seen.status), (None, 503));
}

/// Measured with Presidio over raw JSON: `\u0040` hides an address, and the `n` of a `\n` before one is eaten, which
/// leaves a lone backslash.
#[tokio::test]
async fn escapes_hide_nothing_and_are_not_broken() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"contact:\nbob@example.org\tor ann\u0040example.org\\nx \ud83d\ude00"}]}"#;
    let seen = call(CHAT, body, JSON, echo).await;
    let sent: Value = serde_json::from_str(seen.upstream()).unwrap();
    let text = sent["messages"][0]["content"].as_str().unwrap();
    assert!(text.starts_with("contact:\nPII_EMAIL_") && text.contains("\tor PII_EMAIL_"), "{text}");
    assert!(text.ends_with("\\nx \u{1f600}"), "{text}");
    assert_eq!(said(&seen)[0], "contact:\nbob@example.org\tor ann@example.org\\nx \u{1f600}");
}

/// `diegosouzapw/OmniRoute` #13462, #13550: the base64 of an image has the letters of a key in it, is redacted, and the
/// provider refuses the image.
#[tokio::test]
async fn images_are_not_broken_by_what_their_base64_looks_like() {
    let image = format!("iVBORw0KGgo{}AKIAQ3EGRZJTWXYZ2345+4111111111111111/bob", "A".repeat(300));
    let permitting =
        Redactor::builder().uninspectable(attach_core::call::Modality::Image, Uninspectable::Allow);
    let redactor = permitting.build().unwrap();
    let url = format!("data:image/png;base64,{image}");
    let openai = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "bob@example.org"}]}]});
    let anthropic = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}},
        {"type": "text", "text": "bob@example.org"}]}]});
    for (path, body) in [(CHAT, openai), (MESSAGES, anthropic)] {
        let seen = call_in_pieces(redactor.clone(), path, &body.to_string(), JSON, 99, |_| "{}".into()).await;
        assert!(seen.upstream().contains(&image), "{}", seen.upstream());
        assert!(!seen.upstream().contains("bob@"), "{}", seen.upstream());
    }
}

/// OmniRoute #13468: whatever text begins with `data:` is not looked at.
#[tokio::test]
async fn a_text_that_begins_like_a_data_url_is_looked_at() {
    for text in ["data:bob@example.org", "data:text/plain;base64,x bob@example.org", "data: bob@example.org"]
    {
        let seen = call(CHAT, &chat(text), JSON, echo).await;
        assert!(!seen.upstream().contains("bob@"), "{}", seen.upstream());
        assert_eq!(said(&seen)[0], text);
    }
}

async fn asked_by(caller: &str, prompt: &str, reply: String) -> (String, String) {
    let identity = Identity::person("acme", caller);
    let sent = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let seen = sent.clone();
    let model = service_fn(move |request: Request<Body>| {
        let (sent, reply) = (sent.clone(), reply.clone());
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            *sent.lock().unwrap() = String::from_utf8(body.to_vec()).unwrap();
            let answer = Response::builder().header("content-type", JSON);
            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(reply)).unwrap())
        }
    });
    let mut request: Request<Full<Bytes>> = Request::post(CHAT).body(Full::from(chat(prompt))).unwrap();
    attach_core::Exchange::of_request(&mut request).identify(identity.into());
    let answer = RedactLayer::new(redactor()).layer(model).oneshot(request).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap().to_bytes();
    let sent = seen.lock().unwrap().clone();
    (sent, String::from_utf8(answer.to_vec()).unwrap())
}

/// #19950, #30003: the map from placeholders to values is shared, so one caller's values come back to another.
#[tokio::test]
async fn a_placeholder_of_another_callers_request_stays_as_it_is() {
    let (sent, _) = asked_by("alice", "bob@example.org", "{}".into()).await;
    let alices = placeholders(&sent).remove(0);
    let reply = json!({"choices": [{"message": {"content": alices}}]}).to_string();
    let (sent, answer) = asked_by("carol", "ann@example.org", reply.clone()).await;
    assert!(!sent.contains(&alices) && answer.contains(&alices) && !answer.contains("bob@"), "{answer}");
    // Not even with the same value: the two placeholders differ.
    let (sent, answer) = asked_by("carol", "bob@example.org", reply.clone()).await;
    assert!(!sent.contains(&alices) && answer.contains(&alices), "{answer}");
    // Nor for the same caller in a request without the value.
    let (_, answer) = asked_by("alice", "ann@example.org", reply).await;
    assert!(answer.contains(&alices), "{answer}");
}

/// #30447: masking that is only to be logged shows up in what the client gets.
#[tokio::test]
async fn what_is_only_counted_changes_nothing_on_either_side() {
    let redactor = Redactor::builder().default_action(Action::Shadow).build().unwrap();
    let body = chat("bob@example.org, 4111 1111 1111 1111, PII_EMAIL_k7f3q2ab");
    let seen = call_in_pieces(redactor, CHAT, &body, JSON, 99, str::to_owned).await;
    assert_eq!((seen.upstream(), &*seen.client), (&*body, &*body));
    assert_eq!((seen.count("EMAIL_ADDRESS"), seen.count("CREDIT_CARD")), (1, 1));
}

/// What is too large to be looked at is forwarded as it is.
#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_never_forwarded() {
    let model = service_fn(|_: Request<Body>| async {
        panic!("forwarded");
        #[allow(unreachable_code)]
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let body = chat(&format!("{} bob@example.org", "x".repeat(2000)));
    let request: Request<Full<Bytes>> = Request::post(CHAT).body(Full::from(body)).unwrap();
    let layer = RedactLayer::new(redactor()).body_limit(1000);
    assert_eq!(layer.layer(model).oneshot(request).await.unwrap().status(), 413);
}

/// #42476: answers that are passed through as they come are not restored. Here with an error's status, which nothing
/// else looks into, and cut in the middle of the placeholder.
#[tokio::test]
async fn a_stream_with_an_error_status_is_restored_like_any_other() {
    let model = service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let pii = placeholders(std::str::from_utf8(&body).unwrap()).remove(0);
        let event = format!("data: {}\n\n", json!({"error": {"message": format!("no mailbox {pii}")}}));
        let pieces = event.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
        let answer = Response::builder().status(429).header("content-type", SSE);
        Ok::<_, Infallible>(answer.body(crate::support::Pieces(pieces)).unwrap())
    });
    let request: Request<Full<Bytes>> =
        Request::post(CHAT).body(Full::from(chat("bob@example.org"))).unwrap();
    let answer = RedactLayer::new(redactor()).layer(model).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 429);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"data: {\"error\":{\"message\":\"no mailbox bob@example.org\"}}\n\n");
}

/// A unary answer is kept in memory to be restored: not more than 16 MiB of it.
#[tokio::test]
async fn an_answer_too_large_to_be_restored_is_refused() {
    let answer = |_: &str| format!("\"{}\"", "x".repeat(16 << 20));
    let seen = call(CHAT, &chat("bob@example.org"), JSON, answer).await;
    assert_eq!(seen.status, 502);
    assert!(seen.client.contains("upstream_too_large"), "{}", seen.client);
}

/// #6247: offsets of the redacted text are used on the original.
#[test]
fn restoring_uses_no_offsets() {
    let redactor = redactor();
    let prompt = "My name is Zbigniew Nowak. Mail: bob@example.org";
    let redacted = redactor.redact_text(&Scope::anonymous(), prompt).unwrap();
    let sent = placeholders(redacted.text());
    let answer = format!("{} wrote. {} is his name ({}).", sent[1], sent[0], sent[0]);
    let expected = "bob@example.org wrote. Zbigniew Nowak is his name (Zbigniew Nowak).";
    assert_eq!(redacted.restore(&answer), expected);
}

/// `NousResearch/hermes-agent` #96607 and the like: words about secrets are not secrets.
#[test]
fn words_about_secrets_are_left_alone() {
    let redactor = redactor();
    for text in ["MAX_TOKENS=4096", "the token limit", "api_key is required", "PERSON_1 and <EMAIL>"] {
        assert_eq!(redactor.find(text), [], "{text}");
    }
    assert_eq!(redactor.action(&Entity::Secret), Action::Replace);
}

/// Anthropic's thinking comes back to the provider with its signature, so a placeholder in it must not change. Clients
/// have to send it back in every turn of a tool's use.
#[tokio::test]
async fn signed_thinking_goes_back_as_it_came() {
    let first = call(
        MESSAGES,
        &json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "bob@example.org"}]})
            .to_string(),
        JSON,
        |_| "{}".into(),
    )
    .await;
    let thinking = format!("The address is {}.", placeholders(first.upstream()).remove(0));
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "bob@example.org"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": thinking, "signature": "EqQB"}]},
        {"role": "user", "content": "go on"},
    ]});
    let seen = call(MESSAGES, &body.to_string(), JSON, |_| "{}".into()).await;
    let sent: Value = serde_json::from_str(seen.upstream()).unwrap();
    assert_eq!(sent["messages"][1]["content"][0]["thinking"], *thinking);
    assert!(!seen.upstream().contains("bob@"), "{}", seen.upstream());
}

/// The same of OpenRouter's `reasoning_details`; the `reasoning` beside them is for people and restored.
#[tokio::test]
async fn details_of_reasoning_go_and_come_unmodified() {
    let answer = |sent: &str| {
        let pii = placeholders(sent).remove(0);
        json!({"choices": [{"message": {"reasoning": pii, "reasoning_details": [{"type": "reasoning.text", "text": pii, "signature": "s"}]}}]})
            .to_string()
    };
    let first = call(CHAT, &chat("bob@example.org"), JSON, answer).await;
    let message = serde_json::from_str::<Value>(&first.client).unwrap()["choices"][0]["message"].clone();
    assert_eq!(message["reasoning"], "bob@example.org");
    let details = message["reasoning_details"].clone();
    assert!(details[0]["text"].as_str().unwrap().starts_with("PII_EMAIL_"));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "bob@example.org"},
        {"role": "assistant", "content": "ok", "reasoning_details": details}]});
    let second = call(CHAT, &body.to_string(), JSON, |_| "{}".into()).await;
    let sent: Value = serde_json::from_str(second.upstream()).unwrap();
    assert_eq!(sent["messages"][1]["reasoning_details"], details);
}
