//! Values in disguise: every trick with every kind of value.

use attach_redact::{Entity, Scope};

use crate::support::redactor;

/// A kind of value and a sample of it in a sentence, with what may be disguised between bars.
const VALUES: [(Entity, &str); 12] = [
    (Entity::CreditCard, "pay with |4111-1111-1111-1111| today"),
    (Entity::CreditCard, "pay with |4111111111111111| today"),
    (Entity::UsSsn, "his is |536-22-8726| now"),
    (Entity::Email, "write to |bob@example.org| now"),
    (Entity::Phone, "call |+49 30 901820| now"),
    (Entity::Phone, "his number: |(415) 555-2671| is new"),
    (Entity::Iban, "to |DE89 3704 0044 0532 0130 00| please"),
    (Entity::IpAddress, "from |93.184.216.34| it came"),
    (Entity::MacAddress, "lladdr |3c:22:fb:9a:01:7e| up"),
    (Entity::Secret, "the key |ghp_7rzx8740q4yxh26hp05dcxs84kic3d3cglok| leaked"),
    (Entity::UkNhs, "NHS number |943 476 5919| on file"),
    (Entity::Person, "ask |Zbigniew Nowak| about it"),
];

/// The only thing found in `text` has to be the disguised value, all of it.
fn hides(text: &str, value: &str, entity: &Entity) -> bool {
    let found = redactor().find(text);
    let start = text.find(value).unwrap();
    !found.iter().any(|finding| {
        finding.entity == *entity
            && finding.range.start <= start
            && start + value.trim_end_matches('\u{AD}').len() <= finding.range.end
    })
}

/// What hides under `disguise`, which is put on every character of every value.
fn hidden(disguise: impl Fn(char) -> String) -> Vec<String> {
    let mut missed = Vec::new();
    for (entity, sentence) in &VALUES {
        let [before, value, after] = sentence.split('|').collect::<Vec<_>>()[..] else {
            panic!("{sentence}")
        };
        let worn: String = value.chars().map(&disguise).collect();
        let text = format!("{before}{worn}{after}");
        if worn != value && hides(&text, &worn, entity) {
            missed.push(text.clone());
        }
        let redacted = redactor().redact_text(&Scope::anonymous(), &text).unwrap();
        assert_eq!(redacted.restore(redacted.text()), text);
    }
    missed
}

fn shifted(c: char, digits: u32, small: u32, capitals: u32) -> char {
    let to = |zero: u8, first: u32| char::from_u32(first + u32::from(c as u8 - zero)).unwrap();
    match c {
        '0'..='9' if digits > 0 => to(b'0', digits),
        'a'..='z' if small > 0 => to(b'a', small),
        'A'..='Z' if capitals > 0 => to(b'A', capitals),
        _ => c,
    }
}

#[test]
fn nothing_hides_behind_what_is_not_seen() {
    for unseen in [
        '\u{200B}',
        '\u{200C}',
        '\u{200D}',
        '\u{2060}',
        '\u{FEFF}',
        '\u{AD}',
        '\u{34F}',
        '\u{202E}',
        '\u{2066}',
        '\u{FE0F}',
        '\u{E0041}',
        '\u{E0020}',
        '\u{180E}',
        '\u{336}',
        '\u{338}',
        '\u{20DD}',
        '\u{80}',
    ] {
        assert_eq!(hidden(|c| format!("{c}{unseen}")), [""; 0], "{:x}", unseen as u32);
    }
}

#[test]
fn nothing_hides_in_digits_of_other_scripts() {
    for zero in [
        0xFF10, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x17E0, 0x1D7CE, 0x1D7D8, 0x1D7EC, 0x1D7F6, 0x2080, 0xA620,
    ] {
        assert_eq!(hidden(|c| shifted(c, zero, 0, 0).to_string()), [""; 0], "{zero:x}");
    }
    let circled = |c: char| match c {
        '0' => '⓪',
        c => shifted(c, 0x245F, 0, 0),
    };
    assert_eq!(hidden(|c| circled(c).to_string()), [""; 0]);
    let keycap = |c: char| if c.is_ascii_digit() { format!("{c}\u{FE0F}\u{20E3}") } else { c.to_string() };
    assert_eq!(hidden(keycap), [""; 0]);
}

