//! The tokens of an answer, one by one, as they are told with their probabilities.

use attach_core::json::{Document, Edit, Kind, Value};

use super::leaves::is_input;

/// What the dialects call the members of it. Any other key is a token.
const MEMBERS: [&str; 11] = [
    "bytes",
    "content",
    "id",
    "logprob",
    "rank",
    "refusal",
    "text_offset",
    "token",
    "token_logprobs",
    "tokens",
    "top_logprobs",
];

/// What all tokens in `logprobs` say together: as text, and as the bytes that are told. Not what might have been said.
pub(super) fn said(logprobs: Value<'_>) -> (String, String) {
    let (mut text, mut bytes, mut others_to) = (String::new(), Vec::new(), 0);
    for value in std::iter::once(logprobs).chain(logprobs.descendants()) {
        let span = value.span();
        if span.start < others_to {
            continue;
        }
        if value.raw_key() == Some(b"top_logprobs") {
            others_to = span.end;
        } else if let Some(token) = value.as_str() {
            text.push_str(&token);
        } else if value.parent().and_then(Value::raw_key) == Some(b"bytes") {
            bytes.extend(value.as_u64().and_then(|byte| u8::try_from(byte).ok()));
        }
    }
    (text, String::from_utf8_lossy(&bytes).into_owned())
}

/// What takes the tokens out of an answer, or an event, in whose text something was masked.
pub(super) fn without_tokens(document: &Document) -> Vec<Edit> {
    let (mut edits, mut within, mut input_to) = (Vec::new(), 0, 0);
    for (number, value) in document.root().descendants().enumerate() {
        let start = value.span().start;
        // What a tool is called with has its own members, and is masked by itself.
        if start >= within.max(input_to) && is_input(value, value.key().as_deref()) {
            input_to = value.span().end;
        }
        if start < input_to {
            continue;
        }
        let begins = value.raw_key() == Some(b"logprobs");
        if start >= within && !begins {
            continue;
        }
        within = if begins { value.span().end.max(within) } else { within };
        let key = value.key().filter(|_| !begins);
        match value.kind() {
            Kind::String => edits.push(Edit::string(value.id(), "")),
            Kind::Number if key.is_none() => edits.push(Edit::raw(value.id(), "0")),
            _ => {}
        }
        if key.is_some_and(|key| MEMBERS.binary_search(&&*key).is_err()) {
            // No other key has this number.
            edits.push(Edit::key(value.id(), number.to_string()));
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(json: &str) -> Document {
        Document::parse(json.as_bytes().to_vec().into()).unwrap()
    }

    #[test]
    fn tokens_say_what_was_said_not_what_might_have_been() {
        let json = r#"{"content":[{"token":"a","bytes":[97],"logprob":-1,"top_logprobs":[{"token":"x","bytes":[120]}]},
            {"token":"b","bytes":[98]}],"refusal":null}"#;
        assert_eq!(said(document(json).root()), ("ab".into(), "ab".into()));
        let json = r#"{"tokens":["a"," b"],"token_logprobs":[-1,-2],"top_logprobs":[{"x":-1},{}],"text_offset":[0,1]}"#;
        assert_eq!(said(document(json).root()), ("a b".into(), String::new()));
        assert_eq!(said(document("null").root()), (String::new(), String::new()));
    }

    #[test]
    fn without_its_tokens_an_answer_tells_none_of_them() {
        let json = r#"{"a":"x","logprobs":{"tokens":["a"],"top_logprobs":[{" x":-1,"1":-2}],"text_offset":[7]},
            "b":[{"logprobs":"x"},"x"],"input":{"logprobs":"yes","n":[{"logprobs":5}]}}"#;
        let document = document(json);
        let without = document.splice(&without_tokens(&document)).unwrap();
        let got: serde_json::Value = serde_json::from_slice(without.bytes()).unwrap();
        let others = got["logprobs"]["top_logprobs"][0].as_object().unwrap();
        assert!(others.len() == 2 && others.keys().all(|key| key.parse::<u32>().is_ok()), "{got}");
        assert_eq!(
            (&got["logprobs"]["tokens"][0], &got["logprobs"]["text_offset"][0]),
            (&"".into(), &0.into())
        );
        assert_eq!(got["input"], serde_json::json!({"logprobs": "yes", "n": [{"logprobs": 5}]}), "a tool's");
        assert_eq!((&got["a"], &got["b"]), (&"x".into(), &serde_json::json!([{"logprobs": ""}, "x"])));
    }
}
