use serde_json::{Value, json};

use super::{HEADER, by, set, verdict, with};
use crate::support::Signer;

#[test]
fn of_several_keys_the_named_one_counts() {
    let (one, two, rsa) = (Signer::es256("one"), Signer::es256("two"), Signer::rsa("rsa", "RS256"));
    let all = set(&[&one, &two, &rsa]);
    for signer in [&one, &two, &rsa] {
        let token = signer.raw(json!({"alg": signer.alg, "kid": signer.kid}).to_string(), "payload");
        assert_eq!(verdict(&all, &token), "ok");
    }
    assert_eq!(verdict(&all, &one.raw(r#"{"alg":"ES256","kid":"two"}"#, "")), "signature");
    assert_eq!(verdict(&all, &one.raw(r#"{"alg":"ES256","kid":"rsa"}"#, "")), "alg_key_mismatch");
    assert_eq!(verdict(&all, &one.raw(r#"{"alg":"ES256","kid":"three"}"#, "")), "kid_unknown");
    assert_eq!(verdict(&all, &one.raw(r#"{"alg":"ES256"}"#, "")), "kid_missing");
}

#[test]
fn a_name_is_compared_byte_for_byte() {
    let signer = Signer::es256("k-\u{e9}");
    let token = |kid: &str| signer.raw(json!({"alg": "ES256", "kid": kid}).to_string(), "");
    assert_eq!(by(&signer.jwk(), &token("k-\u{e9}")), "ok");
    for kid in ["k-e\u{301}", "K-\u{e9}", "k-\u{e9} ", "k-", "", "k-\u{e9}\0", "../k-\u{e9}", "*"] {
        assert_eq!(by(&signer.jwk(), &token(kid)), "kid_unknown", "{kid:?}");
    }
    let nameless = with(signer.jwk(), json!({"kid": null}));
    assert_eq!(by(&nameless, &token("k")), "kid_unknown");
    assert_eq!(by(&nameless, &signer.raw(r#"{"alg":"ES256"}"#, "")), "ok");
    let empty = with(signer.jwk(), json!({"kid": ""}));
    assert_eq!(by(&empty, &token("")), "ok");
    let numbered = with(signer.jwk(), json!({"kid": 1}));
    assert_eq!(by(&numbered, &token("1")), "jwks_no_usable_key");
}

#[test]
fn one_name_is_one_key_unless_the_kind_tells_them_apart() {
    let (one, two, rsa) = (Signer::es256("k"), Signer::es256("k"), Signer::rsa("k", "RS256"));
    assert_eq!(verdict(&set(&[&one, &two]), &one.raw(HEADER, "")), "jwks_ambiguous");
    assert_eq!(verdict(&set(&[&one, &one]), &one.raw(HEADER, "")), "jwks_ambiguous");
    // RFC 7517 §4.5 has alternatives of different kinds under one name.
    assert_eq!(verdict(&set(&[&one, &rsa]), &one.raw(HEADER, "")), "ok");
    assert_eq!(verdict(&set(&[&one, &rsa]), &rsa.raw(r#"{"alg":"RS256","kid":"k"}"#, "")), "ok");
}

#[test]
fn a_key_we_cannot_use_hides_none_that_we_can() {
    let signer = Signer::es256("k");
    let token = signer.raw(HEADER, "");
    let others = [
        json!({"kty": "EC", "crv": "secp256k1", "kid": "k", "x": "AA", "y": "AA"}),
        json!({"kty": "future", "kid": "k"}),
        json!({"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}),
        with(Signer::es256("k").jwk(), json!({"use": "enc"})),
        json!({}),
    ];
    for other in others {
        assert_eq!(verdict(&json!({"keys": [other, signer.jwk()]}), &token), "ok", "{other}");
        assert_eq!(verdict(&json!({"keys": [other]}), &token), "jwks_no_usable_key", "{other}");
    }
}

#[test]
fn a_set_that_gives_a_secret_away_is_not_relied_on() {
    let (signer, other) = (Signer::es256("k"), Signer::es256("other"));
    let token = signer.raw(HEADER, "");
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let leak = with(other.jwk(), json!({member: "AAAA"}));
        for keys in [json!([signer.jwk(), leak]), json!([leak, signer.jwk()])] {
            assert_eq!(verdict(&json!({"keys": keys}), &token), "jwks_bad", "{member}");
        }
    }
    let symmetric = json!({"kty": "oct", "kid": "o", "alg": "HS256", "k": "AAAA"});
    assert_eq!(verdict(&json!({"keys": [signer.jwk(), symmetric]}), &token), "jwks_bad");
}

#[test]
fn a_set_is_an_object_with_keys_that_every_parser_reads_alike() {
    let signer = Signer::es256("k");
    let token = signer.raw(HEADER, "");
    let jwk = signer.jwk();
    for set in [
        json!([jwk]),
        json!({}),
        json!({"keys": {}}),
        json!({"keys": jwk}),
        json!({"keys": [[jwk]]}),
        json!({"keys": [jwk, "x"]}),
        json!("x"),
        json!(null),
        jwk.clone(),
    ] {
        assert_eq!(verdict(&set, &token), "jwks_malformed", "{set}");
    }
    assert_eq!(verdict(&json!({"keys": []}), &token), "jwks_no_usable_key");
    assert_eq!(verdict(&json!({"keys": [jwk], "more": 1, "KEYS": []}), &token), "ok");
    let text = json!({"keys": [jwk]}).to_string();
    let parsed = |text: String| attach_auth::jws::KeySet::parse(text.as_bytes()).map(|keys| keys.len());
    assert_eq!(parsed(text.clone()), Ok(1));
    for broken in [
        text.replace("\"kty\"", "\"kty\":\"RSA\",\"kty\""),
        text.replace("{\"keys\"", "{\"keys\":[],\"keys\""),
        format!("{text}x"),
        format!("\u{feff}{text}"),
        text.replace("\"sig\"", "\"\u{1}\""),
    ] {
        assert_eq!(
            parsed(broken.clone()).map_err(attach_auth::jws::KeySetError::as_str),
            Err("jwks_malformed"),
            "{broken}"
        );
    }
}

#[test]
fn a_key_of_a_set_may_stand_anywhere_among_the_first_hundred() {
    let signer = Signer::es256("k");
    let mut keys: Vec<Value> = (0..99).map(|n| with(signer.jwk(), json!({"kid": n.to_string()}))).collect();
    keys.push(signer.jwk());
    assert_eq!(verdict(&json!({"keys": keys}), &signer.raw(HEADER, "")), "ok");
    keys.insert(0, with(signer.jwk(), json!({"kid": "first"})));
    assert_eq!(verdict(&json!({"keys": keys}), &signer.raw(HEADER, "")), "kid_unknown");
}
