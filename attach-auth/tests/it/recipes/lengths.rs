//! Bytes that are no token, too many of them, or too deep.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Recipe;
use super::shot::Shot;
use super::site::Site;
use crate::support::{Signer, b64, claims, claims_with};

pub(super) const RECIPES: &[Recipe] = &[
    ("tok-empty", tok_empty),
    ("tok-huge", tok_huge),
    ("tok-nested", tok_nested),
    ("tok-bad-b64", tok_bad_b64),
    ("tok-nonutf8", tok_nonutf8),
    ("tok-not-object", || ["[]", "\"x\"", "1", "null", "", " ", "{}{}"].map(Shot::payload).into()),
];

/// The server reads no head of this length.
const BEFORE_US: &str = "a head that is longer than the server reads is answered by the server";

fn token(token: &str) -> Shot {
    Shot::bearer(Site::of(&[&Signer::es256("k")]), token)
}

fn tok_empty() -> Vec<Shot> {
    ["", " ", ".", "..", "a.b.c.d", "a.b.c", "a", "..."]
        .map(|text| match text {
            " " => Shot::head(Site::of(&[&Signer::es256("k")]), "/", "authorization: Bearer"),
            text => token(text),
        })
        .into()
}

/// A good token of so many bytes.
fn of_length(length: usize) -> Shot {
    let signer = Signer::es256("k");
    let padded = |bytes: usize| signer.token(&claims_with(json!({"pad": "x".repeat(bytes)})));
    let mut bytes = length * 3 / 4 - padded(0).len();
    while padded(bytes).len() < length {
        bytes += 1;
    }
    Shot::bearer(Site::of(&[&signer]), &padded(bytes))
}

fn tok_huge() -> Vec<Shot> {
    vec![
        of_length(8 * 1024).expects(200, "ok").although("8 KiB are fine, as the recipe has it in words"),
        of_length(16 * 1024 + 1).expects(401, "too_large"),
        token(&"A".repeat(16 * 1024 + 1)).expects(401, "too_large"),
        token(&"A".repeat(10 << 20)).expects(431, "").although(BEFORE_US),
    ]
}

fn tok_nested() -> Vec<Shot> {
    let deep = |open: &str, close: &str, levels: usize| {
        format!(r#"{{"a":{}1{}}}"#, open.repeat(levels), close.repeat(levels))
    };
    let many: String = (0..20_000).map(|n| format!("\"c{n}\":1,")).collect();
    let groups = vec!["g"; 100_000];
    vec![
        Shot::payload(deep("[", "]", 5_000)).expects(401, "malformed"),
        Shot::payload(deep(r#"{"a":"#, "}", 1_500)).expects(401, "malformed"),
        Shot::payload("[".repeat(11_000)).expects(401, "malformed"),
        Shot::payload(deep("[", "]", 10_000)).expects(401, "too_large"),
        Shot::payload(format!("{{{many}\"z\":1}}")).expects(401, "too_large"),
        Shot::claims(json!({"groups": groups})).expects(431, "").although(BEFORE_US),
    ]
}

fn tok_bad_b64() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let good = signer.token(&claims());
    let (signed, signature) = good.rsplit_once('.').expect("has dots");
    let (header, payload) = signed.split_once('.').expect("has dots");
    // 64 bytes are 86 characters, the last of which has four bits that mean nothing.
    let trailing = format!("{}{}", &signature[..85], if signature.ends_with('B') { 'C' } else { 'B' });
    let texts = [
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}. {payload}.{signature}"),
        format!("{header}.{payload}.{} {}", &signature[..8], &signature[8..]),
        format!("{header}.{payload}.+{}", &signature[1..]),
        format!("{header}.{payload}.{}/", &signature[..85]),
        format!("{signed}.{trailing}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{signed}.{}", &signature[..85]),
    ];
    let nul = format!("{header}.{payload}\0.{signature}");
    let site = || Site::of(&[&signer]);
    let mut shots: Vec<Shot> = texts.iter().map(|text| Shot::bearer(site(), text)).collect();
    shots.push(Shot::bearer(site(), &nul).expects(400, "").although("no header holds a NUL (RFC 9110 §5.5)"));
    shots
}

fn tok_nonutf8() -> Vec<Shot> {
    let utf16: Vec<u8> = claims().to_string().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut latin1 = claims().to_string().replace("alice", "al?ce").into_bytes();
    if let Some(byte) = latin1.iter_mut().find(|byte| **byte == b'?') {
        *byte = 0xe9;
    }
    let header = [
        b"GET / HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nauthorization: Bearer ".as_slice(),
        &[0xff, 0xfe],
        b"\r\n\r\n",
    ];
    vec![
        Shot::payload([0xff, 0xfe]),
        Shot::payload(utf16),
        Shot::payload(latin1),
        Shot::payload(format!("\u{feff}{}", claims())),
        Shot::payload(claims().to_string().replace("alice", "\\ud800")),
        Shot::raw(Site::of(&[&Signer::es256("k")]), header.concat()),
    ]
}

#[tokio::test]
async fn bytes_that_are_no_token_are_refused() {
    super::send(RECIPES).await;
}

/// The longest and deepest that is looked at is refused in less time than a slow signature takes.
#[tokio::test]
async fn the_worst_token_takes_no_time_to_speak_of() {
    let signer = Signer::es256("k");
    let verifier = crate::support::verifier(crate::support::config(), &[&signer]);
    let header = b64(r#"{"alg":"ES256","kid":"k"}"#);
    let filled = |unit: &str| format!("{header}.{}.AA", b64(unit.repeat(12_000 / unit.len())));
    for worst in
        [filled("["), filled(r#"{"a":"#), filled(r#""\u0061","#), filled("1,"), "A".repeat(16 * 1024)]
    {
        // The quickest of many: a loaded machine takes its time from most of them, not from all.
        let mut quickest = Duration::MAX;
        for _ in 0..200 {
            let start = Instant::now();
            assert!(verifier.verify(&worst).await.is_err());
            quickest = quickest.min(start.elapsed());
        }
        assert!(quickest < Duration::from_millis(2), "{quickest:?}");
    }
}
