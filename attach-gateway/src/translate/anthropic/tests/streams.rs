//! Streams of this dialect, whole and in pieces, read and written, and put together as a client does.

use attach_core::body::{Events, Guard, Step};
use attach_core::usage::{Source, Wire};
use attach_core::{Api, Exchange, Usage};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::translate::anthropic::{Reader, Writer};
use crate::translate::canonical::{Event, Finish, ReadAnswer, WriteAnswer};
use crate::translate::stream::Translation;

fn exchange() -> Exchange {
    Exchange::of_request(&mut http::Request::post(Api::AnthropicMessages.path()).body(()).unwrap())
}

pub(super) fn writer() -> Writer {
    Writer::new("gpt-4o", exchange())
}

/// A stream's events as the reference shows them.
pub(super) fn sse(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

/// The example of "Streaming with extended thinking" and that of "Streaming with tool use", in one answer.
fn example() -> String {
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta =
        |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    sse(&[
        json!({"type": "message_start", "message": {
            "id": "msg_014p7gG3wDgGV9EUtLvnow3U", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": [],
            "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 472, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 8, "output_tokens": 2},
        }}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "27 * 453: "})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Grüße"})),
        delta(0, json!({"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbc"})),
        stop(0),
        start(1, json!({"type": "redacted_thinking", "data": "EmwKAhgB"})),
        stop(1),
        start(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "text_delta", "text": "Okay, let me look"})),
        delta(2, json!({"type": "text_delta", "text": " for you 👋:"})),
        stop(2),
        start(
            3,
            json!({"type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "get_weather", "input": {}}),
        ),
        delta(3, json!({"type": "input_json_delta", "partial_json": ""})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{\"location\":"})),
        delta(3, json!({"type": "input_json_delta", "partial_json": " \"San Francisco\"}"})),
        stop(3),
        start(4, json!({"type": "tool_use", "id": "toolu_02", "name": "get_time", "input": {}})),
        stop(4),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 89}}),
        json!({"type": "message_stop"}),
    ])
}

pub(super) fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    (usage.input, usage.output, usage.source) = (input, output, Source::Reported);
    usage
}

fn with_cache(output: u64) -> Event {
    let mut usage = usage(500, output);
    (usage.cache_read, usage.cache_write) = (8, 20);
    Event::Usage(usage)
}

pub(super) fn call(index: u64, id: Option<&str>, name: &str, arguments: &str) -> Event {
    Event::Tool { index, id: id.map(Into::into), name: name.into(), arguments: arguments.into() }
}

fn example_read() -> Vec<Event> {
    vec![
        with_cache(2),
        Event::Thinking("27 * 453: ".into()),
        Event::Thinking("Grüße".into()),
        Event::Signature("EqQBCgIYAhIM1gbc".into()),
        Event::RedactedThinking("EmwKAhgB".into()),
        Event::Text("Okay, let me look".into()),
        Event::Text(" for you 👋:".into()),
        call(0, Some("toolu_01T1x1fJ34qAmk2tNTrN7Up6"), "get_weather", ""),
        call(0, None, "", "{\"location\":"),
        call(0, None, "", " \"San Francisco\"}"),
        call(1, Some("toolu_02"), "get_time", ""),
        call(1, None, "", "{}"),
        Event::Finish(Finish::Tools),
        with_cache(89),
        Event::Done,
    ]
}

pub(super) fn read(stream: &str) -> Vec<Event> {
    let mut out = Vec::new();
    Reader::default().frame(stream.as_bytes(), &mut out);
    out
}

/// What a writer makes of a stream of pieces; the JSON of its events, each checked against its own name.
pub(super) fn written(events: impl IntoIterator<Item = Event>) -> Vec<Value> {
    let (mut writer, mut out) = (writer(), Vec::new());
    for event in events {
        writer.write(event, &mut out);
    }
    writer.end(&mut out);
    frames(&String::from_utf8(out).unwrap())
}

pub(super) fn frames(text: &str) -> Vec<Value> {
    let frames = text.split_terminator("\n\n").map(|frame| {
        let (name, data) = frame.split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        data
    });
    frames.collect()
}

