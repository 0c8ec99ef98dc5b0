//! What is checked about redacting and restoring.

use std::sync::OnceLock;

use attach_core::Api;
use attach_core::usage::Wire;
use attach_redact::fuzzing::Asked;
use attach_redact::{Redactor, Scope};
use bytes::Bytes;
use serde_json::Value;

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    // With a fixed key, so that what is found once is found again.
    REDACTOR.get_or_init(|| Redactor::builder().key(&[7; 32]).build().expect("the defaults build"))
}

/// A text comes back byte for byte; what was replaced is not found again.
pub(crate) fn scan(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let scope = Scope::anonymous();
    let Ok(once) = redactor().redact_text(&scope, &text) else { return };
    assert_eq!(once.restore(once.text()), text);
    let twice = redactor().redact_text(&scope, once.text()).expect("settled before");
    assert_eq!(twice.text(), once.text());
}

/// What is no JSON, where JSON belongs: what a reader finds who opens escapes is replaced, and the rest is as it was.
pub(crate) fn nearly(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // An address between blanks, with those of its characters escaped that the text says.
    let mut hidden = String::new();
    for (at, c) in "bob@example.org".chars().enumerate() {
        match data.get(at).unwrap_or(&0) % 3 {
            0 => hidden.push(c),
            1 => hidden.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => hidden.push_str(&format!("\\\\u{:04X}", u32::from(c))),
        }
    }
    let text = format!("{{\"a\":1,\"a\":\"{text} {hidden} ");
    let body = serde_json::json!({"model": "m", "messages": [
        {"role": "tool", "tool_call_id": "c", "content": text}]});
    let body = body.to_string().into();
    let Some((mut asked, sent)) = Asked::with(redactor(), Api::OpenAiChat, body) else { return };
    assert!(!String::from_utf8_lossy(&sent).contains(&hidden.replace('\\', "\\\\")));
    let back: Value = serde_json::from_slice(&asked.unary(sent)).expect("a restored call is JSON");
    assert_eq!(back["messages"][0]["content"].as_str(), Some(&*text));
}

/// Every value of a call is where it was, of its kind; restoring gives the call.
pub(crate) fn splice(data: &[u8]) {
    for api in [Api::OpenAiChat, Api::OpenAiResponses, Api::AnthropicMessages, Api::OllamaChat] {
        let body = Bytes::copy_from_slice(data);
        let Some((mut asked, sent)) = Asked::with(redactor(), api, body) else { continue };
        let before: Value = serde_json::from_slice(data).expect("was parsed");
        let after: Value = serde_json::from_slice(&sent).expect("a redacted call is JSON");
        assert!(is_like(&before, &after));
        let restored: Value = serde_json::from_slice(&asked.unary(sent)).expect("a restored call is JSON");
        assert!(is_like(&before, &restored));
    }
}

/// Whether two documents have the same form; numbers may have become strings.
fn is_like(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_like(a, b))
        }
        (Value::Object(a), Value::Object(b)) => a.len() == b.len(),
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::String(_)) => true,
        _ => a == b,
    }
}

/// However an answer is cut into pieces, the client gets the same; an answer without placeholders passes as it is.
pub(crate) fn restore(data: &[u8]) {
    let values = [("EMAIL", "bob@example.org"), ("PERSON", "\"é\\\n"), ("LITERAL", "PII_")];
    let asked = || Asked::about(redactor(), &values);
    // The answer can name a placeholder that it cannot guess.
    let mut names = asked();
    let mut text = data.to_vec();
    for (number, (label, value)) in values.iter().enumerate() {
        let mark = [b'#', b'0' + number as u8];
        let placeholder = names.placeholder(label, value).expect("tags are free");
        while let Some(at) = text.windows(2).position(|window| window == mark) {
            text.splice(at..at + 2, placeholder.bytes());
        }
    }
    for wire in [Wire::Sse, Wire::Ndjson] {
        let whole = asked().stream(wire, [&*text]).concat();
        for size in [1, 7] {
            assert_eq!(asked().stream(wire, text.chunks(size)).concat(), whole);
        }
        assert_eq!(Asked::about(redactor(), &[]).stream(wire, [&*text]).concat(), text);
    }
    let unary = asked().unary(Bytes::copy_from_slice(&text));
    assert_eq!(std::str::from_utf8(&text).is_ok(), std::str::from_utf8(&unary).is_ok());
}

/// Invisible characters hide no address, and none of them is left between what is replaced.
pub(crate) fn shadow(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut end = 0;
    for finding in redactor().find(&text) {
        assert!(end <= finding.range.start && text.get(finding.range.clone()).is_some());
        end = finding.range.end;
    }
    // An address between blanks, with the text's own invisible characters after every letter.
    let invisible: String = text
        .chars()
        .filter(|c| matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{ad}'))
        .take(8)
        .collect();
    let hidden: String = "bob@example.org".chars().flat_map(|c| [c.to_string(), invisible.clone()]).collect();
    let hidden = hidden.trim_end_matches(|c: char| invisible.contains(c));
    let padded = format!("to {hidden} now");
    let found = redactor().find(&padded);
    assert!(found.len() == 1 && found[0].range == (3..3 + hidden.len()), "{found:?}");
}
