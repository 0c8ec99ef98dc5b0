//! What is checked about a stranger's bytes, one function per parser that meets them.
//!
//! `fuzz_targets/` calls these under libFuzzer; the gateway's tests replay the corpora through them.

use attach_auth::jws::KeySet;
use attach_core::body::{Events, lines, sse_events};
use attach_core::call::Place;
use attach_core::json::{Document, Edit, Kind};
use attach_core::usage::{Meter, Wire};
use attach_core::{Api, Payload};
use attach_redact::Redactor;
use bytes::Bytes;

#[path = "../attach-gateway/src/server/proxy_protocol/header/mod.rs"]
mod proxy_header;
#[path = "redaction.rs"]
pub(crate) mod redaction;
#[path = "token.rs"]
mod token;

/// A target's name and its check.
type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    ("json", json),
    ("payload", payload),
    ("usage", usage),
    ("events", events),
    ("jws", jws),
    ("nearly", redaction::nearly),
    ("proxy", proxy),
    ("redact", redact),
    ("restore", redaction::restore),
    ("scan", redaction::scan),
    ("scim", scim),
    ("shadow", redaction::shadow),
    ("splice", redaction::splice),
    ("ssf", ssf),
    ("token", token),
];

/// What we accept serde_json accepts, and means the same by.
pub(crate) fn json(data: &[u8]) {
    let Ok(document) = Document::parse(Bytes::copy_from_slice(data)) else { return };
    let theirs: serde_json::Value = serde_json::from_slice(data).expect("what we accept is JSON");
    for value in std::iter::once(document.root()).chain(document.root().descendants()) {
        if value.kind() == Kind::String {
            let spliced = document.splice(&[Edit::string(value.id(), "replaced \"\\ é")]).expect("a string");
            assert!(Document::parse(spliced.bytes().clone()).is_ok(), "a splice leaves JSON behind");
        }
    }
    let root = document.root();
    assert_eq!(root.kind() == Kind::Object, theirs.is_object());
    assert_eq!(root.members().count(), theirs.as_object().map_or(0, serde_json::Map::len));
}

/// Every leaf that is listed can be read, in every API.
pub(crate) fn payload(data: &[u8]) {
    for api in Api::ALL {
        let Ok(payload) = Payload::parse(api, Bytes::copy_from_slice(data)) else { continue };
        for leaf in &payload.call().leaves {
            let value = payload.document().value(leaf.node);
            match leaf.place {
                Place::Key => assert!(value.key().is_some()),
                Place::Number => assert_eq!(value.kind(), Kind::Number),
                _ => assert!(value.as_str().is_some()),
            }
        }
    }
}

/// However an answer is cut into pieces, it counts the same.
pub(crate) fn usage(data: &[u8]) {
    for api in [Api::OpenAiChat, Api::OpenAiResponses, Api::AnthropicMessages, Api::OllamaChat] {
        for wire in [Wire::Json, Wire::Sse, Wire::Ndjson] {
            let count = |size: usize| {
                let mut meter = Meter::new(api, wire);
                data.chunks(size).for_each(|piece| meter.push(piece));
                meter.end();
                (meter.usage(), meter.ending())
            };
            assert_eq!(count(data.len().max(1)), count(1));
        }
    }
}

/// Re-framing loses and invents nothing.
pub(crate) fn events(data: &[u8]) {
    for wire in [Wire::Sse, Wire::Ndjson] {
        let mut events = Events::new(wire);
        let mut out = Vec::new();
        for piece in data.chunks(7) {
            let Ok(whole) = events.push(Bytes::copy_from_slice(piece)) else { return };
            out.extend(whole.into_iter().flatten());
        }
        out.extend(events.finish().into_iter().flatten());
        assert_eq!(out, data);
    }
    assert_eq!(sse_events(data).map(|event| event.raw.len()).sum::<usize>(), data.len());
    assert_eq!(lines(data).map(<[u8]>::len).sum::<usize>(), data.len());
}

/// A token is refused or verified, a key set is refused or parsed; the first line is the one, the rest the other.
pub(crate) fn jws(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (token, keys) = text.split_once('\n').unwrap_or((&text, "{\"keys\":[]}"));
    if let Ok(keys) = KeySet::parse(keys.as_bytes()) {
        let _ = keys.verify(token);
    }
}

/// Nothing is let in that nobody signed, and nothing that another parser reads otherwise.
pub(crate) fn token(data: &[u8]) {
    token::check(data);
}

/// However a proxy's header comes in, it says the same, and no byte behind it is read.
pub(crate) fn proxy(data: &[u8]) {
    use proxy_header::{LONGEST, Step, parse};
    let by = |most: usize| {
        let mut read = 0;
        loop {
            match parse(&data[..read]) {
                Err(_) => return None,
                Ok(Step::Done(source)) => return Some((source, read)),
                Ok(Step::More(0)) => panic!("it waits for nothing"),
                Ok(Step::More(more)) if read == data.len() => {
                    assert!(read + more <= LONGEST, "more is read than a header has");
                    return None;
                }
                Ok(Step::More(more)) => read += more.min(most).min(data.len() - read),
            }
        }
    };
    assert_eq!(by(LONGEST), by(1));
}

/// Findings lie in the text, on character boundaries, in order, and do not overlap.
pub(crate) fn redact(data: &[u8]) {
    static REDACTOR: std::sync::OnceLock<Redactor> = std::sync::OnceLock::new();
    let redactor = REDACTOR.get_or_init(|| Redactor::builder().build().expect("the defaults build"));
    let text = String::from_utf8_lossy(data);
    let mut end = 0;
    for finding in redactor.find(&text) {
        assert!(end <= finding.range.start && text.get(finding.range.clone()).is_some());
        end = finding.range.end;
    }
}

/// A user, a change of one or a filter is understood or refused, by an error that is JSON of the specified shape.
pub(crate) fn scim(data: &[u8]) {
    if let Err(body) = attach_auth::signals::fuzzing::scim(data) {
        let body: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert!(body["status"].is_string() && body["detail"].is_string());
    }
}

/// The claims of a security event are understood or refused, by an error that is JSON of the specified shape.
pub(crate) fn ssf(data: &[u8]) {
    if let Err(body) = attach_auth::signals::fuzzing::ssf(data) {
        let body: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
        assert!(body["err"].is_string() && body["description"].is_string());
    }
}
