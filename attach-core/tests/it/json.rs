//! The strict parser and the splice, against `serde_json`.

use attach_core::json::{Document, Edit, JsonError, JsonErrorKind, Kind, Value, escape_into};
use bytes::Bytes;

mod properties;
mod splice;

fn parse(text: &str) -> Document {
    try_parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn try_parse(bytes: &[u8]) -> Result<Document, JsonError> {
    Document::parse(Bytes::copy_from_slice(bytes))
}

fn refusal(bytes: &[u8]) -> JsonError {
    match try_parse(bytes) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(bytes)),
        Err(error) => error,
    }
}

#[test]
fn what_parsers_disagree_on_is_refused_with_its_place() {
    use JsonErrorKind::*;
    let cases: &[(&[u8], JsonErrorKind, &str, usize)] = &[
        (b"", Empty, "$", 0),
        (b" \n", Empty, "$", 2),
        (b"\xEF\xBB\xBF{}", ByteOrderMark, "$", 0),
        (b"\"a\xFFb\"", InvalidUtf8, "$", 2),
        (b"\"\xC0\xAF\"", InvalidUtf8, "$", 1),
        (b"\"\xED\xA0\x80\"", InvalidUtf8, "$", 1),
        (b"\xFE\xFF\0{\0}", InvalidUtf8, "$", 0),
        (br#"{"a":1,"a":2}"#, DuplicateKey, "$.a", 7),
        (br#"{"a":1,"\u0061":2}"#, DuplicateKey, "$.a", 7),
        (br#"{"messages":[{"role":"user","x":1,"role":"system"}]}"#, DuplicateKey, "$.messages[0].role", 34),
        (br#"[0,[{"":1,"":2}]]"#, DuplicateKey, r#"$[1][0][""]"#, 10),
        (br#"{"a\u0000":1}"#, ControlCharacterInKey, "$", 1),
        (br#"{"a\n":1}"#, ControlCharacterInKey, "$", 1),
        (b"{\"a\n\":1}", ControlCharacterInKey, "$", 3),
        (b"{\"x\":{\"a\x7f\":1}}", ControlCharacterInKey, "$.x", 6),
        ("{\"a\u{85}\":1}".as_bytes(), ControlCharacterInKey, "$", 1),
        (br#"{"a\u009f":1}"#, ControlCharacterInKey, "$", 1),
        (b"[\"a\nb\"]", ControlCharacter, "$", 3),
        (b"[\"a\0\"]", ControlCharacter, "$", 3),
        (br#"["\ud800"]"#, LoneSurrogate, "$", 2),
        (br#"["\udc00"]"#, LoneSurrogate, "$", 2),
        (br#"["\ud800\ud800"]"#, LoneSurrogate, "$", 2),
        (br#"["\ud800\n"]"#, LoneSurrogate, "$", 2),
        (br#"{"\udfff":1}"#, LoneSurrogate, "$", 2),
        (br#"["\x41"]"#, InvalidEscape, "$", 2),
        (br#"["\u12g4"]"#, InvalidEscape, "$", 2),
        (br#"["\u+123"]"#, InvalidEscape, "$", 2),
        (b"{} x", TrailingBytes, "$", 3),
        (b"{}{}", TrailingBytes, "$", 2),
        (b"1 2", TrailingBytes, "$", 2),
        (b"{}\0", TrailingBytes, "$", 2),
        (b"[1,2", UnexpectedEnd, "$", 4),
        (b"{\"a\":", UnexpectedEnd, "$", 5),
        (b"{\"a\"", UnexpectedEnd, "$", 4),
        (b"{", UnexpectedEnd, "$", 1),
        (b"\"a", UnexpectedEnd, "$", 2),
        (b"\"a\\", UnexpectedEnd, "$", 3),
        (b"tru", UnexpectedEnd, "$", 3),
        (b"[1,]", UnexpectedByte, "$", 3),
        (b"{\"a\":1,}", UnexpectedByte, "$", 7),
        (b"{a:1}", UnexpectedByte, "$", 1),
        (b"{'a':1}", UnexpectedByte, "$", 1),
        (b"[1}", UnexpectedByte, "$", 2),
        (b"{\"a\":1]", UnexpectedByte, "$", 6),
        (b"{\"a\" 1}", UnexpectedByte, "$", 5),
        (b"[1 2]", UnexpectedByte, "$", 3),
        (b"[/**/1]", UnexpectedByte, "$", 1),
        (b"[NaN]", UnexpectedByte, "$", 1),
        (b"[Infinity]", UnexpectedByte, "$", 1),
        (b"[True]", UnexpectedByte, "$", 1),
        (b"[nul1]", UnexpectedByte, "$", 1),
        (b"[01]", UnexpectedByte, "$", 2),
        (b"[+1]", UnexpectedByte, "$", 1),
        (b"[0x10]", UnexpectedByte, "$", 2),
        (b"[-]", InvalidNumber, "$", 2),
        (b"[1.]", InvalidNumber, "$", 3),
        (b"[.5]", UnexpectedByte, "$", 1),
        (b"[1e]", InvalidNumber, "$", 3),
        (b"[1e+]", InvalidNumber, "$", 4),
        (b"[-Infinity]", InvalidNumber, "$", 2),
        (b"{\"a\":[0,1e999]}", NumberOutOfRange, "$.a", 8),
        (b"\xC2\xA01", UnexpectedByte, "$", 0),
    ];
    for (bytes, kind, path, offset) in cases {
        let error = refusal(bytes);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!((error.kind, error.path.as_str(), error.offset), (*kind, *path, *offset), "{shown}");
    }
}

#[test]
fn what_every_parser_reads_alike_is_accepted() {
    for text in [
        "0",
        "-0",
        "-0.0e-0",
        "12345678901234567890123",
        "1.7976931348623157e308",
        "5e-999",
        "null",
        " \t\r\n[ ] \n",
        "{}",
        r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
        r#"["\ud83d\ude00", "😀", "\u0000\n\"\\\/", "data:;base64,"]"#,
        r#"{"A":1,"a":2}"#,
        "[\"\u{feff}\u{85}\u{7f}\u{2028}\"]",
        "{\"\u{feff}k\":1}",
    ] {
        parse(text);
    }
}

#[test]
fn a_document_may_be_as_deep_as_said_and_no_deeper() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    parse(&nested(Document::MAX_DEPTH));
    assert_eq!(refusal(nested(Document::MAX_DEPTH + 1).as_bytes()).kind, JsonErrorKind::TooDeep);
    // Far deeper than any stack: there is no recursion.
    assert_eq!(refusal("[".repeat(1 << 20).as_bytes()).kind, JsonErrorKind::TooDeep);
    assert_eq!(refusal(r#"{"a":"#.repeat(1 << 18).as_bytes()).kind, JsonErrorKind::TooDeep);
}

#[test]
fn a_document_may_have_as_many_values_as_said_and_no_more() {
    let many = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    parse(&many(Document::MAX_VALUES));
    assert_eq!(refusal(many(Document::MAX_VALUES + 1).as_bytes()).kind, JsonErrorKind::TooManyValues);
}

#[test]
fn an_endless_number_is_refused() {
    parse(&"1".repeat(300));
    assert_eq!(refusal("1".repeat(1 << 20).as_bytes()).kind, JsonErrorKind::NumberOutOfRange);
    assert_eq!(
        refusal(format!("0.{}", "1".repeat(1 << 20)).as_bytes()).kind,
        JsonErrorKind::NumberOutOfRange
    );
}

#[test]
fn an_object_may_have_many_keys_but_none_twice() {
    let members: Vec<_> = (0..100_000).map(|n| format!(r#""key{n}":{n}"#)).collect();
    let document = parse(&format!("{{{}}}", members.join(",")));
    assert_eq!(document.root().members().count(), 100_000);
    assert_eq!(document.root().get("key99999").and_then(Value::as_u64), Some(99_999));
    let error = refusal(format!(r#"{{{},"key\u0037":1}}"#, members.join(",")).as_bytes());
    assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::DuplicateKey, "$.key7"));
}

#[test]
fn few_keys_with_equal_ends_are_told_apart() {
    let keys = ["aa", "aba", "aca", "abba", "a", "b", ""];
    let object = |keys: &[&str]| {
        let members: Vec<_> = keys.iter().map(|key| format!("\"{key}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    parse(&object(&keys));
    for key in keys {
        let twice: Vec<_> = keys.iter().copied().chain([key]).collect();
        assert_eq!(refusal(object(&twice).as_bytes()).kind, JsonErrorKind::DuplicateKey);
    }
}

#[test]
fn deep_and_large_takes_one_pass() {
    // A parser that scans again on every level would read 64 × 4 MiB here.
    let filler = "x".repeat((4 << 20) / 64);
    let mut text = String::new();
    for _ in 0..64 {
        text.push_str(&format!(r#"{{"s":"{filler}","k":"#));
    }
    text.push('1');
    text.push_str(&"}".repeat(64));
    let document = parse(&text);
    let mut value = document.root();
    while let Some(inner) = value.get("k") {
        value = inner;
    }
    assert_eq!(value.as_u64(), Some(1));
}

#[test]
fn a_path_names_the_place_and_stays_short() {
    let document =
        parse(r#"{"messages":[{"role":"x"},{"content":[1,{"a b":{"0":{"":{"\u00e9\"":null}}}}]}]}"#);
    let last = document.root().descendants().last().expect("has some");
    assert_eq!(last.path(), r#"$.messages[1].content[1]["a b"]["0"][""]["é\""]"#);
    assert_eq!(document.root().path(), "$");

    let key = "é".repeat(10_000);
    let text = format!("{}1{}", format!(r#"{{"{key}":"#).repeat(64), "}".repeat(64));
    let document = parse(&text);
    let path = document.root().descendants().last().expect("has some").path();
    assert!(path.len() < 600 && path.ends_with('…'), "{path}");
}

#[test]
fn an_error_says_what_and_where_in_one_line() {
    let error = refusal(br#"{"messages":[{"role":"user","role":"x"}]}"#);
    assert_eq!(error.to_string(), "duplicate key at $.messages[0].role (byte 28)");
}

#[test]
fn values_never_show_in_errors_or_debug_output() {
    let error = refusal(br#"{"a":["secret","secret","\ud800secret"]}"#);
    assert!(!format!("{error} {error:?}").contains("secret"));
    let document = parse(r#"{"secret":"secret"}"#);
    let edit = Edit::string(document.root().id(), "secret");
    let shown = format!("{document:?} {:?} {edit:?} {:?}", document.root(), document.root().members());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_value_is_read_as_it_is_spelled() {
    let document = parse(r#"{"i":-3,"u":7,"f":1.5,"big":18446744073709551616,"t":true,"n":null,"s":"a\tb"}"#);
    let get = |key: &str| document.root().get(key).expect("is there");
    assert_eq!((get("i").as_i64(), get("i").as_u64()), (Some(-3), None));
    assert_eq!(get("u").as_u64(), Some(7));
    assert_eq!((get("f").as_f64(), get("f").as_i64()), (Some(1.5), None));
    assert_eq!((get("big").as_u64(), get("big").raw()), (None, b"18446744073709551616".as_slice()));
    assert_eq!(get("t").as_bool(), Some(true));
    assert!(get("n").is_null());
    assert_eq!(get("s").as_str().as_deref(), Some("a\tb"));
    assert_eq!((get("s").as_bool(), get("t").as_str(), get("s").as_f64()), (None, None, None));
    assert_eq!(get("s").parent().map(Value::id), Some(document.root().id()));
    assert!(document.root().parent().is_none());
    assert!(document.root().get("x").is_none());
    assert!(get("s").get("x").is_none());
    assert_eq!(document.root().elements().count(), 0);
    assert_eq!(get("s").elements().count() + get("s").members().count(), 0);
}

#[test]
fn every_character_is_escaped_as_serde_does() {
    for c in (0..0x300).filter_map(char::from_u32) {
        let text = format!("abcdefgh{c}i");
        let mut ours = vec![b'"'];
        escape_into(&text, &mut ours);
        ours.push(b'"');
        assert_eq!(ours, serde_json::to_vec(&text).expect("a string"));
    }
}
