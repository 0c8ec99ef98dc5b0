//! A client that puts a stream together and looks whether everything fits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The events of a stream; each is named for its type, and they are numbered without a gap.
pub(super) fn events(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    });
    let events: Vec<_> = events.collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    events
}

/// The types of the events, without `response.` before them.
pub(super) fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .map(|kind| kind.strip_prefix("response.").unwrap_or(kind))
        .collect()
}

/// The response at the end of a stream, after every event has been held against those before it.
pub(super) fn assembled(events: &[Value]) -> Value {
    let (mut open, mut done) = (BTreeMap::<u64, Value>::new(), BTreeMap::<u64, Value>::new());
    assert_eq!(kinds(&events[..2]), ["created", "in_progress"]);
    assert_eq!(
        (&events[0]["response"]["status"], &events[0]["response"]["output"]),
        (&json!("in_progress"), &json!([]))
    );
    let mut last = None;
    for event in &events[2..] {
        assert!(last.is_none(), "nothing follows the end: {event}");
        let kind = event["type"].as_str().unwrap();
        let Some(at) = event["output_index"].as_u64() else {
            last = Some(event["response"].clone());
            continue;
        };
        match kind {
            "response.output_item.added" => {
                assert_eq!(at as usize, open.len() + done.len(), "in order, without a gap");
                assert_eq!(event["item"]["status"], "in_progress");
                open.insert(at, json!({"item": event["item"], "text": ""}));
            }
            "response.output_item.done" => {
                let one = open.remove(&at).expect("an open item");
                let item = &event["item"];
                assert_eq!(item["id"], one["item"]["id"]);
                let said = match item["type"].as_str().unwrap() {
                    "message" => &item["content"][0]["text"],
                    "reasoning" if item["summary"] == json!([]) => &json!(""),
                    "reasoning" => &item["summary"][0]["text"],
                    _ => &item["arguments"],
                };
                assert_eq!(said, &one["text"], "{event}");
                done.insert(at, item.clone());
            }
            _ => {
                let one = open.get_mut(&at).expect("an open item");
                assert_eq!(event["item_id"], one["item"]["id"]);
                let place = ["content_index", "summary_index"].map(|key| event.get(key).cloned());
                let expected = match one["item"]["type"].as_str().unwrap() {
                    "message" => [Some(json!(0)), None],
                    "reasoning" => [None, Some(json!(0))],
                    _ => [None, None],
                };
                assert_eq!(place, expected, "{event}");
                part(event, one);
            }
        }
    }
    let response = last.expect("an end");
    assert!(open.is_empty() || response["status"] == "failed", "{open:?}");
    if response["status"] != "failed" {
        assert_eq!(response["output"], json!(done.into_values().collect::<Vec<_>>()));
    }
    response
}

fn part(event: &Value, one: &mut Value) {
    let known = one["text"].as_str().unwrap().to_owned();
    let (_, kind) = event["type"].as_str().unwrap().rsplit_once('.').unwrap();
    match kind {
        "added" => assert_eq!((event["part"]["text"].as_str(), &*known), (Some(""), "")),
        "delta" => {
            let piece = event["delta"].as_str().unwrap();
            assert!(!piece.is_empty());
            one["text"] = json!(known + piece);
        }
        _ => {
            let said = [&event["text"], &event["arguments"], &event["part"]["text"]];
            assert_eq!(said.into_iter().find_map(Value::as_str), Some(&*known), "{event}");
        }
    }
}