/// The blocks of a stream, put together as a client does, which checks that they come one after the other.
pub(super) fn assembled(frames: &[Value]) -> Vec<Value> {
    let (mut blocks, mut open): (Vec<Value>, bool) = (Vec::new(), false);
    for frame in frames {
        let at = || usize::try_from(frame["index"].as_u64().unwrap()).unwrap();
        match frame["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(!open && at() == blocks.len(), "{frames:?}");
                blocks.push(frame["content_block"].clone());
                open = true;
            }
            "content_block_delta" => {
                assert!(open && at() == blocks.len() - 1, "{frames:?}");
                let block = blocks.last_mut().unwrap();
                for (key, piece) in
                    frame["delta"].as_object().unwrap().iter().filter(|(key, _)| *key != "type")
                {
                    let grown = block[key].as_str().unwrap_or_default().to_owned() + piece.as_str().unwrap();
                    block[key] = json!(grown);
                }
            }
            "content_block_stop" => {
                assert!(open && at() == blocks.len() - 1, "{frames:?}");
                open = false;
            }
            _ => assert!(!open, "{frames:?}"),
        }
    }
    for block in &mut blocks {
        if let Some(json) = block.as_object_mut().unwrap().remove("partial_json") {
            block["input"] = serde_json::from_str(json.as_str().unwrap()).unwrap_or(json);
        }
    }
    blocks
}

#[test]
fn a_documented_stream_is_read() {
    assert_eq!(read(&example()), example_read());
}

#[test]
fn a_stream_is_the_same_wherever_it_is_split() {
    let (stream, mut expected) = (Bytes::from(example()), None);
    for at in 0..=stream.len() {
        let mut events = Events::new(Wire::Sse);
        let mut through = Translation::new(
            Box::<Reader>::default(),
            Box::new(Writer::new("gpt-4o", FIXED.with(Clone::clone))),
        );
        let mut out = Vec::new();
        for part in [stream.slice(..at), stream.slice(at..)] {
            let Some(whole) = events.push(part).unwrap() else { continue };
            let Step::Pass(bytes) = through.frame(whole, false) else { panic!("a translation only passes") };
            out.extend_from_slice(&bytes);
        }
        assert!(events.finish().is_none());
        assert_eq!(*expected.get_or_insert_with(|| out.clone()), out, "split at {at}");
    }
    let blocks = assembled(&frames(&String::from_utf8(expected.unwrap()).unwrap()));
    assert_eq!(blocks.len(), 5);
}

thread_local! {
    static FIXED: Exchange = exchange();
}

#[test]
fn a_stream_written_is_what_was_read() {
    let frames = written(example_read());
    let first = &frames[0]["message"];
    assert_eq!(
        (&first["model"], &first["content"], &first["stop_reason"]),
        (&json!("gpt-4o"), &json!([]), &Value::Null)
    );
    assert!(first["id"].as_str().unwrap().starts_with("msg_"));
    let figures = json!({"input_tokens": 472, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 8, "output_tokens": 2});
    assert_eq!(first["usage"], figures);
    assert_eq!(
        assembled(&frames),
        [
            json!({"type": "thinking", "thinking": "27 * 453: Grüße", "signature": "EqQBCgIYAhIM1gbc"}),
            json!({"type": "redacted_thinking", "data": "EmwKAhgB"}),
            json!({"type": "text", "text": "Okay, let me look for you 👋:"}),
            json!({"type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "get_weather", "input": {"location": "San Francisco"}}),
            json!({"type": "tool_use", "id": "toolu_02", "name": "get_time", "input": {}}),
        ]
    );
    let [.., last, stop] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(last["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!((&last["usage"]["output_tokens"], &last["usage"]["input_tokens"]), (&json!(89), &json!(472)));
    assert_eq!(stop, &json!({"type": "message_stop"}));
}

#[test]
fn what_is_not_known_costs_nothing() {
    let stream = sse(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {"cited_text": "x"}}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "a", "name": "t", "input": {"whole": true}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": null}),
        json!({"type": "new_event", "index": "odd"}),
    ]);
    assert_eq!(
        read(&format!("{stream}: comment\n\ndata: [DONE]\n\n")),
        [call(0, Some("a"), "t", "{\"whole\":true}")]
    );
    // A server that names its events only in the `event` field.
    assert_eq!(read("event: message_stop\ndata: {}\n\n"), [Event::Done]);
    assert!(Reader::default().whole(b"{\"object\":\"chat.completion\"}").is_none());
    assert!(writer().whole(vec![Event::Text("a".into())]).is_none());
}
