//! The engine without a layer: on a text, on a JSON document of any shape.

use attach_redact::{Action, Basis, Entity, RedactError, Redactor};
use serde_json::{Value, json};

use crate::support::redactor;

fn redacted(document: &Value) -> (Value, Value) {
    let bytes = document.to_string();
    let redacted = redactor().json(bytes.as_bytes()).unwrap();
    let leaves = serde_json::from_slice(redacted.bytes()).unwrap();
    (leaves, serde_json::from_slice(&redacted.restore(redacted.bytes())).unwrap())
}

#[test]
fn a_text_is_redacted_for_nobody_in_particular() {
    let redacted = redactor().redact("mail bob@example.org").unwrap();
    assert!(redacted.text().starts_with("mail PII_EMAIL_"));
    assert_eq!(redacted.restore(redacted.text()), "mail bob@example.org");
}

#[test]
fn every_string_key_and_long_number_of_a_document_is_looked_at() {
    let document = json!({
        "ticket": {"by": "bob@example.org", "bob@example.org": [1, "4111 1111 1111 1111"]},
        "card": 4_111_111_111_111_111_u64,
        "kept": [true, null, 1.5, "nothing", 1234],
    });
    let (leaves, back) = redacted(&document);
    let text = leaves.to_string();
    assert!(!text.contains("bob@") && !text.contains("4111"), "{text}");
    assert_eq!(leaves["kept"], document["kept"]);
    assert!(leaves["card"].as_str().unwrap().starts_with("PII_CREDIT_CARD_"));
    assert_eq!((&back["ticket"], &back["card"]), (&document["ticket"], &json!("4111111111111111")));
}

#[test]
fn a_value_comes_back_into_json_within_a_string_escaped() {
    let redactor = Redactor::builder().terms(Entity::custom("NICK").unwrap(), ["O\"Neil\\"]).build().unwrap();
    let inner = json!({"who": "O\"Neil\\", "mail": "bob@example.org"}).to_string();
    let document = json!({"payload": inner, "list": "[\"bob@example.org\"]"}).to_string();
    let redacted = redactor.json(document.as_bytes()).unwrap();
    let leaves = String::from_utf8(redacted.bytes().to_vec()).unwrap();
    assert!(!leaves.contains("Neil") && !leaves.contains("bob@"), "{leaves}");
    let restored = redacted.restore(redacted.bytes());
    let back: Value = serde_json::from_slice(&restored).unwrap();
    let payload: Value = serde_json::from_str(back["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, serde_json::from_str::<Value>(&inner).unwrap());
    assert_eq!(back["list"], "[\"bob@example.org\"]");
}

#[test]
fn a_document_in_which_nothing_is_found_is_the_very_bytes_that_were_given() {
    let bytes = br#" { "a" : [ 1.0e5 , "\u0041" ] } "#;
    let redacted = redactor().json(bytes).unwrap();
    assert!(std::ptr::eq(redacted.bytes(), &bytes[..]));
    assert!(redacted.counts().is_empty());
}

#[test]
fn what_is_no_strict_json_or_is_blocked_is_an_error_that_shows_no_value() {
    let strict = redactor().json(br#"{"a":"bob@example.org","a":1}"#).unwrap_err();
    assert!(matches!(strict, RedactError::NotJson(_)) && !strict.to_string().contains("bob@"), "{strict}");
    let blocking = Redactor::builder().entity(Entity::Email, Action::Block).build().unwrap();
    match blocking.json(br#"["bob@example.org"]"#).unwrap_err() {
        RedactError::Blocked(entities) => assert_eq!(entities, [Entity::Email]),
        other => panic!("{other}"),
    }
}

#[test]
fn a_finding_says_what_it_rests_on() {
    let redactor = Redactor::builder()
        .terms(Entity::custom("PROJECT").unwrap(), ["Nightingale"])
        .pattern(Entity::custom("BADGE").unwrap(), r"\bE[0-9]{6}\b")
        .unwrap()
        .build()
        .unwrap();
    for (text, basis) in [
        ("bob@example.org", Basis::Form),
        ("AKIAQ3EGRZJTWXYZ2345", Basis::Prefix),
        ("4111 1111 1111 1111", Basis::CheckDigit),
        ("Dear Mrs. Oyelaran,", Basis::Name),
        ("on nightingale", Basis::Term),
        ("E123456", Basis::Pattern),
    ] {
        let found = redactor.find(text);
        assert_eq!(found.iter().map(attach_redact::Finding::basis).collect::<Vec<_>>(), [basis], "{text}");
    }
}

#[test]
fn a_naming_word_of_ones_own_counts_as_the_built_in_ones_do() {
    let text = "Patient No: 943 476 5919";
    let named = |redactor: &Redactor| redactor.find(text).iter().any(|found| found.entity == Entity::UkNhs);
    let own = Redactor::builder().naming_words(&Entity::UkNhs, ["patient no"]).unwrap().build().unwrap();
    assert!(named(&own) && !named(&redactor()));
    for words in [vec!["x".to_owned()], vec!["y".repeat(65)], vec!["word".to_owned(); 1001]] {
        assert!(Redactor::builder().naming_words(&Entity::UkNhs, words).is_err());
    }
    let custom = Entity::custom("BADGE").unwrap();
    assert!(Redactor::builder().naming_words(&custom, ["badge"]).is_err());
}

#[test]
fn a_value_that_is_exempt_stays_and_whatever_else_is_found_does_not() {
    let redactor = Redactor::builder().exempt(["help@example.org", "4111 1111 1111 1111"]).build().unwrap();
    let text = "help@example.org, xhelp@example.org, 4111 1111 1111 1111, 5500 0000 0000 0004";
    let redacted = redactor.redact(text).unwrap();
    assert!(redacted.text().starts_with("help@example.org, PII_EMAIL_"), "{}", redacted.text());
    assert!(redacted.text().contains("4111 1111 1111 1111, PII_CREDIT_CARD_"), "{}", redacted.text());
}

#[test]
fn a_term_is_found_in_the_cases_people_write_it_in() {
    let project = Entity::custom("PROJECT").unwrap();
    let redactor = Redactor::builder().terms(project, ["projekt Übermut", "Çelik"]).build().unwrap();
    for text in ["projekt Übermut", "PROJEKT ÜBERMUT", "projekt übermut", "Projekt Übermut", "çelik", "ÇELIK"]
    {
        assert_eq!(redactor.find(text).len(), 1, "{text}");
    }
    assert_eq!(redactor.find("Übermuts Projekt, Çelikhan").len(), 0);
}