#[test]
fn nothing_hides_in_other_alphabets_of_the_same_letters() {
    for (digits, small, capitals) in [
        (0xFF10, 0xFF41, 0xFF21),
        (0x1D7CE, 0x1D41A, 0x1D400),
        (0x1D7E2, 0x1D5BA, 0x1D5A0),
        (0x1D7EC, 0x1D5EE, 0x1D5D4),
        (0x1D7F6, 0x1D68A, 0x1D670),
        (0, 0x24D0, 0x24B6),
    ] {
        assert_eq!(hidden(|c| shifted(c, digits, small, capitals).to_string()), [""; 0], "{small:x}");
    }
}

#[test]
fn nothing_hides_behind_other_dashes_spaces_and_signs() {
    for (plain, others) in [
        (' ', "\u{A0}\u{2000}\u{2003}\u{2009}\u{202F}\u{205F}\u{3000}\u{2800}\u{3164}"),
        ('-', "\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}\u{FE58}\u{FE63}\u{FF0D}\u{2043}\u{2796}"),
        ('@', "\u{FF20}\u{FE6B}"),
        ('.', "\u{FF0E}\u{3002}\u{FF61}\u{2024}\u{FE52}\u{B7}"),
        (':', "\u{FF1A}\u{2236}\u{A789}\u{FE55}"),
        ('_', "\u{FF3F}\u{FE4D}"),
        ('+', "\u{FF0B}\u{FE62}\u{2795}"),
    ] {
        for other in others.chars() {
            let swapped = |c: char| if c == plain { other.to_string() } else { c.to_string() };
            assert_eq!(hidden(swapped), [""; 0], "{:x}", other as u32);
        }
    }
}

#[test]
fn nothing_hides_behind_letters_that_look_the_same() {
    let cyrillic = "аеорсухкАВЕКМНОРСТХіјѕ";
    let latin = "aeopcyxkABEKMHOPCTXijs";
    for (other, plain) in cyrillic.chars().zip(latin.chars()) {
        let swapped = |c: char| if c == plain { other.to_string() } else { c.to_string() };
        assert_eq!(hidden(swapped), [""; 0], "{other}");
    }
}

#[test]
fn what_is_written_in_tags_alone_is_found() {
    let tags =
        |text: &str| text.bytes().filter_map(|b| char::from_u32(0xE0000 + u32::from(b))).collect::<String>();
    let text = format!("Summarise this.{} Thanks.", tags("mail bob@example.org"));
    let redacted = redactor().redact_text(&Scope::anonymous(), &text).unwrap();
    assert!(!redacted.text().contains(&tags("bob")));
    assert_eq!(redacted.restore(redacted.text()), text);
}

