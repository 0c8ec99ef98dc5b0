//! JSON in a string that is none to our parser and may be to somebody else's: nothing in it hides behind escapes.

use attach_core::Api;
use attach_redact::fuzzing::Asked;
use attach_redact::{Action, Entity, Redactor};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::redactor;

/// A conversation with `text` as the arguments of a tool call and as the result of one.
fn body(text: &str) -> Bytes {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": text}});
    let messages = json!([
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": text},
    ]);
    json!({"model": "m", "messages": messages}).to_string().into()
}

/// What is sent of `text`: as arguments, and as a result.
fn sent(redactor: &Redactor, text: &str) -> (Asked, Bytes, [String; 2]) {
    let (asked, sent) = Asked::with(redactor, Api::OpenAiChat, body(text)).expect("nothing is blocked");
    let call: Value = serde_json::from_slice(&sent).expect("is JSON");
    let at = |path: &str| call.pointer(path).and_then(Value::as_str).expect("is there").to_owned();
    let both = [at("/messages/0/tool_calls/0/function/arguments"), at("/messages/1/content")];
    (asked, sent, both)
}

/// The adversary's: a key twice, an end cut off, further values, more levels than anybody needs, other quotes.
fn frames(inner: &str) -> Vec<String> {
    let deep = format!("{}\"{inner}\"{}", "[".repeat(80), "]".repeat(80));
    vec![
        format!(r#"{{"to":1,"to":"{inner}"}}"#),
        format!(r#"{{"to":"{inner}""#),
        format!(r#"{{"to":"{inner}"#),
        format!(r#"{{"to":"{inner}"}} {{}}"#),
        format!(r#"{{"to":"{inner}",}}"#),
        format!(r#"{{"to":"{inner}","n":NaN}}"#),
        format!(r#"{{"to":"{inner}","x":"\u00"#),
        format!(r#"{{"to":"{inner}","x":"\ud83d"}}"#),
        format!(r#"{{"{inner}":1,"{inner}":2}}"#),
        deep,
    ]
}

#[test]
fn an_address_behind_escapes_is_found_whatever_makes_the_rest_no_json() {
    for address in [
        r"bob\u0040example.org",
        r"\u0062\u006f\u0062\u0040\u0065xample.org",
        r"\u0062\u006Fb@example\u002Eorg",
        r"see:\nbob@example.org",
        r"a\/bob@example.org",
        r"\tbob@example.org\r\n",
        r"bob\u005cu0040example.org",
        r"bob\\u0040example.org",
        r"bob\\\\u0040example.org",
        r"bob\\\\\\\\\\\\\\\\u0040example.org",
        r"bob\x40example.org",
        r"bob\u{40}example.org",
        r"b\ob\@example.org",
        r"bob\uff20example.org",
        r"bo\u00adb\u200b@example.org",
    ] {
        for text in frames(address) {
            let (_, _, both) = sent(&redactor(), &text);
            for sent in both {
                assert!(sent.contains("PII_EMAIL_"), "{text}: {sent}");
                assert!(!sent.contains("xample"), "{text}: {sent}");
                // An escape that is cut in two would make what is nearly JSON none at all.
                assert!(!sent.contains(r"\PII"), "{text}: {sent}");
            }
        }
    }
}

#[test]
fn cards_keys_names_and_numbers_are_found_behind_escapes() {
    for (value, label, rest) in [
        (r"4111\u00201111 1111\u00201111", "CREDIT_CARD", "1111"),
        (r"\u0034\u0031\u0031\u0031111111111111", "CREDIT_CARD", "1111"),
        (r"\n4111111111111111", "CREDIT_CARD", "4111"),
        (r"AKIA\u00513EGRZJTWXYZ2345", "SECRET", "EGRZ"),
        (r"Zbigniew\u0020Nowak", "PERSON", "Nowak"),
        (r"DE89 3704\u00a00044 0532 0130 00", "IBAN", "0532"),
    ] {
        for text in frames(value) {
            let (_, _, both) = sent(&redactor(), &text);
            for sent in both {
                assert!(sent.contains(label) && !sent.contains(rest), "{text}: {sent}");
            }
        }
    }
    let (_, _, [sent, _]) = sent(&redactor(), r#"{"ssn":"5362\u00328726","ssn":0"#);
    assert!(sent.contains("PII_US_SSN_"), "{sent}");
}

#[test]
fn a_text_of_its_own_that_is_nearly_json_is_read_so_too() {
    for text in frames(r"see:\tbob\x40example.org") {
        let redactor = redactor();
        let redacted = redactor.redact(&text).unwrap();
        assert!(redacted.text().contains("PII_EMAIL_") && !redacted.text().contains("xample"), "{text}");
        assert_eq!(redacted.restore(redacted.text()), text);
        assert!(redactor.find(&text).iter().any(|finding| finding.entity == Entity::Email), "{text}");
    }
}

#[test]
fn what_an_escape_is_next_to_is_not_taken_for_a_part_of_it() {
    let (mut asked, _, [sent, _]) = sent(&redactor(), r#"{"to":"\nbob@example.org\n","to":"x""#);
    let placeholder = &sent[sent.find("PII_EMAIL_").expect("is there")..][..18];
    assert_eq!(sent, format!(r#"{{"to":"\n{placeholder}\n","to":"x""#));
    let answer = format!(r#"{{"choices":[{{"message":{{"content":"to {placeholder}"}}}}]}}"#);
    let answer = String::from_utf8(asked.unary(answer.into()).to_vec()).unwrap();
    assert!(answer.contains("to bob@example.org"), "{answer}");
}

/// What was written with escapes is the same value in the arguments of the next call, and itself where it is repeated.
#[test]
fn a_value_with_escapes_means_the_same_in_the_next_call() {
    let (mut asked, _, [sent, _]) = sent(&redactor(), r#"{"to":"bob\u0040example.org","to":"#);
    let placeholder = &sent[sent.find("PII_EMAIL_").expect("is there")..][..18];
    let arguments = json!({"to": placeholder}).to_string();
    let answer = json!({"choices": [{"message": {"content": sent, "tool_calls": [
        {"id": "d", "type": "function", "function": {"name": "f", "arguments": arguments}}]}}]});
    let answer = asked.unary(answer.to_string().into());
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let message = &answer["choices"][0]["message"];
    let arguments = message["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert_eq!(arguments["to"], "bob@example.org");
    assert_eq!(message["content"], r#"{"to":"bob\u0040example.org","to":"#);
}

#[test]
fn arguments_that_are_nearly_json_come_back_byte_for_byte() {
    let text = r#"{"to":"bob\u0040example.org\n4111\u00201111 1111 1111\/","to":"ann@example.com","n":"J\u00f6rg M\u00fcller"#;
    let (mut asked, body, [sent, _]) = sent(&redactor(), text);
    assert!(!sent.contains("example") && !sent.contains("1111"), "{sent}");
    let back: Value = serde_json::from_slice(&asked.unary(body)).unwrap();
    assert_eq!(back["messages"][0]["tool_calls"][0]["function"]["arguments"], text);
    assert_eq!(back["messages"][1]["content"], text);
}

#[test]
fn arguments_in_strings_of_arguments_are_read_as_well() {
    let inner = json!({"to": "bob@example.org"}).to_string().replace('@', "\\u0040");
    let middle = json!({"inner": inner}).to_string();
    for text in [middle.clone(), json!({"outer": middle}).to_string()] {
        let (mut asked, body, both) = sent(&redactor(), &text);
        for sent in both {
            assert!(sent.contains("PII_EMAIL_") && !sent.contains("example"), "{sent}");
            serde_json::from_str::<Value>(&sent).expect("still is JSON");
        }
        let back: Value = serde_json::from_slice(&asked.unary(body)).unwrap();
        assert_eq!(back["messages"][0]["tool_calls"][0]["function"]["arguments"], text);
    }
}

#[test]
fn a_name_is_the_same_person_with_and_without_escapes() {
    for (name, other) in
        [("Jörg Müller", r"J\u00f6rg M\u00fcller"), (r"J\u00f6rg M\u00fcller", "Jörg Müller")]
    {
        let text = format!(r#"{{"by":"My name is {name}.","to":"{other}","to":"#);
        let (_, _, both) = sent(&redactor(), &text);
        for sent in both {
            assert_eq!(sent.matches("PII_PERSON_").count(), 2, "{sent}");
        }
    }
}

#[test]
fn an_escape_in_prose_does_not_run_into_what_is_behind_it() {
    for (value, label) in [
        ("4111 1111 1111 1111", "CREDIT_CARD"),
        ("AKIAQ3EGRZJTWXYZ2345", "SECRET"),
        ("Zbigniew Nowak", "PERSON"),
        ("536-22-8726", "US_SSN"),
    ] {
        for text in [format!(r"Why does it log one\n{value} two?"), format!(r"one\r\n\t{value}\n{value}")] {
            let redacted = redactor();
            let redacted = redacted.redact(&text).unwrap();
            assert!(
                redacted.text().contains(label) && !redacted.text().contains(value),
                "{}",
                redacted.text()
            );
            assert!(!redacted.text().contains(r"\PII"), "{}", redacted.text());
            assert_eq!(redacted.restore(redacted.text()), text);
        }
    }
}

#[test]
fn what_is_masked_or_blocked_is_so_behind_escapes() {
    let text = r#"{"to":"bob\u0040example.org","to":"#;
    let masks = Redactor::builder().entity(Entity::Email, Action::Mask).build().unwrap();
    let (_, _, [sent, _]) = sent(&masks, text);
    assert!(sent.starts_with(r#"{"to":"****"#) && !sent.contains(['\\', 'b', 'u', 'x', '4']), "{sent}");
    let blocks = Redactor::builder().entity(Entity::Email, Action::Block).build().unwrap();
    assert!(Asked::with(&blocks, Api::OpenAiChat, body(text)).is_none());
}

#[test]
fn other_fields_with_json_in_a_string_are_read_so_too() {
    let text = r#"{"to":"bob\u0040example.org","to":"#;
    for (api, body) in [
        (
            Api::OpenAiResponses,
            json!({"model": "m", "input": [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": text},
            {"type": "function_call_output", "call_id": "c", "output": text},
            {"type": "mcp_call", "id": "m", "server_label": "s", "name": "f", "arguments": text, "output": text}]}),
        ),
        (
            Api::AnthropicMessages,
            json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": text}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]}]}),
        ),
        (
            Api::OllamaChat,
            json!({"model": "m", "messages": [
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": text}}}]},
            {"role": "tool", "content": text}]}),
        ),
    ] {
        let strings = body.to_string().matches("u0040").count();
        let (_, sent) = Asked::with(&redactor(), api, body.to_string().into()).expect("nothing is blocked");
        let sent = String::from_utf8(sent.to_vec()).unwrap();
        assert_eq!(sent.matches("PII_EMAIL_").count(), strings, "{sent}");
        assert!(!sent.contains("u0040"), "{sent}");
    }
    let any = json!({"a": text, "list": [text], "said": r"write to bob\u0040example.org"}).to_string();
    let redactor = redactor();
    let without = redactor.json(any.as_bytes()).unwrap();
    let sent = String::from_utf8_lossy(without.bytes()).into_owned();
    assert_eq!(sent.matches("PII_EMAIL_").count(), 3, "{sent}");
    assert_eq!(without.restore(without.bytes()), any.as_bytes());
}

/// What a lenient reader takes a string for: every escape of RFC 8259, others as they stand, surrogates together.
fn read(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("\\u").and_then(|code| code.get(..4));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let short = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
        let short = short.and_then(|c| "\"\\/bfnrt".find(c)).map(|at| b"\"\\/\x08\x0c\n\r\t"[at]);
        if let Some(code) = code {
            units.push(u16::from_str_radix(code, 16).unwrap());
            rest = &rest[6..];
        } else if let Some(byte) = short {
            units.push(byte.into());
            rest = &rest[2..];
        } else {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            rest = &rest[c.len_utf8()..];
        }
    }
    String::from_utf16_lossy(&units)
}

/// `value` with escapes for the characters that `how` says.
fn written(value: &str, how: &[u8]) -> String {
    let mut out = String::new();
    for (at, c) in value.chars().enumerate() {
        let units = |hex: fn(u16) -> String| {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| hex(*unit)).collect::<String>()
        };
        match how.get(at % how.len()).unwrap_or(&9) {
            0 => out += &units(|unit| format!("\\u{unit:04x}")),
            1 => out += &units(|unit| format!("\\u{unit:04X}")),
            2 if c == '/' => out += "\\/",
            3 => out += &units(|unit| format!("\\u005cu{unit:04x}")),
            4 => out += &units(|unit| format!("\\\\u{unit:04x}")),
            _ => out.push(c),
        }
    }
    out
}

const VALUES: [(&str, &str); 6] = [
    ("bob@example.org", "bob@"),
    ("ann.lee+x@mail.example.com", "mail.example"),
    ("4111 1111 1111 1111", "1111 1111"),
    ("5500005555555559", "55000"),
    ("AKIAQ3EGRZJTWXYZ2345", "EGRZ"),
    ("postgres://admin:hunter22@db.example/x", "hunter22"),
];

fn parts() -> impl Strategy<Value = Vec<String>> {
    let junk = proptest::sample::select(vec![
        r"\n",
        r"\t",
        r"\r\n",
        r"\\",
        r"\/",
        r#"\""#,
        r"\u00e9",
        r"\ud83d",
        r"\ud83d\ude00",
        r"\u00",
        r"\u",
        r"\",
        r"\q",
        r"\x41",
        " ",
        " ",
        ", ",
        ": ",
        "\"",
        "{",
        "}",
        "[",
        "é",
        "😀",
        "x ",
        "P",
        "PII_EMAIL_k7f3q2ab",
        "PII\\_",
        "\n",
    ]);
    let value = (proptest::sample::select(VALUES.to_vec()), proptest::collection::vec(0_u8..9, 1..8))
        .prop_map(|((value, _), how)| format!(" {} ", written(value, &how)));
    proptest::collection::vec(prop_oneof![3 => junk.prop_map(str::to_owned), 2 => value], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_finds_behind_escapes_what_would_be_found_without(parts in parts(), open in any::<bool>()) {
        let text = format!("{{\"a\":1,\"a\":\"{}{}", parts.concat(), if open { "" } else { "\"}" });
        if let Some((_, sent)) = Asked::with(&redactor(), Api::OpenAiChat, body(&text)) {
            let call: Value = serde_json::from_slice(&sent).expect("is JSON");
            for sent in [&call["messages"][0]["tool_calls"][0]["function"]["arguments"], &call["messages"][1]["content"]] {
                let once = read(sent.as_str().expect("a string"));
                for read in [once.clone(), read(&once)] {
                    for (_, part) in VALUES {
                        prop_assert!(!read.contains(part), "{text}\n{sent}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_nearly_json_comes_back_byte_for_byte(parts in parts()) {
        let text = format!("{{\"a\":1,\"a\":\"{}", parts.concat());
        let body = body(&text);
        if let Some((mut asked, sent)) = Asked::with(&redactor(), Api::OpenAiChat, body.clone()) {
            let back: Value = serde_json::from_slice(&asked.unary(sent)).expect("is JSON");
            prop_assert_eq!(&back["messages"][1]["content"], &text);
        }
    }
}
