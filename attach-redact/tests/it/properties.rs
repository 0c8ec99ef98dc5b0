//! What holds for any text: it comes back byte for byte, and redacting twice is redacting once.

use attach_core::Api;
use attach_redact::fuzzing::Asked;
use attach_redact::{Redactor, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::redactor;

fn scope() -> Scope {
    Scope::new("acme", "alice")
}

/// Placeholders that mean something in this test, so that texts have them before their values are replaced.
fn known() -> Vec<String> {
    let of = |value: &str| redactor().redact_text(&scope(), value).unwrap().text().to_owned();
    ["bob@example.org", "4111111111111111", "Zbigniew Nowak"].map(of).into()
}

/// Texts of what matters here: values, placeholders of the same request and of none, their beginnings, escapes, letters
/// of two to four bytes, invisible characters, URLs, code fences.
fn text() -> impl Strategy<Value = String> {
    let known = known();
    let marked = known[0].replace('_', "\\_");
    let parts: Vec<String> = [
        "bob@example.org",
        "Bob@Example.org",
        "ann@example.org",
        "4111 1111 1111 1111",
        "4111111111111111",
        "+49 30 901820",
        "DE89 3704 0044 0532 0130 00",
        "Zbigniew Nowak",
        "Nowak",
        "My name is Quetzalina.",
        "536-22-8726",
        "93.184.216.34",
        "postgres://admin:hunter22@db.example/x",
        "https://x.example/?q=bob@example.org",
        "AKIAQ3EGRZJTWXYZ2345",
        "PII_EMAIL_k7f3q2ab",
        "PII_EMAIL_",
        "pii_",
        "PII",
        "P",
        "HASH_EMAIL_0123456789abcdef",
        "PII_LITERAL_k7f3q2ab",
        "\\_",
        "\\",
        "\"",
        "\\u0050",
        "\n",
        "\r\n",
        "\t",
        " ",
        " ",
        ".",
        ",",
        "_",
        "x",
        "é",
        "\u{1f600}",
        "\u{200b}",
        "\u{2011}",
        "\u{ff20}",
        "```\n",
        "`",
        "<a href='",
        "](",
        "{\"a\":",
        "0",
        "@",
        "\0",
        "data:",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([known[0].to_lowercase(), known[0].to_uppercase(), marked, format!("{}{}", known[0], known[1])])
    .chain(known)
    .collect();
    let word = prop_oneof![9 => proptest::sample::select(parts), 1 => "\\PC{0,6}"];
    proptest::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

/// A text that does not settle is refused, never sent on: nothing more is asked of it here.
fn redacted(redactor: &Redactor, text: &str) -> Option<(String, String)> {
    let redacted = redactor.redact_text(&scope(), text).ok()?;
    Some((redacted.text().to_owned(), redacted.restore(redacted.text())))
}

fn body(api: Api, texts: &[String]) -> Value {
    let said = |text: &String| json!({"role": "user", "content": text});
    let mut body =
        json!({"model": "m", "max_tokens": 9, "messages": texts.iter().map(said).collect::<Vec<_>>()});
    if api == Api::OpenAiChat {
        // JSON within JSON: the last text as an argument and as its key.
        let arguments =
            json!({texts.last().map_or("", String::as_str).replace(char::is_control, ""): texts}).to_string();
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}});
        body["messages"][0]["tool_calls"] = json!([call]);
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_text_comes_back_byte_for_byte(text in text()) {
        if let Some((_, restored)) = redacted(&redactor(), &text) {
            prop_assert_eq!(restored, text);
        }
    }

    #[test]
    fn redacting_twice_is_redacting_once(text in text()) {
        if let Some((once, _)) = redacted(&redactor(), &text) {
            let (twice, _) = redacted(&redactor(), &once).expect("settled before");
            prop_assert_eq!(twice, once);
        }
    }

    #[test]
    fn a_call_comes_back_as_it_was(
        texts in proptest::collection::vec(text(), 1..4),
        api in prop_oneof![Just(Api::OpenAiChat), Just(Api::AnthropicMessages), Just(Api::OllamaChat)],
    ) {
        let body = body(api, &texts);
        if let Some((mut asked, sent)) = Asked::with(&redactor(), api, body.to_string().into()) {
            let answer = asked.unary(sent.clone());
            let answer: Value = serde_json::from_slice(&answer).expect("is JSON");
            prop_assert_eq!(&answer["messages"], &body["messages"], "{}", String::from_utf8_lossy(&sent));
        }
    }

    /// The tag of a value in another message, written by whoever wants to see it.
    #[test]
    fn no_text_can_call_up_the_value_of_another(text in text()) {
        let texts = [text.clone(), "It is bob@example.org, 4111111111111111, and I am Zbigniew Nowak.".to_owned()];
        let body = json!({"model": "m", "messages": texts.map(|text| json!({"role": "user", "content": text}))});
        if let Some((mut asked, sent)) = Asked::with(&redactor(), Api::OpenAiChat, body.to_string().into()) {
            let answer: Value = serde_json::from_slice(&asked.unary(sent)).expect("is JSON");
            prop_assert_eq!(answer["messages"][0]["content"].as_str(), Some(&*text));
        }
    }
}
