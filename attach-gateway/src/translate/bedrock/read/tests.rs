//! Answers as the Amazon Bedrock API reference and User Guide show them.

use attach_core::Usage;
use attach_core::usage::Source;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

use super::*;
use crate::translate::canonical::Finish;

fn message(kind: &str, name: &str, payload: &Value) -> Vec<u8> {
    let text = |text: &str| HeaderValue::String(text.to_owned().into());
    let own = match kind {
        "event" => ":event-type",
        "exception" => ":exception-type",
        _ => ":error-code",
    };
    let message = Message::new(payload.to_string())
        .add_header(Header::new(own, text(name)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text(kind)));
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    message("event", name, payload)
}

fn read(stream: &[u8], size: usize) -> Vec<Event> {
    let (mut reader, mut out) = (Reader::default(), Vec::new());
    stream.chunks(size).for_each(|piece| reader.frame(piece, &mut out));
    reader.end(&mut out);
    out
}

fn usage(input: u64, output: u64, cached: (u64, u64)) -> Event {
    let mut usage = Usage::default();
    (usage.input, usage.output, usage.source) = (input, output, Source::Reported);
    (usage.cache_read, usage.cache_write) = cached;
    Event::Usage(usage)
}

fn tool(index: u64, id: Option<&str>, name: &str, arguments: &str) -> Event {
    Event::Tool { index, id: id.map(str::to_owned), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({"stopReason": reason}))
}

fn said(words: &str) -> Vec<u8> {
    event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": words}}))
}

#[test]
fn the_references_whole_answer() {
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"text": "<thinking>\nTo find the most popular song on WZPZ, I will use the top_song tool.\n</thinking>\n"},
            {"toolUse": {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "name": "top_song", "input": {"sign": "WZPZ"}}},
        ]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 125, "outputTokens": 60, "totalTokens": 185},
        "metrics": {"latencyMs": 1175},
    });
    let events = Reader::default().whole(answer.to_string().as_bytes()).unwrap();
    assert!(matches!(&events[0], Event::Text(text) if text.starts_with("<thinking>")));
    assert_eq!(events[1], tool(0, Some("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"), "top_song", r#"{"sign":"WZPZ"}"#));
    assert_eq!(events[2..], [usage(125, 60, (0, 0)), Event::Finish(Finish::Tools)]);
    assert!(Reader::default().whole(b"{\"message\":\"x\"}").is_none());
}

#[test]
fn what_was_read_from_the_cache_is_input_too_and_thoughts_keep_their_signature() {
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "EpsB"}}},
            {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
            {"text": "Hi"},
        ]}},
        "stopReason": "stop_sequence",
        "additionalModelResponseFields": {"stop_sequence": "END"},
        "usage": {"inputTokens": 4, "outputTokens": 2, "totalTokens": 36, "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 10},
    });
    let events = Reader::default().whole(answer.to_string().as_bytes()).unwrap();
    let expected = [
        Event::Thinking("hm".into()),
        Event::Signature("EpsB".into()),
        Event::RedactedThinking("c2VjcmV0".into()),
        text("Hi"),
        usage(34, 2, (20, 10)),
        Event::Finish(Finish::Sequence(Some("END".into()))),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_stream_of_text_a_thought_and_two_calls() {
    let at = |index: u64, delta: Value| {
        event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"}))
    };
    let begin = |index: u64, id: &str, name: &str| {
        let start = json!({"toolUse": {"toolUseId": id, "name": name}});
        event("contentBlockStart", &json!({"contentBlockIndex": index, "start": start}))
    };
    let end = |index: u64| event("contentBlockStop", &json!({"contentBlockIndex": index}));
    let stream = [
        event("messageStart", &json!({"role": "assistant"})),
        at(0, json!({"reasoningContent": {"text": "hm"}})),
        at(0, json!({"reasoningContent": {"signature": "EpsB"}})),
        end(0),
        at(1, json!({"text": "Let me "})),
        at(1, json!({"text": "look."})),
        end(1),
        begin(2, "tooluse_1", "top_song"),
        at(2, json!({"toolUse": {"input": ""}})),
        at(2, json!({"toolUse": {"input": "{\"sign\":"}})),
        at(2, json!({"toolUse": {"input": "\"WZPZ\"}"}})),
        end(2),
        begin(3, "tooluse_2", "now"),
        end(3),
        stop("tool_use"),
        event(
            "metadata",
            &json!({"usage": {"inputTokens": 30, "outputTokens": 11, "totalTokens": 41},
            "metrics": {"latencyMs": 900}}),
        ),
    ]
    .concat();
    let expected = [
        Event::Thinking("hm".into()),
        Event::Signature("EpsB".into()),
        text("Let me "),
        text("look."),
        tool(0, Some("tooluse_1"), "top_song", ""),
        tool(0, None, "", "{\"sign\":"),
        tool(0, None, "", "\"WZPZ\"}"),
        tool(1, Some("tooluse_2"), "now", ""),
        tool(1, None, "", "{}"),
        Event::Finish(Finish::Tools),
        usage(30, 11, (0, 0)),
        Event::Done,
    ];
    for size in [1, 3, 16, 100, stream.len()] {
        assert_eq!(read(&stream, size), expected, "{size}");
    }
}

#[test]
fn an_exception_ends_the_stream_in_its_own_words() {
    for (kind, name) in [("exception", "throttlingException"), ("error", "internalServerException")] {
        let broken =
            message(kind, name, &json!({"message": "Too many tokens, please wait before trying again."}));
        let events = read(&[said("Hel"), broken, said("lo"), stop("end_turn")].concat(), 64);
        let failure = Failure {
            code: Some(name.into()),
            message: "Too many tokens, please wait before trying again.".into(),
        };
        assert_eq!(events, [text("Hel"), Event::Error(failure)]);
    }
}

#[test]
fn a_stream_that_does_not_say_why_it_stopped_is_broken() {
    let is_broken = |events: &[Event]| matches!(events.last(), Some(Event::Error(_)));
    assert!(is_broken(&read(&said("Hel"), 64)));
    assert!(is_broken(&read(&[], 64)));
    let torn = [said("Hel"), stop("end_turn"), said("x")[..20].to_vec()].concat();
    assert!(is_broken(&read(&torn, 64)));
    assert!(is_broken(&read(b"HTTP is no event stream", 64)));
    // Only the usage is missing.
    let events = read(&[said("Hello"), stop("end_turn")].concat(), 64);
    assert_eq!(events, [text("Hello"), Event::Finish(Finish::Stop), Event::Done]);
}

#[test]
fn every_reason_to_stop_has_a_meaning() {
    let meaning = |reason: &str| read(&stop(reason), 64).remove(0);
    for (reason, finish) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Sequence(None)),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("tool_use", Finish::Tools),
        ("guardrail_intervened", Finish::Filtered),
        ("content_filtered", Finish::Filtered),
    ] {
        assert_eq!(meaning(reason), Event::Finish(finish), "{reason}");
    }
    assert!(matches!(meaning("malformed_tool_use"), Event::Error(_)));
}

#[test]
fn an_error_has_a_name_and_a_message() {
    let said = |body: &[u8]| Reader::default().failure(body);
    let named =
        said(br#"{"__type":"com.amazon.coral.validate#ValidationException","message":"no such model"}"#);
    assert_eq!((named.code.as_deref(), &*named.message), (Some("ValidationException"), "no such model"));
    assert_eq!(said(br#"{"Message":"denied"}"#).message, "denied");
    assert!(!said(b"<html>").message.is_empty());
}
