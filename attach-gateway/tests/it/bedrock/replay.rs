//! Amazon Bedrock as its reference has it: signatures worked out anew, answers of Converse, binary frames.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

use crate::support::{Reply, Seen, Step};

pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const REGION: &str = "eu-central-1";

/// Refuses as Bedrock does what is not signed with `secret`.
pub(crate) fn checked(seen: &Seen, secret: &str, answer: impl FnOnce(&Seen) -> Reply) -> Reply {
    match unsigned(seen, secret) {
        None => answer(seen),
        Some(why) => failure(403, "InvalidSignatureException", &why),
    }
}

/// What is wrong with the signature of a request, worked out from the request as it arrived.
fn unsigned(seen: &Seen, secret: &str) -> Option<String> {
    let authorization = seen.header("authorization").unwrap_or_default();
    let Some(parts) = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=") else {
        return Some("not signed".into());
    };
    let (credential, rest) = parts.split_once(", SignedHeaders=")?;
    let (names, signature) = rest.split_once(", Signature=")?;
    let (_, scope) = credential.split_once('/')?;
    let date = seen.header("x-amz-date").unwrap_or_default();
    let day = date.get(..8).unwrap_or_default();
    if scope != format!("{day}/{REGION}/bedrock/aws4_request") {
        return Some(format!("for another scope: {scope}"));
    }
    if !["host", "x-amz-date"].iter().all(|name| names.split(';').any(|signed| signed == *name)) {
        return Some(format!("too little is signed: {names}"));
    }
    let mut headers = String::new();
    for name in names.split(';') {
        let _ = writeln!(headers, "{name}:{}", seen.header(name).unwrap_or_default().trim());
    }
    let body = hex(digest::digest(&digest::SHA256, &seen.body).as_ref());
    let path = encoded_again(&seen.path);
    let canonical = format!("{}\n{path}\n\n{headers}\n{names}\n{body}", seen.method);
    let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, REGION, "bedrock", "aws4_request"] {
        key = mac(&key, part);
    }
    (hex(&mac(&key, &to_sign)) != signature).then(|| "another signature".to_owned())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every service but S3 signs a path encoded once more than it is sent.
fn encoded_again(path: &str) -> String {
    let encode = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    path.bytes().map(encode).collect()
}

/// A message of the event stream, with its checksums.
pub(crate) fn message(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let text = |text: &str| HeaderValue::String(text.to_owned().into());
    let own = if kind == "event" { ":event-type" } else { ":exception-type" };
    let message = Message::new(payload.to_string())
        .add_header(Header::new(own, text(name)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text(kind)));
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}

pub(crate) fn event(name: &str, payload: &Value) -> Vec<u8> {
    message("event", name, payload)
}

pub(crate) fn text(words: &str) -> Vec<u8> {
    event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": words}, "p": "abcd"}))
}

pub(crate) fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({"p": "ab", "stopReason": reason}))
}

pub(crate) const INPUT: u64 = 30;
pub(crate) const OUTPUT: u64 = 7;

pub(crate) fn usage() -> Value {
    json!({"inputTokens": 20, "outputTokens": OUTPUT, "totalTokens": 37, "cacheReadInputTokens": 10})
}

pub(crate) fn metadata() -> Vec<u8> {
    event("metadata", &json!({"usage": usage(), "metrics": {"latencyMs": 210}}))
}

pub(crate) fn stream(events: Vec<Vec<u8>>) -> Reply {
    let steps = events.into_iter().map(|event| Step::Send(event.into())).collect();
    Reply::stream("application/vnd.amazon.eventstream", steps)
}

/// `text` in words.
pub(crate) fn streamed(said: &str, reason: &str) -> Reply {
    let begin = event("messageStart", &json!({"role": "assistant"}));
    let words = said.split_inclusive(' ').map(text);
    let end = event("contentBlockStop", &json!({"contentBlockIndex": 0}));
    stream(std::iter::once(begin).chain(words).chain([end, stop(reason), metadata()]).collect())
}

pub(crate) fn whole(content: &Value, reason: &str) -> Reply {
    let answer = json!({
        "metrics": {"latencyMs": 321},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": reason,
        "usage": usage(),
    });
    Reply::json(200, &answer).header("x-amzn-requestid", "7f8c3a1e-0000-4000-8000-9d2f")
}

/// An error, named in a header as AWS's REST-JSON protocol does.
pub(crate) fn failure(status: u16, name: &str, message: &str) -> Reply {
    let kind = format!("{name}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    Reply::json(status, &json!({"message": message})).header("x-amzn-errortype", &kind)
}

/// Answers `Converse` and `ConverseStream` with what it was told last.
pub(crate) fn model(seen: &Seen) -> Reply {
    let body = seen.json();
    let last = body["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    let said = format!("You said: {}", last["content"][0]["text"].as_str().unwrap_or_default());
    if seen.path.ends_with("/converse-stream") {
        streamed(&said, "end_turn")
    } else {
        whole(&json!([{"text": said}]), "end_turn")
    }
}
