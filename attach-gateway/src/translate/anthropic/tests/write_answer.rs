//! Answers of any pieces in Anthropic's shape.

use http::StatusCode;
use serde_json::{Value, json};

use super::streams::{assembled, call, frames, read, sse, usage, writer, written};
use crate::translate::anthropic::Reader;
use crate::translate::canonical::{Event, Failure, Finish, ReadAnswer, WriteAnswer};

#[test]
fn a_documented_message_is_read_and_written_whole() {
    let message = json!({
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "Eq=="},
            {"type": "redacted_thinking", "data": "EmwK"},
            {"type": "text", "text": "Hello!"},
            {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {"b": 1.50}},
            {"type": "tool_use", "id": "toolu_2", "name": "c", "input": {}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 12, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 6},
    });
    let events = Reader::default().whole(message.to_string().as_bytes()).unwrap();
    let Some(Event::Usage(counts)) = events.last() else { panic!("{events:?}") };
    assert_eq!((counts.input, counts.cache_read, counts.output), (19, 4, 6));
    let mut whole: Value = serde_json::from_slice(&writer().whole(events).unwrap()).unwrap();
    assert!(whole["id"].as_str().unwrap().starts_with("msg_"));
    (whole["id"], whole["model"]) = (message["id"].clone(), message["model"].clone());
    assert_eq!(whole, message);
}

#[test]
fn every_reason_to_stop_has_its_word_in_both_directions() {
    for (word, sequence, finish) in [
        ("end_turn", None, Finish::Stop),
        ("max_tokens", None, Finish::Length),
        ("stop_sequence", Some("END"), Finish::Sequence(Some("END".into()))),
        ("refusal", None, Finish::Filtered),
    ] {
        let delta =
            json!({"type": "message_delta", "delta": {"stop_reason": word, "stop_sequence": sequence}});
        assert_eq!(read(&sse(std::slice::from_ref(&delta))), [Event::Finish(finish.clone())]);
        let frames = written([Event::Finish(finish), Event::Done]);
        assert_eq!(frames[1]["delta"], delta["delta"]);
    }
    let read_as =
        |word: &str| read(&sse(&[json!({"type": "message_delta", "delta": {"stop_reason": word}})]));
    assert_eq!(read_as("model_context_window_exceeded"), [Event::Finish(Finish::Length)]);
    assert_eq!(read_as("pause_turn"), [Event::Finish(Finish::Stop)]);
    assert_eq!(read_as("tool_use"), [Event::Finish(Finish::Tools)]);
}

#[test]
fn a_call_of_a_tool_is_a_reason_to_stop_and_none_is_none() {
    let reason =
        |events: Vec<Event>| written(events).iter().rev().nth(1).unwrap()["delta"]["stop_reason"].clone();
    assert_eq!(reason(vec![call(0, None, "t", "{}"), Event::Finish(Finish::Stop), Event::Done]), "tool_use");
    assert_eq!(
        reason(vec![call(0, None, "t", "{"), Event::Finish(Finish::Length), Event::Done]),
        "max_tokens"
    );
    assert_eq!(reason(vec![Event::Text("a".into()), Event::Finish(Finish::Tools), Event::Done]), "end_turn");
}

#[test]
fn parallel_calls_come_one_after_the_other_as_soon_as_they_can() {
    let (mut writer, mut out) = (writer(), Vec::new());
    let mut send = |event| {
        out.clear();
        writer.write(event, &mut out);
        frames(std::str::from_utf8(&out).unwrap())
    };
    assert_eq!(send(call(0, Some("a"), "one", "{\"x\"")).len(), 3);
    assert_eq!(send(call(0, None, "", ":1}")).len(), 1);
    // The first is whole: the second does not wait for the end.
    assert_eq!(send(call(1, Some("b"), "two", "{")).len(), 3);
    assert!(send(call(1, None, "", "")).is_empty());
    assert_eq!(send(call(1, None, "", "}")).len(), 1);
    assert_eq!(send(Event::Text("done".into())).len(), 3);
}

