use attach_core::json::Edit;
use attach_core::{Api, Payload};
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// More than the edit adds to a body.
pub(super) const ROOM: usize = 64;

/// The edit that makes the answer report its usage: `None` if it will anyway, if it is no stream of that kind, if the
/// answer could not be read, or if the body has no room for it under `body_limit`.
pub(crate) fn ask(payload: &Payload, headers: &HeaderMap, body_limit: usize) -> Option<Edit> {
    let call = payload.call();
    let of_kind = matches!(call.api, Api::OpenAiChat | Api::OpenAiCompletions);
    let fits = payload.bytes().len().saturating_add(ROOM) <= body_limit;
    if !of_kind || !call.stream || call.include_usage || !fits || refuses_plain(headers) {
        return None;
    }
    let root = payload.document().root();
    let Some(options) = root.get("stream_options") else {
        return Some(Edit::insert(root.id(), "stream_options", r#"{"include_usage":true}"#));
    };
    if options.is_null() {
        return Some(Edit::raw(options.id(), r#"{"include_usage":true}"#));
    }
    Some(match options.get("include_usage") {
        Some(switch) => Edit::raw(switch.id(), "true"),
        None => Edit::insert(options.id(), "include_usage", "true"),
    })
}

/// Asks for an answer without a content coding: what is compressed can neither be counted nor taken apart.
pub(crate) fn plain_answer(headers: &mut HeaderMap) {
    if headers.contains_key(ACCEPT_ENCODING) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
}

/// Whether the caller takes no answer without a content coding (RFC 9110 §12.5.3: `identity;q=0`, or `*;q=0` and no
/// word of `identity`).
fn refuses_plain(headers: &HeaderMap) -> bool {
    let mut refused = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for one in value.to_str().unwrap_or_default().split(',') {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            let zero = is_zero(weight);
            match coding.trim() {
                coding if coding.eq_ignore_ascii_case("identity") => return zero,
                "*" => refused = zero,
                _ => {}
            }
        }
    }
    refused
}

fn is_zero(weight: &str) -> bool {
    let value = weight.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    value.and_then(|value| value.trim().parse::<f32>().ok()).is_some_and(|value| value <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(api: Api, body: &str, encodings: &'static str) -> Option<String> {
        let payload = Payload::parse(api, body.to_owned().into()).expect("a call");
        let mut headers = HeaderMap::new();
        if !encodings.is_empty() {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        }
        let edit = ask(&payload, &headers, body.len() + ROOM)?;
        assert!(ask(&payload, &headers, body.len() + ROOM - 1).is_none(), "there is room for it");
        let bytes = payload.splice(&[edit]).expect("can be spliced").bytes().to_vec();
        assert!(bytes.len() <= body.len() + ROOM);
        Some(String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn usage_is_asked_for_and_no_other_byte_changes() {
        const ASKED: &str = r#""stream_options":{"include_usage":true},"#;
        for (before, after) in [
            (r#"{ "stream":true, "S"}"#, format!(r#"{{{ASKED} "stream":true, "S"}}"#)),
            (r#"{"stream":true,"stream_options":null,"S"}"#, format!(r#"{{"stream":true,{ASKED}"S"}}"#)),
            (
                r#"{"stream":true,"stream_options":{ },"S"}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true },"S"}"#.into(),
            ),
            (
                r#"{"stream":true,"stream_options":{"include_obfuscation":false},"S"}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"S"}"#
                    .into(),
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage":false},"S"}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true},"S"}"#.into(),
            ),
            (
                r#"{"stream":true,"stream_options":{"include_usage": null},"S"}"#,
                r#"{"stream":true,"stream_options":{"include_usage": true},"S"}"#.into(),
            ),
        ] {
            for (api, rest) in [
                (Api::OpenAiChat, r#""model":"m", "messages":[], "unknown" : 1.50"#),
                (Api::OpenAiCompletions, r#""model":"m" ,"prompt":"\u0041""#),
            ] {
                let spelled = |text: &str| text.replace("\"S\"", rest);
                assert_eq!(asked(api, &spelled(before), ""), Some(spelled(&after)));
            }
        }
    }

    #[test]
    fn it_is_asked_for_only_where_it_changes_something() {
        for (api, body) in [
            (Api::OpenAiChat, r#"{"model":"m","messages":[]}"#),
            (Api::OpenAiChat, r#"{"model":"m","messages":[],"stream":false}"#),
            (
                Api::OpenAiChat,
                r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (Api::OpenAiResponses, r#"{"model":"m","input":"x","stream":true}"#),
            (Api::AnthropicMessages, r#"{"model":"m","messages":[],"stream":true}"#),
            (Api::OllamaChat, r#"{"model":"m","messages":[]}"#),
        ] {
            assert_eq!(asked(api, body, ""), None, "{body}");
        }
    }

    #[test]
    fn it_is_not_asked_for_where_the_answer_must_be_compressed() {
        for (encodings, ask) in [
            ("gzip, deflate, br", true),
            ("*", true),
            ("gzip, identity;q=0", false),
            ("gzip;q=1.0, *;q=0", false),
            ("*;q=0, identity", true),
            ("*;q=0.0, Identity ; Q = 0.000", false),
            ("identity;q=0.001", true),
        ] {
            let body = r#"{"model":"m","messages":[],"stream":true}"#;
            assert_eq!(asked(Api::OpenAiChat, body, encodings).is_some(), ask, "{encodings}");
        }
    }
}
