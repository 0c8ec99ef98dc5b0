//! One event of a stream: what of it the caller did not ask for.

use std::ops::Range;

use attach_core::body::SseEvent;
use attach_core::json::{Document, Kind, Value};
use bytes::Bytes;

/// What is to be done with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    /// It is the chunk that reports the usage and nothing else.
    Goes,
    /// This part of it goes: a `usage` of nothing.
    Without(Range<usize>),
}

/// What is to be done with `event`. What cannot be read stays.
pub(super) fn fate(event: &SseEvent<'_>) -> Fate {
    if !mentions_usage(event.data.as_bytes()) {
        return Fate::Stays;
    }
    let Ok(document) = Document::parse(Bytes::copy_from_slice(event.data.as_bytes())) else {
        return Fate::Stays;
    };
    let Some(usage) = document.root().get("usage") else { return Fate::Stays };
    let reports_only = || {
        let choices = document.root().get("choices");
        let none = choices.is_some_and(|it| it.kind() == Kind::Array && it.elements().next().is_none());
        none && document.root().get("error").is_none_or(Value::is_null)
    };
    match usage.kind() {
        Kind::Object if reports_only() => Fate::Goes,
        Kind::Null => part(event, usage).map_or(Fate::Stays, Fate::Without),
        _ => Fate::Stays,
    }
}

/// Whether `usage` stands in quotes somewhere. In generated text it does not: quotes are escaped there.
pub(super) fn mentions_usage(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\"usage\"").is_some()
}

/// Where `member` and its comma stand in the event; `None` if its data is on several lines.
fn part(event: &SseEvent<'_>, member: Value<'_>) -> Option<Range<usize>> {
    let data = event.data.as_bytes();
    let at = memchr::memmem::find(event.raw, data)?;
    let span = member.member_span()?;
    let (before, after) = (data.get(..span.start)?, data.get(span.end..)?);
    let blank = |bytes: &[u8]| bytes.len() - bytes.trim_ascii_start().len();
    let comma = after.get(blank(after)..)?.strip_prefix(b",");
    let span = match comma {
        Some(rest) => span.start..data.len() - rest.len() + blank(rest),
        // The last member: the comma before it goes, if it is not the only one.
        None => before.trim_ascii_end().strip_suffix(b",").map_or(span.start, <[u8]>::len)..span.end,
    };
    Some(at + span.start..at + span.end)
}

#[cfg(test)]
mod tests {
    use attach_core::body::sse_events;

    use super::*;

    fn left(event: &str) -> String {
        let mut events = sse_events(event.as_bytes());
        let parsed = events.next().expect("an event");
        assert!(events.next().is_none());
        match fate(&parsed) {
            Fate::Stays => event.to_owned(),
            Fate::Goes => String::new(),
            Fate::Without(part) => [&event[..part.start], &event[part.end..]].concat(),
        }
    }

    #[test]
    fn the_chunk_that_only_reports_goes() {
        for event in [
            "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"choices\" : [ ] ,\r\ndata: \"usage\":{}}\r\n\r\n",
            ": ping\nid: 7\ndata:{\"usage\":{},\"choices\":[],\"error\":null}\n\n",
        ] {
            assert_eq!(left(event), "", "{event}");
        }
    }

    #[test]
    fn a_usage_of_nothing_goes_and_leaves_no_trace() {
        for (with, without) in [
            (r#"{"a":1,"usage":null}"#, r#"{"a":1}"#),
            (r#"{"a": 1, "usage": null, "b": 2}"#, r#"{"a": 1, "b": 2}"#),
            (r#"{"usage":null,"a":1}"#, r#"{"a":1}"#),
            (r#"{ "usage" : null , "a":1}"#, r#"{ "a":1}"#),
            (r#"{"a":1 , "usage" : null }"#, r#"{"a":1  }"#),
            (r#"{"usage":null}"#, "{}"),
            (
                r#"{"choices":[],"prompt_filter_results":[{}],"usage":null}"#,
                r#"{"choices":[],"prompt_filter_results":[{}]}"#,
            ),
        ] {
            let event = |data: &str| format!("event: x\ndata: {data}\n\n");
            assert_eq!(left(&event(with)), event(without));
        }
    }

    #[test]
    fn everything_else_stays() {
        for event in [
            "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"usage\":null}}]}\n\n",
            "data: {\"choices\":[{\"index\":0}],\"usage\":{\"prompt_tokens\":1}}\n\n",
            "data: {\"choices\":[],\"usage\":{},\"error\":{\"message\":\"out of memory\"}}\n\n",
            "data: {\"object\":\"x\",\"usage\":{}}\n\n",
            "data: {\"choices\":[],\"usage\":0}\n\n",
            "data: {\"a\":1,\ndata: \"usage\":null}\n\n",
            "data: {\"choices\":[],\"usage\":{}\n\n",
            "data: [DONE]\n\n",
            ": \"usage\"\n\n",
        ] {
            assert_eq!(left(event), event);
        }
    }
}