#[test]
fn calls_whose_pieces_interleave_are_put_in_order() {
    let frames = written([
        call(0, Some("a"), "one", "{\"x\""),
        call(1, Some("b"), "two", "{\"y\""),
        Event::Thinking("hm".into()),
        call(0, None, "", ":1}"),
        call(1, None, "two", ":2}"),
        call(2, Some("c"), "three", ""),
        Event::Text("bye".into()),
        Event::Finish(Finish::Tools),
        Event::Done,
    ]);
    let blocks = assembled(&frames);
    assert_eq!(blocks[0], json!({"type": "tool_use", "id": "a", "name": "one", "input": {"x": 1}}));
    assert_eq!(blocks[1], json!({"type": "tool_use", "id": "b", "name": "two", "input": {"y": 2}}));
    assert_eq!(blocks[2], json!({"type": "thinking", "thinking": "hm", "signature": ""}));
    assert_eq!(blocks[3], json!({"type": "tool_use", "id": "c", "name": "three", "input": {}}));
    assert_eq!(blocks[4], json!({"type": "text", "text": "bye"}));
}

#[test]
fn more_than_can_be_put_in_order_is_an_error() {
    let piece = "x".repeat(1 << 20);
    let mut events = vec![call(0, Some("a"), "one", "{")];
    events.extend((0..20).map(|_| Event::Text(piece.clone())));
    events.extend([Event::Finish(Finish::Stop), Event::Done]);
    let frames = written(events);
    assert_eq!(frames.last().unwrap()["error"]["type"], "api_error");
    assert_eq!(frames.len(), 4);
}

#[test]
fn a_stream_and_a_whole_answer_of_any_pieces_say_the_same() {
    let kinds: [fn() -> Event; 6] = [
        || Event::Text("t".into()),
        || Event::Thinking("h".into()),
        || Event::Signature("s".into()),
        || Event::RedactedThinking("r".into()),
        || call(0, Some("a"), "one", "{\"a\":1}"),
        || call(1, Some("b"), "two", "{}"),
    ];
    for number in 0..kinds.len().pow(4) {
        let places = (0..4u32).map(|place| number / kinds.len().pow(place) % kinds.len());
        let mut pieces: Vec<usize> = places.collect();
        // A call that is whole has no second piece.
        for call in [4, 5] {
            let mut seen = false;
            pieces.retain(|kind| *kind != call || !std::mem::replace(&mut seen, true));
        }
        let events = || {
            pieces.iter().map(|kind| kinds[*kind]()).chain([Event::Finish(Finish::Stop)]).collect::<Vec<_>>()
        };
        let whole: Value = serde_json::from_slice(&writer().whole(events()).unwrap()).unwrap();
        let frames = written(events());
        assert_eq!(json!(assembled(&frames)), whole["content"], "{pieces:?}");
        // And what reads it finds the same again.
        let stream = sse(&frames);
        let again: Value = serde_json::from_slice(&writer().whole(read(&stream)).unwrap()).unwrap();
        assert_eq!((&again["content"], &again["stop_reason"]), (&whole["content"], &whole["stop_reason"]));
    }
}

#[test]
fn a_stream_that_breaks_off_has_no_end() {
    let frames = written([Event::Text("a".into())]);
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|frame| frame["type"] != "message_stop"));
}

#[test]
fn a_stream_that_says_nothing_is_a_message_without_content() {
    let frames = written([Event::Usage(usage(9, 0)), Event::Done]);
    let names: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"]);
    assert_eq!(frames[1]["delta"]["stop_reason"], "end_turn");
}

#[test]
fn an_error_ends_a_stream_in_the_dialects_own_event() {
    let frames = written([
        Event::Text("a".into()),
        Event::Error(Failure { code: Some("ThrottlingException".into()), message: "slow down".into() }),
        Event::Finish(Finish::Stop),
        Event::Done,
    ]);
    let error = frames.last().unwrap();
    assert_eq!((frames.len(), &error["type"]), (4, &json!("error")));
    assert_eq!(
        error["error"],
        json!({"type": "rate_limit_error", "message": "slow down", "code": "ThrottlingException"})
    );
    assert!(error["request_id"].is_string());
    let documented = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let failure = Failure { code: Some("overloaded_error".into()), message: "Overloaded".into() };
    assert_eq!(read(&sse(std::slice::from_ref(&documented))), [Event::Error(failure.clone())]);
    assert_eq!(written([Event::Error(failure.clone())])[0]["error"], documented["error"]);
    assert_eq!(Reader::default().failure(documented.to_string().as_bytes()), failure);
    assert_eq!(Reader::default().failure(b"<html>"), Failure::unknown());
}

#[test]
fn an_error_status_has_its_documented_name() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        let failure = Failure { code: Some("x".into()), message: "why".into() };
        let body = writer().failure(StatusCode::from_u16(status).unwrap(), &failure);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], "error");
        assert_eq!(body["error"], json!({"type": kind, "message": "why", "code": "x"}));
    }
}
