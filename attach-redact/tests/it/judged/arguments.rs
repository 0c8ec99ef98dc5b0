//! Escapes in the arguments of tools that a stream cuts anywhere.

use attach_redact::{Entity, Fault, Finding, Inspect, Inspection, WhenDown};
use serde_json::{Value, json};

use super::{SSE, ask, judging};
use crate::support::{CHAT, MESSAGES};

/// Finds "Nightingale", and what has a name's length before a comma in JSON.
struct Names;

impl Inspect for Names {
    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let mut seen = Inspection::new();
        for (index, text) in texts.iter().enumerate() {
            for (at, name) in text.match_indices("Nightingale") {
                seen.found(index, Finding::new(at..at + name.len(), Entity::custom("NAME").unwrap(), 1.0));
            }
        }
        Ok(seen)
    }
}

#[tokio::test]
async fn a_masked_escape_that_is_cut_between_two_pieces_stays_one() {
    let arguments = r#"{"to":"F \u004eight\u0069ngale\n\\u0041","n":1}"#;
    for cut in 1..arguments.len() {
        let parts = [&arguments[..cut], &arguments[cut..]];
        let chat: String = parts
            .iter()
            .map(|part| {
                let call = json!({"index": 0, "function": {"arguments": part}});
                let chunk = json!({"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]});
                format!("data: {chunk}\n\n")
            })
            .collect();
        let seen = ask(judging(Names, WhenDown::Closed), CHAT, SSE, 61, &chat).await;
        assert_masked(&said(&seen.client, "/choices/0/delta/tool_calls/0/function/arguments"), cut);
        let message: String = parts
            .iter()
            .map(|part| {
                let delta = json!({"type": "input_json_delta", "partial_json": part});
                format!("data: {}\n\n", json!({"type": "content_block_delta", "index": 1, "delta": delta}))
            })
            .collect();
        let seen = ask(judging(Names, WhenDown::Closed), MESSAGES, SSE, 61, &message).await;
        assert_masked(&said(&seen.client, "/delta/partial_json"), cut);
    }
}

fn said(stream: &str, pointer: &str) -> String {
    let events =
        stream.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    events.filter_map(|event| Some(event.pointer(pointer)?.as_str()?.to_owned())).collect()
}

fn assert_masked(arguments: &str, cut: usize) {
    let read: Value =
        serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{cut}: {error}: {arguments}"));
    assert_eq!(read, json!({"to": "F ***********\n\\u0041", "n": 1}), "{cut}");
}
