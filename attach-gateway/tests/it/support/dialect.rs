//! The same question and its answer in three dialects.

use serde_json::{Value, json};

use super::Response;

/// One chat path of each dialect.
pub(crate) const CHATS: [&str; 3] = ["/v1/chat/completions", "/v1/messages", "/api/chat"];

/// A question, to be answered whole.
pub(crate) fn question(path: &str, model: &str, text: &str) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    match path {
        "/v1/messages" => body["max_tokens"] = json!(64),
        "/api/chat" => body["stream"] = json!(false),
        _ => {}
    }
    body
}

/// The same question, to be answered as a stream.
pub(crate) fn streamed(path: &str, model: &str, text: &str) -> Value {
    let mut body = question(path, model, text);
    body["stream"] = json!(true);
    body
}

/// The text of an answer in any dialect, whole or streamed.
pub(crate) fn answer_text(body: &str) -> String {
    if let Ok(whole) = serde_json::from_str::<Value>(body) {
        return piece(&whole);
    }
    events(body).iter().map(piece).collect()
}

/// The JSON of every event or line of a stream.
pub(crate) fn events(body: &str) -> Vec<Value> {
    let lines = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
    let lines = lines.filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

fn piece(value: &Value) -> String {
    // A stream of the Responses API says everything again when it is over.
    if value["type"].as_str().is_some_and(|kind| kind.starts_with("response.") && !kind.ends_with(".delta")) {
        return String::new();
    }
    const PLACES: [&str; 9] = [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/choices/0/text",
        "/content/0/text",
        "/delta/text",
        "/message/content",
        "/response",
        "/output/0/content/0/text",
        "/delta",
    ];
    let mut texts = PLACES.iter().filter_map(|place| value.pointer(place)?.as_str());
    texts.next().unwrap_or_default().to_owned()
}

/// Whether a refusal has the shape that the dialect's clients expect.
pub(crate) fn assert_shape(path: &str, answer: &Response, code: &str) {
    assert_error(path, &answer.json(), code);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
}

/// Whether an error has the shape that the dialect's clients expect, also within a stream.
pub(crate) fn assert_error(path: &str, error: &Value, code: &str) {
    match path {
        "/v1/messages" | "/v1/messages/count_tokens" => {
            assert_eq!(error["type"], "error", "{error}");
            assert!(error["error"]["type"].is_string() && error["error"]["message"].is_string(), "{error}");
            assert_eq!(error["error"]["code"], code, "{error}");
        }
        path if path.starts_with("/api/") => {
            assert!(error["error"].is_string(), "{error}");
            assert_eq!(error["code"], code, "{error}");
        }
        _ => {
            assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string(), "{error}");
            assert_eq!(error["error"]["code"], code, "{error}");
        }
    }
}
