//! Streams, event by event, and that they say the same as the whole answer.

use attach_core::Usage;
use attach_core::usage::Source;
use serde_json::{Value, json};

use super::assemble::{assembled, events, kinds};
use super::write_answer::{call, text, thought, usage, writer};
use crate::translate::canonical::{Event, Failure, Finish, WriteAnswer};

fn stream(body: &Value, pieces: Vec<Event>) -> Vec<Value> {
    let (mut writer, mut out) = (writer(body), Vec::new());
    pieces.into_iter().for_each(|piece| writer.write(piece, &mut out));
    writer.end(&mut out);
    events(&out)
}

#[test]
fn a_text_is_the_references_sequence() {
    let pieces =
        vec![text("Hi"), text(""), text(" there"), Event::Finish(Finish::Stop), usage(37, 11), Event::Done];
    let events = stream(&json!({}), pieces);
    assert_eq!(
        kinds(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let id = events[2]["item"]["id"].clone();
    assert!(id.as_str().unwrap().starts_with("msg_"));
    let at = |kind: &str, number: usize, more: Value| {
        let mut event = json!({"type": kind, "sequence_number": number, "item_id": id, "output_index": 0, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let item = |status: &str, content: Value| json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content});
    assert_eq!(
        events[2..9],
        [
            json!({"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": item("in_progress", json!([]))}),
            at("response.content_part.added", 3, json!({"part": part("")})),
            at("response.output_text.delta", 4, json!({"delta": "Hi", "logprobs": []})),
            at("response.output_text.delta", 5, json!({"delta": " there", "logprobs": []})),
            at("response.output_text.done", 6, json!({"text": "Hi there", "logprobs": []})),
            at("response.content_part.done", 7, json!({"part": part("Hi there")})),
            json!({"type": "response.output_item.done", "sequence_number": 8, "output_index": 0, "item": item("completed", json!([part("Hi there")]))}),
        ]
    );
    let response = assembled(&events);
    assert_eq!(
        response["usage"],
        json!({"input_tokens": 37, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
               "output_tokens": 11, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 48})
    );
    assert_eq!(events[0]["response"]["usage"], Value::Null);
}

#[test]
fn a_call_is_the_references_sequence() {
    let pieces = vec![
        call(0, Some("call_1"), "get_weather", ""),
        call(0, None, "", "{\"location\":"),
        call(0, None, "", "\"Paris\"}"),
        Event::Finish(Finish::Tools),
        Event::Done,
    ];
    let events = stream(&json!({}), pieces);
    assert_eq!(
        kinds(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let id = &events[2]["item"]["id"];
    let whole = "{\"location\":\"Paris\"}";
    assert_eq!(
        events[5],
        json!({"type": "response.function_call_arguments.done", "sequence_number": 5, "item_id": id, "output_index": 0, "name": "get_weather", "arguments": whole})
    );
    let response = assembled(&events);
    assert_eq!(
        response["output"],
        json!([{"id": id, "type": "function_call", "status": "completed", "call_id": "call_1", "name": "get_weather", "arguments": whole}])
    );
}

#[test]
fn thoughts_are_a_summary_before_the_text() {
    let pieces = vec![
        thought("hm"),
        thought(" …"),
        Event::Signature("EqQB".into()),
        text("Hi"),
        Event::Finish(Finish::Stop),
    ];
    let events = stream(&json!({}), pieces.clone());
    assert_eq!(
        kinds(&events)[2..9],
        [
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
        ]
    );
    let summary = json!([{"type": "summary_text", "text": "hm …"}]);
    let response = assembled(&events);
    assert_eq!(
        (&response["output"][0]["summary"], response["output"][0].get("encrypted_content")),
        (&summary, None)
    );
    let sealed = stream(&json!({"include": ["reasoning.encrypted_content"]}), pieces);
    assert_eq!(assembled(&sealed)["output"][0]["encrypted_content"], "attach.signature.EqQB");
}

#[test]
fn hidden_thoughts_are_there_for_who_asks() {
    let pieces = vec![Event::RedactedThinking("EmwK".into()), text("Hi"), Event::Finish(Finish::Stop)];
    let response = assembled(&stream(&json!({}), pieces.clone()));
    assert_eq!(response["output"].as_array().unwrap().len(), 1);
    let response = assembled(&stream(&json!({"include": ["reasoning.encrypted_content"]}), pieces));
    assert_eq!(response["output"][0]["encrypted_content"], "attach.redacted.EmwK");
    assert_eq!(response["output"][0]["summary"], json!([]));
}

#[test]
fn a_cut_answer_is_incomplete_and_says_why() {
    for (finish, reason) in [(Finish::Length, "max_output_tokens"), (Finish::Filtered, "content_filter")] {
        let events = stream(
            &json!({}),
            vec![call(0, Some("c"), "f", "{}"), text("Hi"), Event::Finish(finish), Event::Done],
        );
        assert_eq!(kinds(&events).last(), Some(&"incomplete"));
        let response = assembled(&events);
        assert_eq!(
            (&response["status"], &response["incomplete_details"]),
            (&json!("incomplete"), &json!({"reason": reason}))
        );
        let status = |at: usize| response["output"][at]["status"].clone();
        assert_eq!((status(0), status(1)), (json!("completed"), json!("incomplete")));
    }
}

#[test]
fn an_error_within_a_stream_fails_the_response() {
    for (code, told) in [
        (None, "server_error"),
        (Some("overloaded_error"), "server_error"),
        (Some("ThrottlingException"), "rate_limit_exceeded"),
    ] {
        let failure = Failure { code: code.map(str::to_owned), message: "not now".into() };
        let events = stream(&json!({}), vec![text("Hi"), Event::Error(failure), text("more"), Event::Done]);
        assert_eq!(kinds(&events).last(), Some(&"failed"));
        let response = assembled(&events);
        assert_eq!(response["error"], json!({"code": told, "message": "not now"}));
        assert_eq!(
            (&response["status"], &response["output"][0]["content"][0]["text"]),
            (&json!("failed"), &json!("Hi"))
        );
    }
}

#[test]
fn a_stream_that_breaks_off_has_no_end() {
    let events = stream(&json!({}), vec![text("Hi")]);
    assert_eq!(kinds(&events).last(), Some(&"output_text.delta"));
}

#[test]
fn calls_may_come_in_turns_and_without_a_name_at_first() {
    let pieces = vec![
        call(3, Some("a"), "f", "{\"x\""),
        call(7, Some("b"), "", "{\"y\""),
        call(7, None, "g", ":"),
        call(3, None, "f", ":1}"),
        call(7, None, "", "2}"),
        text("and"),
        call(9, Some("nameless"), "", "{}"),
        Event::Finish(Finish::Stop),
        Event::Done,
    ];
    let output = assembled(&stream(&json!({}), pieces))["output"].clone();
    let said: Vec<_> = output
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["name"].as_str(), item["arguments"].as_str()))
        .collect();
    assert_eq!(said, [(Some("f"), Some("{\"x\":1}")), (Some("g"), Some("{\"y\":2}")), (None, None)]);
}

#[test]
fn an_answer_of_nothing_has_an_empty_text() {
    let response = assembled(&stream(&json!({}), vec![Event::Finish(Finish::Stop), Event::Done]));
    assert_eq!(response["output"][0]["content"][0]["text"], "");
}

#[test]
fn more_than_can_be_kept_ends_in_an_error_and_nothing_follows() {
    let long = "x".repeat(1 << 20);
    for piece in [text(&long), call(0, None, "f", &long), call(0, None, "", &long), thought(&long)] {
        let (mut writer, mut last) = (writer(&json!({})), Vec::new());
        let ended = (0..18).position(|_| {
            last.clear();
            writer.write(piece.clone(), &mut last);
            last.windows(15).any(|bytes| bytes == b"response.failed")
        });
        assert!(ended.is_some(), "{:.60}", format!("{piece:?}"));
        last.clear();
        writer.write(piece.clone(), &mut last);
        writer.write(Event::Done, &mut last);
        assert!(last.is_empty());
    }
    let (mut writer, mut last) = (writer(&json!({})), Vec::new());
    let ended = (0..1 << 20).position(|index| {
        last.clear();
        writer.write(call(index, None, "", ""), &mut last);
        last.windows(15).any(|bytes| bytes == b"response.failed")
    });
    assert!(ended.is_some(), "calls that are never named are kept, too");
}

/// Pieces in any order: what a stream says at its end is what a whole answer says.
#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..2_000 {
        let mut pieces: Vec<_> = (0..random(12))
            .map(|_| match random(7) {
                0 | 1 => text(["a", "", "ü\n"][random(3) as usize]),
                2 => thought(["t", ""][random(2) as usize]),
                3 => Event::Signature("s".into()),
                4 => Event::RedactedThinking("r".into()),
                _ => call(
                    random(3),
                    [None, Some("id")][random(2) as usize],
                    ["", "f"][random(2) as usize],
                    ["{", "}", "", "{}"][random(4) as usize],
                ),
            })
            .collect();
        pieces.push(Event::Finish([Finish::Stop, Finish::Length, Finish::Tools][random(3) as usize].clone()));
        let mut counts = Usage::default();
        (counts.input, counts.output, counts.source) = (random(9), random(9), Source::Reported);
        pieces.push(Event::Usage(counts));
        let body =
            [json!({}), json!({"include": ["reasoning.encrypted_content"]})][random(2) as usize].clone();
        let streamed = assembled(&stream(&body, pieces.iter().cloned().chain([Event::Done]).collect()));
        let whole: Value = serde_json::from_slice(&writer(&body).whole(pieces).unwrap()).unwrap();
        let said = |response: &Value| {
            let mut output = response["output"].clone();
            output.as_array_mut().unwrap().iter_mut().for_each(|item| item["id"] = json!(0));
            (output, response["usage"].clone(), response["status"].clone())
        };
        assert_eq!(said(&streamed), said(&whole));
    }
}
