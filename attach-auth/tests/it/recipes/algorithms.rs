//! The header's `alg` is not the caller's to choose.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::Recipe;
use super::shot::Shot;
use super::site::Site;
use crate::support::{Signer, b64, claims};

pub(super) const RECIPES: &[Recipe] = &[
    ("alg-none-0", || none("none")),
    ("alg-none-1", || none("None")),
    ("alg-none-2", || none("NONE")),
    ("alg-none-3", || none("nOnE")),
    ("alg-none-4", || none(" none")),
    ("alg-none-5", || none("none\0")),
    ("alg-hs256-rsa-pem", hs256_by_the_published_pem),
    ("alg-hs256-jwk", hs256_by_the_published_numbers),
    ("alg-downgrade", another_algorithm_than_the_keys),
];

/// Without a signature, and with one that was good for another header.
fn none(alg: &str) -> Vec<Shot> {
    let signer = Signer::es256("k");
    let signed =
        format!("{}.{}", b64(json!({"alg": alg, "kid": "k"}).to_string()), b64(claims().to_string()));
    let good = signer.token(&claims());
    let stale = good.rsplit_once('.').expect("has dots").1;
    let site = || Site::of(&[&signer]);
    vec![
        Shot::bearer(site(), &format!("{signed}.")),
        Shot::bearer(site(), &format!("{signed}.{stale}")),
        Shot::header(json!({"alg": alg})),
    ]
}

fn hs256(signer: &Signer, secret: &[u8]) -> Shot {
    let header = json!({"alg": "HS256", "kid": "k"}).to_string();
    let signed = format!("{}.{}", b64(header), b64(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    Shot::bearer(Site::of(&[signer]), &format!("{signed}.{}", b64(tag)))
}

fn modulus(signer: &Signer) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(signer.jwk()["n"].as_str().expect("a modulus")).expect("base64url")
}

/// `RSAPublicKey` (RFC 8017 A.1.1) and `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) of a 2048-bit key.
fn hs256_by_the_published_pem() -> Vec<Shot> {
    let signer = Signer::rsa("k", "RS256");
    let pkcs1 = [
        &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00][..],
        &modulus(&signer),
        &[0x02, 0x03, 0x01, 0x00, 0x01],
    ]
    .concat();
    let rsa_encryption =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let spki =
        [&[0x30, 0x82, 0x01, 0x22][..], &rsa_encryption, &[0x03, 0x82, 0x01, 0x0f, 0x00], &pkcs1].concat();
    let mut shots = Vec::new();
    for (label, der) in [("RSA PUBLIC KEY", pkcs1), ("PUBLIC KEY", spki)] {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"));
        shots.push(hs256(&signer, pem.as_bytes()));
        shots.push(hs256(&signer, format!("{pem}\n").as_bytes()));
    }
    shots
}

fn hs256_by_the_published_numbers() -> Vec<Shot> {
    let signer = Signer::rsa("k", "RS256");
    let jwk = signer.jwk();
    vec![
        hs256(&signer, &modulus(&signer)),
        hs256(&signer, jwk["n"].as_str().expect("a modulus").as_bytes()),
        hs256(&signer, jwk.to_string().as_bytes()),
    ]
}

fn another_algorithm_than_the_keys() -> Vec<Shot> {
    let rsa = Signer::rsa("k", "RS256");
    let p384 = Signer::es384("k");
    let es256 = p384.token_with(&json!({"alg": "ES256", "kid": "k"}), &claims());
    vec![
        Shot::bearer(Site::of(&[&rsa.as_alg("PS256")]), &rsa.token(&claims())),
        Shot::bearer(Site::of(&[&rsa]), &rsa.as_alg("PS256").token(&claims())),
        Shot::bearer(Site::of(&[&p384]), &es256),
    ]
}

#[tokio::test]
async fn no_algorithm_but_the_keys_own_is_let_in() {
    super::send(RECIPES).await;
}
