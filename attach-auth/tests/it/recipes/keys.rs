//! The key is the issuer's, named exactly, and never one the token brings along.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Recipe;
use super::shot::Shot;
use super::site::{Site, exchange};
use crate::support::{Reply, Signer, TestFetch, b64, claims, config};

pub(super) const RECIPES: &[Recipe] = &[
    ("kid-missing", kid_missing),
    ("kid-single", kid_single),
    ("kid-traversal", || unknown(&["../../../../dev/null", "/proc/self/environ"])),
    ("kid-sqli", kid_sqli),
    ("kid-type", kid_type),
    ("kid-case", || unknown(&["K", "k ", " k"])),
    ("hdr-jku", || brought_along("jku", json!("http://127.0.0.1:9/jwks"))),
    ("hdr-x5u", || brought_along("x5u", json!("http://127.0.0.1:9/certificate"))),
    ("hdr-jwk", || brought_along("jwk", json!(null))),
    ("hdr-x5c", || brought_along("x5c", json!(null))),
    ("hdr-jku-good", || {
        vec![
            Shot::header(json!({"jku": "http://127.0.0.1:9/jwks"})),
            Shot::header(json!({"x5u": "http://127.0.0.1:9/certificate"})),
        ]
    }),
    ("jwks-dup-kid", jwks_dup_kid),
    ("jwks-oct", jwks_oct),
];

fn kid_missing() -> Vec<Shot> {
    let (one, two, rsa) = (Signer::es256("one"), Signer::es256("two"), Signer::rsa("rsa", "RS256"));
    let token = one.token_with(&json!({"alg": "ES256"}), &claims());
    // Of two keys only one could have signed it; OpenID Connect Core §10.1 asks for the `kid` all the same.
    [[&one, &two], [&one, &rsa]].map(|keys| Shot::bearer(Site::of(&keys), &token)).into()
}

fn kid_single() -> Vec<Shot> {
    let one = Signer::es256("one");
    vec![Shot::bearer(Site::of(&[&one]), &one.token_with(&json!({"alg": "ES256"}), &claims()))]
}

fn unknown(kids: &[&str]) -> Vec<Shot> {
    kids.iter().map(|kid| Shot::header(json!({"kid": kid}))).collect()
}

fn kid_sqli() -> Vec<Shot> {
    let mut shots =
        unknown(&["x' UNION SELECT 1 --", "k\r\nx: y", "k\0", "", "\u{3ba}", "\u{202e}k", "k\u{200b}"]);
    shots.push(Shot::header(json!({"kid": "k".repeat(5 * 1024)})));
    shots
}

fn kid_type() -> Vec<Shot> {
    [json!(1), json!(null), json!(["k"]), json!({"k": 1}), json!(true)]
        .map(|kid| Shot::header(json!({"kid": kid})))
        .into()
}

/// A token that the key it brings along would verify.
fn brought_along(member: &str, value: Value) -> Vec<Shot> {
    let (ours, theirs) = (Signer::es256("k"), Signer::es256("k"));
    let value = match member {
        "jwk" => theirs.jwk(),
        "x5c" => json!([certificate(&theirs)]),
        _ => value,
    };
    let token = theirs.token_with(&json!({"alg": "ES256", "kid": "k", member: value}), &claims());
    vec![Shot::bearer(Site::of(&[&ours]), &token)]
}

fn jwks_dup_kid() -> Vec<Shot> {
    let (one, two) = (Signer::es256("k"), Signer::es256("k"));
    [&one, &two].map(|signer| Shot::bearer(Site::of(&[&one, &two]), &signer.token(&claims()))).into()
}

/// A provider whose set holds a private key is not relied on for any of its keys; a symmetric one is ignored, and a set
/// of nothing else is none.
fn jwks_oct() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let mut private = signer.jwk();
    private["d"] = json!(b64([7; 32]));
    let sets = [json!([{"kty": "oct", "kid": "k", "k": "AAAA"}]), json!([signer.jwk(), private])];
    let shots = sets.map(|keys| {
        let config = config().jwks_uri("https://idp.test/jwks").expect("a URL");
        let site = Site::issuers(vec![config]);
        site.fetch.set("https://idp.test/jwks", Reply::Json(json!({"keys": keys}).to_string()));
        Shot::bearer(site, &signer.token(&claims()))
    });
    shots.into()
}

/// A self-signed X.509 certificate of the signer's key, base64 as `x5c` has it (RFC 7515 §4.1.6).
fn certificate(signer: &Signer) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let jwk = signer.jwk();
    let coordinate =
        |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("is text")).expect("base64url");
    let point = [&[0, 4][..], &coordinate("x"), &coordinate("y")].concat();
    let ecdsa_with_sha256 = der(0x30, &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
    let ec_p256 =
        [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let name =
        der(0x30, &der(0x31, &der(0x30, &[&[0x06, 3, 0x55, 4, 3][..], &der(0x0c, b"idp.test")].concat())));
    let validity = [der(0x17, b"250101000000Z"), der(0x17, b"350101000000Z")].concat();
    let key = [der(0x30, &ec_p256), der(0x03, &point)].concat();
    let body =
        [vec![2, 1, 1], ecdsa_with_sha256.clone(), name.clone(), der(0x30, &validity), name, der(0x30, &key)];
    let body = der(0x30, &body.concat());
    let signature = signer.sign(&body);
    let (r, s) = signature.split_at(32);
    let pair = [der(2, &[&[0], r].concat()), der(2, &[&[0], s].concat())].concat();
    let signature = der(0x03, &[&[0][..], &der(0x30, &pair)].concat());
    STANDARD.encode(der(0x30, &[body, ecdsa_with_sha256, signature].concat()))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let length = if content.len() < 128 { vec![low] } else { vec![0x82, high, low] };
    [&[tag][..], &length, content].concat()
}

#[tokio::test]
async fn only_the_named_key_of_the_issuer_is_used() {
    super::send(RECIPES).await;
}

#[tokio::test]
async fn nobody_is_asked_for_a_key_that_a_token_points_at() {
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = format!("http://{}/keys", trap.local_addr().expect("an address"));
    let (ours, theirs) = (Signer::es256("k"), Signer::es256("k"));
    let site = Site::of(&[&ours]);
    let address = site.start().await;
    for (signer, status) in [(&ours, 200), (&theirs, 401)] {
        for member in ["jku", "x5u"] {
            let token = signer.token_with(&json!({"alg": "ES256", "kid": "k", member: there}), &claims());
            let request = format!(
                "GET / HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            assert_eq!(exchange(address, request.as_bytes()).await.status, status, "{member}");
        }
    }
    let asked = |fetch: &TestFetch| fetch.count("");
    assert_eq!(asked(&site.fetch), 0);
    let knock = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(knock, trap.accept()).await.is_err(), "somebody came");
}
