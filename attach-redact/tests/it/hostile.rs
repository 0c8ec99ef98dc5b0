//! What a hostile or a careless client sends: nothing in it leaks, comes back wrong or takes long.

use std::time::{Duration, Instant};

use attach_core::Api;
use attach_redact::fuzzing::Asked;
use attach_redact::{Action, Entity, Redactor};

use crate::support::redactor;

fn redacted(text: &str) -> String {
    redactor().redact(text).unwrap().text().to_owned()
}

/// Generous: what took quadratic time took minutes.
fn soon(what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(30), "{what} took {taken:?}");
}

#[test]
fn a_word_with_a_hundred_thousand_beginnings_of_placeholders_is_read_once() {
    let placeholder = redacted("bob@example.org");
    let text = format!("bob@example.org {placeholder} {}", "pii".repeat(150_000));
    soon("reading it", || {
        let redacted = redactor();
        let redacted = redacted.redact(&text).unwrap();
        assert!(redacted.text().contains("PII_LITERAL_"));
        assert_eq!(redacted.restore(redacted.text()), text);
    });
}

#[test]
fn a_megabyte_of_backslashes_is_read_a_few_times_and_no_more() {
    for unit in ["\\", "\\u", "\\u{", "\\u0", "\\x", "\\\\u0040", "\\ud83d", "\\n1", "\\\""] {
        let text = format!("{{{}", unit.repeat(1_000_000 / unit.len()));
        let body = serde_json::json!({"model": "m", "messages": [
            {"role": "tool", "tool_call_id": "c", "content": text}]});
        let redactor = redactor();
        soon(unit, || {
            assert!(Asked::with(&redactor, Api::OpenAiChat, body.to_string().into()).is_some(), "{unit}");
        });
    }
}

#[test]
fn an_object_with_very_many_members_is_asked_once_whether_it_is_a_system_message() {
    let members = (0..60_000).map(|n| format!("\"k{n}\":\"v\"")).collect::<Vec<_>>().join(",");
    let body = format!(
        r#"{{"model":"m","metadata":{{{members}}},"messages":[{{"role":"system","content":"bob@example.org"}}]}}"#
    );
    let redactor = Redactor::builder().restore_system(false).build().unwrap();
    soon("looking", || {
        let (mut asked, sent) = Asked::with(&redactor, Api::OpenAiChat, body.into()).unwrap();
        let sent = String::from_utf8(sent.to_vec()).unwrap();
        let placeholder = &sent[sent.find("PII_EMAIL_").unwrap()..][..18];
        let answer = format!(r#"{{"choices":[{{"message":{{"content":"{placeholder}"}}}}]}}"#);
        assert_eq!(asked.unary(answer.clone().into()), answer);
    });
}

#[test]
fn what_is_only_counted_does_not_hide_what_is_replaced() {
    let build = |entity| Redactor::builder().entity(entity, Action::Shadow).build().unwrap();
    let urls = build(Entity::UrlCredentials);
    let password = "postgres://bob:ghp_0123456789abcdefABCDEF0123456789abcd@db.example.org/x";
    assert!(!urls.redact(password).unwrap().text().contains("ghp_"));
    let cards = build(Entity::CreditCard);
    let mail = "write to 4111111111111111@example.org";
    let redacted = cards.redact(mail).unwrap();
    assert!(!redacted.text().contains("@example.org"), "{}", redacted.text());
    // It still is counted where it stands alone, and stays.
    let redacted = cards.redact("4111 1111 1111 1111").unwrap();
    assert_eq!((redacted.text(), redacted.counts().len()), ("4111 1111 1111 1111", 1));
}

#[test]
fn emphasis_in_underscores_hides_nothing() {
    for value in [
        "4111 1111 1111 1111",
        "536-22-8726",
        "+49 30 901820",
        "DE89370400440532013000",
        "93.184.216.34",
        "Maria Schneider",
    ] {
        for text in [format!("_{value}_"), format!("see __{value}__."), format!("___{value}___\n")] {
            assert!(!redacted(&text).contains(value), "{text}");
        }
    }
    // A part of an identifier is none.
    for text in ["run_4111111111111111", "x_536-22-8726_y", "ip_93.184.216.34", "____4111111111111111"] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn a_number_that_became_one_with_a_fraction_is_found() {
    for value in ["4111111111111111", "536228726"] {
        let text = format!("card, ssn: {value}.0, and more");
        assert!(!redacted(&text).contains(value), "{text}");
    }
    let ssn = br#"{"ssn": 536228726.0}"#;
    let redactor = redactor();
    let without = redactor.json(ssn).unwrap();
    assert!(!String::from_utf8_lossy(without.bytes()).contains("536228726"));
    assert_eq!(redacted("4111111111111111.05"), "4111111111111111.05");
    assert_eq!(redacted("4111111111111111.0.1"), "4111111111111111.0.1");
}

#[test]
fn an_address_with_an_escaped_sign_is_found() {
    for text in
        ["https://x.example/?email=bob%40example.org&x=1", "mail bob&#64;example.org", "bob&#x40;example.org"]
    {
        let without = redacted(text);
        assert!(!without.contains("bob") && !without.contains("example.org"), "{without}");
        assert_eq!(redactor().redact(text).unwrap().restore(&without), text);
    }
    for text in ["100%40 a", "50%40px.png", "a=%40x"] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn escapes_in_a_tools_result_hide_nothing() {
    let result = r#"{\"t\":\"contact:\\nalice@example.com\",\"n\":\"J\\u00f6rg M\\u00fcller\",\"m\":\"bob\\u0040example.org\"}"#;
    let body =
        format!(r#"{{"model":"m","messages":[{{"role":"tool","tool_call_id":"c","content":"{result}"}}]}}"#);
    let (_, sent) = Asked::with(&redactor(), Api::OpenAiChat, body.into()).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&sent).unwrap();
    let content = sent["messages"][0]["content"].as_str().unwrap();
    let content: serde_json::Value = serde_json::from_str(content).unwrap();
    assert!(content["t"].as_str().unwrap().starts_with("contact:\nPII_EMAIL_"), "{content}");
    assert!(content["n"].as_str().unwrap().starts_with("PII_PERSON_"), "{content}");
    assert!(content["m"].as_str().unwrap().starts_with("PII_EMAIL_"), "{content}");
}

#[test]
fn a_key_names_what_stands_in_a_list_and_in_an_object_with_a_value() {
    let redactor = redactor();
    for json in [
        r#"{"ssn":["536228726"]}"#,
        r#"{"ssn":{"value":"536228726"}}"#,
        r#"{"ssn":[{"value":536228726}]}"#,
        r#"{"a":"\n {\"ssn\":[\"5362\\u00328726\"]}"}"#,
    ] {
        let without = redactor.json(json.as_bytes()).unwrap();
        let text = String::from_utf8_lossy(without.bytes()).into_owned();
        assert!(text.contains("PII_US_SSN_"), "{text}");
    }
}
