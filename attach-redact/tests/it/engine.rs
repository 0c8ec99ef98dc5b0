//! The promises of the engine, on texts that nobody thought of.

use attach_redact::{Entity, Finding, Scope};
use proptest::prelude::*;

use crate::support::redactor;

fn found(text: &str) -> Vec<(String, String)> {
    let name = |finding: Finding| (finding.entity.name().to_owned(), text[finding.range].to_owned());
    redactor().find(text).into_iter().map(name).collect()
}

fn one(entity: &Entity, text: &str) -> String {
    let found = found(text);
    let hits: Vec<_> = found.iter().filter(|(name, _)| name == entity.name()).collect();
    assert_eq!(hits.len(), 1, "{text:?}: {found:?}");
    hits[0].1.clone()
}

#[test]
fn what_is_looked_for_is_found_as_a_whole() {
    for (entity, text, value) in [
        (Entity::Email, "mailto:jörg.o'neil+x@sub.exämple.co.uk?", "jörg.o'neil+x@sub.exämple.co.uk"),
        (Entity::CreditCard, "pay with 4111-1111-1111-1111.", "4111-1111-1111-1111"),
        (Entity::CreditCard, "amex 3782 822463 10005", "3782 822463 10005"),
        (Entity::Iban, "IBAN DE89 3704 0044 0532 0130 00 EUR", "DE89 3704 0044 0532 0130 00"),
        (Entity::Iban, "gb29nwbk60161331926819", "gb29nwbk60161331926819"),
        (Entity::UsSsn, "his is 536-22-8726", "536-22-8726"),
        (Entity::UsSsn, "SSN: 536228726", "536228726"),
        (Entity::IpAddress, "from 93.184.216.34:80", "93.184.216.34"),
        (Entity::IpAddress, "via 2a00:1450:4001:81b::200e.", "2a00:1450:4001:81b::200e"),
        (Entity::MacAddress, "lladdr 3c:22:fb:9a:01:7e", "3c:22:fb:9a:01:7e"),
        (Entity::Phone, "call +49 30 901820 now", "+49 30 901820"),
        (Entity::Phone, "(415) 555-2671 ext. 12", "(415) 555-2671 ext. 12"),
        (Entity::Phone, "mobile: 0170 1234567", "0170 1234567"),
        (Entity::Crypto, "send to 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        (Entity::UrlCredentials, "redis://default:s3cr3t@cache:6379/0", "default:s3cr3t"),
        (Entity::UrlCredentials, "Server=db;User Id=sa;Password=hunter22;", "hunter22"),
        (Entity::Secret, "export AWS_ACCESS_KEY_ID=AKIAQ3EGRZJTWXYZ2345", "AKIAQ3EGRZJTWXYZ2345"),
        (Entity::Secret, "Authorization: Bearer f3a9c17e4b8d4f6aa1c2e5d7", "f3a9c17e4b8d4f6aa1c2e5d7"),
        (Entity::Person, "Dear Mrs. Oyelaran,", "Oyelaran"),
        (Entity::Person, "ask Zbigniew van der Berg about it", "Zbigniew van der Berg"),
        (Entity::Person, "my name is Xqzara", "Xqzara"),
    ] {
        assert_eq!(one(&entity, text), value, "{text}");
    }
}

#[test]
fn what_only_looks_like_it_is_not() {
    for text in [
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 at 2024-01-15 10:30:00.123456789",
        "std::net::Ipv6Addr, fe80::1, 10.0.0.1, 192.168.1.1 and 127.0.0.1, version 1.2.3.4",
        "timestamps 1700000000 1700000000000, id 4111111111111112, π = 3.14159265358979",
        "git@github.com:org/repo.git and logo@2x.png, @decorator, a@b",
        "The Will of God; May and June; Mark the day, Rose garden, Grace period, Faith, Hope",
        "let client = Client::new(); client.call(Request::default());",
        "```\nlet peter = Peter::new(\"Anna Schmidt\");\n```",
        "https://example.com:8080/path and user:${PASSWORD}@host",
        "Microsoft, Johnson & Johnson, Boston University, Smith Ltd",
        "FF:FF:FF:FF:FF:FF 00:00:00:00:00:00 12:34:56",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn look_alike_characters_hide_nothing() {
    for text in [
        "bob\u{200B}@example.org",
        "bob＠example.org",
        "４１１１ １１１１ １１１１ １１１１",
        "4111\u{a0}1111\u{2009}1111\u{2013}1111",
        "card ٤١١١١١١١١١١١١١١١",
        "536\u{2011}22\u{2011}8726",
        "b\u{AD}ob@exam\u{200D}ple.org",
    ] {
        let findings = redactor().find(text);
        assert_eq!(findings.len(), 1, "{text:?}: {findings:?}");
        assert!(findings[0].range.len() + 5 >= text.len(), "{text:?}: {findings:?}");
    }
}

#[test]
fn a_value_is_not_lost_among_others() {
    let text = "{\"a\":\"bob@example.org\",\"b\":\"415-555-2671\"},4111111111111111;DE89370400440532013000|93.184.216.34";
    assert_eq!(found(text).len(), 5, "{:?}", found(text));
}

/// Texts made of what matters: values, their pieces, cues, placeholders, look-alikes.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "bob@example.org",
        "4111 1111 1111 1111",
        "4111111111111111",
        "+49 30 901820",
        "415-555-2671",
        "536-22-8726",
        "DE89370400440532013000",
        "93.184.216.34",
        "2a00:1450::1",
        "3c:22:fb:9a:01:7e",
        "postgres://a:b1c2@h/x",
        "https://h.example/?q=",
        "AKIAQ3EGRZJTWXYZ2345",
        "Zbigniew Nowak",
        "Anna",
        "my name is ",
        "Dear ",
        "phone ",
        "ssn ",
        "PII_",
        "PII_EMAIL_",
        "PII_EMAIL_k7f3q2ab",
        "pii\\_person\\_k7f3q2ab",
        "PII_LITERAL_",
        "HASH_EMAIL_k7f3q2ab",
        "P",
        "p",
        "_",
        "\\",
        "`",
        "```",
        "\n",
        " ",
        ",",
        ".",
        ":",
        "@",
        "/",
        "(",
        "<",
        "\"",
        "é",
        "\u{200B}",
        "＠",
        "1",
        "22",
        "333",
        "a",
        "Z",
        "-",
    ]);
    let word = prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => "\\PC{0,4}"];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_was_redacted_comes_back_byte_for_byte(text in texts()) {
        let redacted = redactor().redact_text(&Scope::anonymous(), &text).unwrap();
        // Whatever a URL of the text had in it is restored there, too.
        prop_assert_eq!(redacted.restore(redacted.text()), text);
    }

    #[test]
    fn redacting_again_changes_nothing(text in texts()) {
        let scope = Scope::anonymous();
        let once = redactor().redact_text(&scope, &text).unwrap().text().to_owned();
        let twice = redactor().redact_text(&scope, &once).unwrap().text().to_owned();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn findings_are_disjoint_in_order_and_on_boundaries(text in texts()) {
        let mut end = 0;
        for finding in redactor().find(&text) {
            prop_assert!(finding.range.start >= end && finding.range.start < finding.range.end);
            prop_assert!(text.get(finding.range.clone()).is_some());
            end = finding.range.end;
        }
    }

    #[test]
    fn a_planted_value_never_survives(before in "[ -~]{0,20}", after in "[ -~]{0,20}") {
        for value in ["bob@example.org", "4111111111111111", "DE89370400440532013000"] {
            let text = format!("{before} {value} {after}");
            let redacted = redactor().redact_text(&Scope::anonymous(), &text).unwrap();
            prop_assert!(!redacted.text().contains(value), "{}", redacted.text());
        }
    }
}
