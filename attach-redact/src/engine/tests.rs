//! The windows against a search of everything.

use proptest::prelude::*;

use super::*;
use crate::recognizers::{crypto, digits, email, iban};

mod ids;

fn engine() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::new(Parts { private_addresses: true, lexicon: true, ..Parts::default() }).expect("builds")
    })
}

/// What is found without windows: every recognizer on all of the text, or at every place of it.
fn naive(text: &str) -> Vec<Finding> {
    let engine = engine();
    let mut hits = Hits::new(engine, text);
    context(engine, &mut hits);
    reference(&mut hits);
    engine.names.scan(&mut hits);
    engine.phones.scan(&mut hits, &window::groups_of(text, &(0..text.len())));
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    for &at in &places {
        let byte = text.as_bytes()[at];
        let begins = at.checked_sub(1).is_none_or(|before| !is_word(text.as_bytes()[before]));
        if begins && byte.is_ascii_alphabetic() {
            iban::scan(&mut hits, &(at..text.len()));
        }
        let word = text[at..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        if begins && matches!(byte, b'1' | b'3') && (26..=35).contains(&word) {
            crypto::scan_base58(&mut hits, at..at + word);
        }
        engine.secrets.scan_everywhere(&mut hits, at);
    }
    hits.found
}

/// What the recognizers that are written by hand stand for, as patterns over all of the text.
fn reference(hits: &mut Hits<'_>) {
    const CARD: &str = concat!(
        r"(?<![A-Za-z0-9_])(?<![0-9][.])(?:[0-9]{12,19}",
        r"|[0-9]{4}(?:[ \-.][0-9]{4}){2,3}(?:[ \-.][0-9]{1,3})?",
        r"|[0-9]{4}[ \-.][0-9]{6}[ \-.][0-9]{4,5})(?![A-Za-z0-9_])(?![.][0-9])",
    );
    const SSN: &str =
        r"(?<![A-Za-z0-9_])(?<![0-9][.\-])([0-9]{3}([ .\-])[0-9]{2}\2[0-9]{4})(?![A-Za-z0-9_])(?![.\-][0-9])";
    const V4: &str = concat!(
        r"(?<![A-Za-z0-9_])(?<![0-9][.])([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})(?:/[0-9]{1,2}(?![0-9]))?",
        r"(?![A-Za-z0-9_])(?!\.[0-9]{6})(?!\.[0-9]{1,5}\.[0-9])",
    );
    const EMAIL: &str = concat!(
        r"(?<![_%+\-\p{L}\p{N}])[_+\p{L}\p{N}][._%+'\-\p{L}\p{N}]{0,63}(?<![.'])",
        r"@(?:[\p{L}\p{N}][\-\p{L}\p{N}]{0,62}\.){1,8}",
        r"(?:xn--[A-Za-z0-9\-]{2,59}|[A-Za-z[^\x00-\x7F]&&[\p{L}\p{N}]]{2,24})(?![A-Za-z0-9\-@])",
    );
    let all = 0..hits.text.len();
    let text = hits.text;
    let mut each = |pattern: &str, accept: &mut dyn FnMut(&mut Hits<'_>, Range<usize>) -> bool| {
        Pattern::patient(pattern).expect("compiles").scan(text, all.clone(), |found| match found {
            Match::At(range) => accept(hits, range),
            Match::GivenUp => panic!("given up"),
        });
    };
    each(CARD, &mut |hits, range| {
        let before = hits.found.len();
        digits::scan(hits, &window::groups_of(text, &range), Shape { card: true, ..Shape::default() });
        hits.found.len() > before
    });
    each(SSN, &mut |hits, range| {
        let before = hits.found.len();
        digits::scan(hits, &window::groups_of(text, &range), Shape { ssn: true, ..Shape::default() });
        hits.found.len() > before
    });
    each(V4, &mut |hits, range| {
        let address = text[range.clone()].parse::<std::net::Ipv4Addr>();
        let fifth = text[range.end..].starts_with('.')
            && text[range.end + 1..].starts_with(|c: char| c.is_ascii_digit());
        let version = hits.is_version(range.start) || (fifth && text[range.start + 1..].starts_with('.'));
        if address.is_ok() && !version {
            hits.push(Finding::new(range, Entity::IpAddress, 0.9));
        }
        address.is_ok()
    });
    each(EMAIL, &mut |hits, range| email::accept(hits, range));
}

/// The words that say what a number is, as a search of their own.
fn context(engine: &Engine, hits: &mut Hits<'_>) {
    let mut cursor = engine.words.start();
    for at in 0..hits.text.len() {
        (cursor, _) = engine.words.skip(cursor, &hits.text.as_bytes()[..=at], at, &[1; 256]);
        for (length, lead) in engine.words.ending(cursor) {
            if let Lead::Context(topics) = lead {
                hits.places.push(hits.text, at + 1 - length..at + 1, topics);
            }
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "bob@example.org",
        "4111 1111 1111 1111",
        "3782 822463 10005",
        "+49 30 901820",
        "(415) 555-2671",
        "536-22-8726",
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "93.184.216.34",
        "10.0.0.1/8",
        "AKIAQ3EGRZJTWXYZ2345",
        "ghp_7rzx8740q4yxh26hp05dcxs84kic3d3cglok",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "Anna",
        "Mr Nowak",
        "Éva Müller, ",
        "PII_EMAIL_k7f3q2ab",
        "phone",
        "card",
        "ssn",
        "1",
        "22",
        "333",
        "4444",
        "55555",
        "@",
        ".",
        "-",
        " ",
        "/",
        "(",
        ")",
        "+",
        ":",
        "a",
        "Z",
        "_",
        "é",
        "\n",
        "x12",
    ]);
    let word = prop_oneof![5 => pieces.prop_map(str::to_owned), 1 => "[ -~]{0,6}", 1 => "[0-9 .()/+-]{0,12}"];
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn windows_find_what_a_search_of_everything_finds(text in texts()) {
        let windowed = crate::finding::resolve(engine().find_plain(&text));
        for finding in crate::finding::resolve(naive(&text)) {
            let covered = windowed.iter().any(|other| other.range.start <= finding.range.start && finding.range.end <= other.range.end);
            prop_assert!(covered, "{:?} of {:?} not in {:?}", finding, text, windowed);
        }
    }
}

#[test]
fn a_text_without_anything_is_left_alone() {
    assert!(engine().find_plain("Nothing to see here, move along.").is_empty());
}