#[test]
fn a_number_is_found_however_it_is_broken_up() {
    for (entity, value) in [
        (Entity::CreditCard, "4111 1111\n1111 1111"),
        (Entity::CreditCard, "4111-1111-\r\n1111-1111"),
        (Entity::CreditCard, "4111_1111_1111_1111"),
        (Entity::CreditCard, "4111  1111  1111  1111"),
        (Entity::CreditCard, "4111 - 1111 - 1111 - 1111"),
        (Entity::CreditCard, "4111** **1111** **1111** **1111"),
        (Entity::CreditCard, "4111%201111%201111%201111"),
        (Entity::CreditCard, "4111&nbsp;1111&nbsp;1111&nbsp;1111"),
        (Entity::CreditCard, "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        (Entity::CreditCard, "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1"),
        (Entity::CreditCard, "3782_822463_10005"),
        (Entity::Iban, "DE89 3704 0044\n0532 0130 00"),
        (Entity::Iban, "DE89.3704.0044.0532.0130.00"),
        (Entity::Iban, "DE89_3704_0044_0532_0130_00"),
        (Entity::Iban, "DE89  3704  0044  0532  0130  00"),
    ] {
        for text in [format!("it is {value}"), format!("| {value} | x"), format!("**{value}**, so")] {
            assert!(!hides(&text, value, &entity), "{text:?}: {:?}", redactor().find(&text));
        }
    }
    for (entity, text, value) in [
        (Entity::CreditCard, "his card: 4111, 1111, 1111, 1111.", "4111, 1111, 1111, 1111"),
        (Entity::CreditCard, "card | 4111 | 1111 | 1111 | 1111 |", "4111 | 1111 | 1111 | 1111"),
        (Entity::CreditCard, "card number\n4111\n1111\n1111\n1111\n", "4111\n1111\n1111\n1111"),
        (Entity::UsSsn, "SSN 536-22-\n8726", "536-22-\n8726"),
        (Entity::UsSsn, "SSN: 536_22_8726", "536_22_8726"),
        (Entity::UsSsn, "SSN: 536/22/8726", "536/22/8726"),
        (Entity::UsSsn, "SSN: 5 3 6 2 2 8 7 2 6", "5 3 6 2 2 8 7 2 6"),
        (Entity::UsSsn, "ssn 536 - 22 - 8726", "536 - 22 - 8726"),
    ] {
        assert!(!hides(text, value, &entity), "{text:?}: {:?}", redactor().find(text));
    }
}

#[test]
fn rows_and_columns_of_numbers_are_no_cards() {
    for text in [
        "ports 4111, 1111, 1111, 1111 are open",
        "| 4111 | 1111 | 1111 | 1111 |",
        "4111\n1111\n1111\n1111\n",
        "1 4111_1111_1111_1111_22",
        "4111  1111  1111  1111  2222  3333",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2",
        "4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
        "x = 536 - 22 - 8726",
        "536/22/8726 and 536_22_8726",
    ] {
        let found = redactor().find(text);
        assert!(
            found.iter().all(|f| f.entity != Entity::CreditCard && f.entity != Entity::UsSsn),
            "{text:?}: {found:?}"
        );
    }
}

#[test]
fn an_address_is_found_however_its_signs_are_written() {
    for value in [
        "bob%40example.org",
        "bob%40example%2Eco%2Euk",
        "bob&#64;example.org",
        "bob&#x40;example&#46;org",
        "bob&commat;example&period;org",
        r"bob\u0040example.org",
        "bob [at] example [dot] org",
        "bob [at] example.org",
        "bob[at]example[dot]org",
        "bob(at)example.org",
        "bob (AT) example (DOT) com",
        "bob{at}mail.example.net",
        "bob at example dot org",
        "bob AT mail DOT example DOT org",
        "bob@example[.]org",
        "bob@example [dot] org",
        "bob@example dot org",
    ] {
        for text in [format!("mail {value}"), format!("mailto:{value}?subject=x"), format!("<{value}>, or")] {
            assert!(!hides(&text, value, &Entity::Email), "{text:?}: {:?}", redactor().find(&text));
        }
    }
    let url = "https://x.example/?mail=bob%40example.org&next=1";
    assert!(!hides(url, "bob%40example.org", &Entity::Email));
}

#[test]
fn words_and_code_are_no_addresses() {
    for text in [
        "look at example dot com, it is at example dot org",
        "we met at noon, dot the i's and cross the t's",
        "if (at) node.id = 3; while (at) node.is();",
        "let x = buf[at].length; list[at] = y.to_string();",
        "https://registry.npmjs.org/%40scope%2fname, left%401.2.3, margin%40x",
        "a[at]b, f(at), (at) the table. Then",
        "dot product dot matrix at any rate dot dot",
    ] {
        let found = redactor().find(text);
        assert!(found.iter().all(|finding| finding.entity != Entity::Email), "{text:?}: {found:?}");
    }
}

#[test]
fn what_starts_as_data_is_not_exempt() {
    for text in
        ["data:text/plain,bob@example.org", "data:text/plain,bob%40example.org", "data:,4111111111111111"]
    {
        assert_eq!(redactor().find(text).len(), 1, "{text}");
    }
}

/// Random bytes of xorshift64 (Marsaglia), the same for the same seed.
fn random(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn data_in_base64_has_nothing_in_it() {
    use base64::prelude::*;
    for seed in 1..9 {
        let bytes = random(seed, 57 * 1700);
        let (plain, url) = (BASE64_STANDARD.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes));
        let lines: Vec<&str> =
            plain.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
        for text in [format!("data:image/png;base64,{plain}"), lines.join("\n"), url] {
            let found = redactor().find(&text);
            let shown: Vec<_> = found.iter().map(|f| (f.entity.name(), &text[f.range.clone()])).collect();
            assert!(found.is_empty(), "{seed}: {shown:?}");
        }
    }
}
