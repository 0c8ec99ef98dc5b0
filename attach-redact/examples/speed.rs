//! Measures the engine on 2 KB and 100 KB of several kinds of text, beside a bare search for 250 words, and beside one for
//! the engine's own words.
//!
//! ```text
//! cargo run --release -p attach-redact --example speed [-- FILE…]
//! ```
//!
//! `SPEED_ONLY=prose` measures the kinds of text with that in their name.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use attach_redact::fuzzing::count_words;
use attach_redact::{Redactor, Scope};

const PROSE: &str = "The committee met on Thursday to discuss the proposal, and after a long debate it was agreed that \
    nothing should be decided before the autumn. Some members felt that the figures were too optimistic; others said \
    the risks of waiting were greater than the risks of going ahead. In the end a compromise was found, as it usually \
    is: a small group will look at the question again and report back. Meanwhile the work goes on as before. ";
const CODE: &str = "fn handle(&mut self, request: Request<Body>) -> Result<Response, Error> {\n    let (parts, body) = \
    request.into_parts();\n    let limit = self.config.limit.unwrap_or(1 << 20);\n    match self.inner.call(parts, \
    body, limit) {\n        Ok(value) => Ok(Response::new(value.into())),\n        Err(error) => \
    Err(Error::Upstream(error.to_string())),\n    }\n}\n\n";
/// A finding every 107 bytes, as in the tickets of a help desk.
const DENSE: &str = "Please update the account of Maria Schneider: her new e-mail address is maria.schneider@example.org and she can be \
    reached on +49 30 901820 after six. She moved in the spring and would like the next letters to go to the new place. The \
    invoice was paid with card 4111 1111 1111 1111 last Tuesday, and the order was placed from 93.184.216.34 according to the \
    log. Nothing else has changed since then, so please keep the settings of the newsletter and of the delivery as they are, and \
    tell her when it is done. ";
/// A finding every 23 bytes and nothing else: denser than any text that people write.
const SOLID: &str = "Zbigniew Nowak <bob.o'neil@example.org>, +49 30 901820 or (415) 555-2671, card 4111 1111 1111 1111, \
    IBAN DE89 3704 0044 0532 0130 00, SSN 536-22-8726, from 93.184.216.34 (3c:22:fb:9a:01:7e), key \
    AKIAQ3EGRZJTWXYZ2345, postgres://admin:hunter22@db.internal/x\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let redactor = Redactor::builder().build()?;
    println!("build: {:?}", start.elapsed());
    let words: Vec<String> = (0..250).map(|n| format!("q{n}x{}", n * 7919 % 1000)).collect();
    let bare = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .prefilter(false)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)?;
    let mut kinds: Vec<(String, String)> = [
        ("prose", PROSE),
        ("code", CODE),
        ("dense", DENSE),
        ("solid", SOLID),
        ("json numbers", "{\"id\":1834762,\"t\":1700000000,\"v\":[12.5,0.25,1e9]},"),
        ("non-ASCII", "Привет, как дела? 今天天气很好。Größe und Maß sind wichtig. "),
        ("base64", "SGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3QgMTIzNDU2Nzg5MA"),
        ("a:a:a:", "a:"),
        ("1 1 1", "1 "),
        ("1234567890", "1234567890"),
        ("4111 4111", "4111 "),
        ("@@@", "a@"),
        ("0171 0171", "0171 "),
        ("+49 +49", "+49 30 9018 "),
        ("Anna Anna", "Anna "),
        ("Aa Bb Cc", "Aa Bb Cc Dd Ee Ff Gg Hh "),
        ("Aa, Bb, Cc", "Aa, Bb, Cc, "),
        ("A. A. A.", "A. "),
        ("AAAA", "A"),
        ("AAAA AAAA", "ABLE "),
        ("Mr Mr Mr", "Mr "),
        ("Van van van", "Van van "),
        ("anna anna", "anna "),
        ("a.a@a.a", "a.a@a.a-"),
        ("sk-sk-", "sk-"),
        ("ey.ey.", "eyAAAAAAAAAAAAAAAAAAAA."),
        ("eyJ.eyJ.", "eyJ."),
        ("sk-proj-", "sk-proj-"),
        ("sk-ant-", "sk-ant-api03-"),
        ("-----BEGIN", "-----BEGIN "),
        ("PRIVATE KEY", "-----BEGIN PRIVATE KEY-----\nA"),
        ("twitter", "twitter"),
        ("twitter = a", "twitter = aaaaaaaa "),
        ("facebook", "facebook "),
        ("pypi", "pypi-AgEIcHlwaS5vcmc"),
        ("kind: Secret", "kind: Secret\ndata:\n  a: b\n"),
        ("curl -u", "curl -u a:b "),
        ("Basic", "Authorization: Basic "),
        ("sig=", "&sig=AAAAAAAA"),
        ("://a:b", "://a:b"),
        ("P P P", "PII_ "),
        ("IBAN", "DE89 "),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    for path in std::env::args().skip(1) {
        kinds.push((path.clone(), std::fs::read_to_string(path)?));
    }
    println!(
        "{:<14} {:>12} {:>12} {:>8} {:>8} {:>12} {:>12}",
        "text", "2 KB", "100 KB", "of bare", "of own", "redact 2 KB", "redact 100"
    );
    let only = std::env::var("SPEED_ONLY").unwrap_or_default();
    for (name, sample) in kinds.iter().filter(|(name, _)| name.contains(&only)) {
        let (small, large) = (sized(sample, 2 << 10), sized(sample, 100 << 10));
        let find = |text: &str| rate(text.len(), || drop(black_box(redactor.find(text))));
        let count = rate(large.len(), || {
            black_box(bare.find_iter(&large).count() + memchr::memchr_iter(b'@', large.as_bytes()).count());
        });
        let own = rate(large.len(), || {
            black_box(count_words(&redactor, &large) + memchr::memchr_iter(b'@', large.as_bytes()).count());
        });
        let scope = Scope::anonymous();
        let redact = |text: &str| rate(text.len(), || drop(black_box(redactor.redact_text(&scope, text))));
        let (two, hundred) = (find(&small), find(&large));
        println!(
            "{:<14} {two:>7.1} MB/s {hundred:>7.1} MB/s {:>8.2} {:>8.2} {:>7.1} MB/s {:>7.1} MB/s",
            name.rsplit('/').next().unwrap_or(name),
            hundred / count,
            hundred / own,
            redact(&small),
            redact(&large),
        );
    }
    Ok(())
}

fn sized(sample: &str, size: usize) -> String {
    let mut text = sample.repeat(size / sample.len() + 1);
    let mut end = size;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// In megabytes per second, the best of several tries.
fn rate(bytes: usize, mut work: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    let begun = Instant::now();
    let mut tries = 0;
    while tries < 3 || (begun.elapsed() < Duration::from_millis(150) && tries < 10_000) {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
        tries += 1;
    }
    bytes as f64 / 1e6 / best.as_secs_f64()
}
