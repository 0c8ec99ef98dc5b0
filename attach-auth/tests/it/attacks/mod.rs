//! Hostile tokens, each refused for its own reason.

mod claims;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, Signer, b64, claims, claims_with, config, get, verifier};

/// The private reason for which `token` is refused with 401; `ok` if it is not.
async fn reason(signers: &[&Signer], token: &str) -> String {
    match verifier(config(), signers).verify(token).await {
        Ok(_) => "ok".to_owned(),
        Err(denial) => {
            assert_eq!(denial.status(), 401, "{denial:?}");
            denial.reason().to_owned()
        }
    }
}

async fn with_claims(changes: Value) -> String {
    let signer = Signer::es256("k");
    reason(&[&signer], &signer.token(&claims_with(changes))).await
}

async fn with_header(header: Value) -> String {
    let signer = Signer::es256("k");
    reason(&[&signer], &signer.token_with(&header, &claims())).await
}

#[tokio::test]
async fn no_algorithm_but_the_keys_own() {
    for none in ["none", "None", "NONE", "nOnE", " none", "none\0", "HS256", "es256", ""] {
        let signer = Signer::es256("k");
        let token = signer.token_with(&json!({"alg": none, "kid": "k"}), &claims());
        assert_eq!(reason(&[&signer], &token).await, "alg_not_allowed", "{none}");
        let unsigned = format!("{}.", token.rsplit_once('.').expect("has dots").0);
        assert_eq!(reason(&[&signer], &unsigned).await, "alg_not_allowed", "{none}");
    }
    let (es256, es384) = (Signer::es256("k"), Signer::es384("k"));
    assert_eq!(reason(&[&es384], &es256.token(&claims())).await, "alg_key_mismatch");
    let rsa = Signer::rsa("k", "RS256");
    assert_eq!(reason(&[&rsa.as_alg("PS256")], &rsa.token(&claims())).await, "alg_key_mismatch");
    let only_rsa = verifier(config().algorithms(["RS256".parse().expect("known")]), &[&es256]);
    let denial = only_rsa.verify(&es256.token(&claims())).await.expect_err("is not allowed");
    assert_eq!(denial.reason(), "alg_not_allowed");
}

#[tokio::test]
async fn a_key_is_named_exactly_or_not_at_all() {
    let (one, two) = (Signer::es256("k-1"), Signer::es256("k-2"));
    let no_kid = one.token_with(&json!({"alg": "ES256"}), &claims());
    assert_eq!(reason(&[&one], &no_kid).await, "ok");
    assert_eq!(reason(&[&one, &two], &no_kid).await, "kid_missing");
    for kid in ["K-1", "k-1 ", "../../dev/null", "x' UNION SELECT", "k-1\r\n", "k-1\0"] {
        let token = one.token_with(&json!({"alg": "ES256", "kid": kid}), &claims());
        assert_eq!(reason(&[&one], &token).await, "kid_unknown", "{kid}");
    }
    for kid in [json!(1), json!(null), json!(["k-1"]), json!({})] {
        let token = one.token_with(&json!({"alg": "ES256", "kid": kid}), &claims());
        assert_eq!(reason(&[&one], &token).await, "malformed_header");
    }
    let twin = Signer::es256("k-1");
    assert_eq!(reason(&[&one, &twin], &one.token(&claims())).await, "jwks_ambiguous");
}

#[tokio::test]
async fn a_key_in_the_header_is_not_even_looked_at() {
    let (ours, theirs) = (Signer::es256("k"), Signer::es256("k"));
    for (name, value) in [
        ("jku", json!("https://evil.test/jwks")),
        ("x5u", json!("https://evil.test/cert")),
        ("jwk", theirs.jwk()),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "k"});
        header[name] = value;
        assert_eq!(reason(&[&ours], &theirs.token_with(&header, &claims())).await, "signature", "{name}");
        assert_eq!(reason(&[&ours], &ours.token_with(&header, &claims())).await, "ok", "{name}");
    }
}

#[tokio::test]
async fn a_header_that_says_more_than_we_know_is_refused() {
    for crit in [json!(["x"]), json!([]), json!("x"), json!(["b64"])] {
        assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "crit": crit, "x": 1})).await, "crit");
    }
    assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "b64": false})).await, "crit");
    assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "zip": "DEF"})).await, "malformed_header");
    assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "cty": "JWT"})).await, "jwe_unsupported");
    let signer = Signer::es256("k");
    let twice = signer.raw(r#"{"alg":"ES256","alg":"none","kid":"k"}"#, claims().to_string());
    assert_eq!(reason(&[&signer], &twice).await, "malformed_header");
    assert_eq!(reason(&[&signer], "a.b.c.d.e").await, "jwe_unsupported");
}

#[tokio::test]
async fn a_token_of_another_kind_is_refused() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt"] {
        assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "typ": typ})).await, "ok", "{typ}");
    }
    for typ in
        ["logout+jwt", "secevent+jwt", "dpop+jwt", "id_token", "JWE", "application/okta-internal-at+jwt", ""]
    {
        assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "typ": typ})).await, "typ", "{typ}");
    }
    let id_token = json!({"nonce": "n", "at_hash": "h", "scope": null});
    assert_eq!(with_claims(id_token).await, "not_access_token");
    let signer = Signer::es256("k");
    let bare = signer.token_with(&json!({"alg": "ES256", "kid": "k"}), &claims_with(json!({"scope": null})));
    assert_eq!(reason(&[&signer], &bare).await, "not_access_token");
    for typ in ["Refresh", "Offline", "Logout", "ID"] {
        assert_eq!(with_claims(json!({"typ": typ})).await, "not_access_token", "{typ}");
    }
    assert_eq!(with_claims(json!({"events": {}})).await, "not_access_token");
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token() {
    assert_eq!(with_claims(json!({"cnf": {"jkt": "x"}})).await, "dpop_required");
    assert_eq!(with_claims(json!({"cnf": {"x5t#S256": "x"}})).await, "cnf_mismatch");
    assert_eq!(with_claims(json!({"cnf": {"new": "x"}})).await, "cnf_unsupported");
}

#[tokio::test]
async fn bytes_that_are_no_token_are_refused() {
    let signer = Signer::es256("k");
    let good = signer.token(&claims());
    let (signed, _) = good.rsplit_once('.').expect("has dots");
    for token in ["", ".", "..", "a.b.c.d", &format!("{good}="), &format!("{good}\n"), signed] {
        assert_eq!(reason(&[&signer], token).await, "malformed", "{token}");
    }
    let header = r#"{"alg":"ES256","kid":"k"}"#;
    for payload in ["[]", "\"x\"", "1", "null", "", "\u{feff}{}", r#"{"a":"\ud800"}"#] {
        assert_eq!(reason(&[&signer], &signer.raw(header, payload)).await, "malformed", "{payload}");
    }
    assert_eq!(reason(&[&signer], &signer.raw(header, [0xff, 0xfe])).await, "malformed");
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert_eq!(reason(&[&signer], &signer.raw(header, deep(33))).await, "malformed");
    assert_eq!(reason(&[&signer], &signer.raw(header, deep(30))).await, "iss");
    let long = format!("{}.{}.{}", b64(header), "A".repeat(16 * 1024), "A".repeat(86));
    assert_eq!(reason(&[&signer], &long).await, "too_large");
}

#[tokio::test]
async fn the_key_of_one_issuer_signs_nothing_for_another() {
    use std::sync::Arc;

    use attach_auth::{OidcVerifier, Preset};

    use crate::support::{TestClock, TestFetch, config_of};

    let (a, b) = (Signer::es256("same"), Signer::es256("same"));
    let with = |issuer: &str, signer: &Signer| {
        config_of(Preset::Generic, issuer).jwks(Signer::set(&[signer]).as_bytes()).expect("a set")
    };
    let configs = vec![with(ISSUER, &a), with("https://other.test", &b)];
    let verifier =
        OidcVerifier::with_clock(configs, Arc::new(TestFetch::default()), Arc::new(TestClock::default()))
            .expect("a verifier");
    let of_b = claims_with(json!({"iss": "https://other.test"}));
    let alice = verifier.verify(&a.token(&claims())).await.expect("is good");
    let other = verifier.verify(&b.token(&of_b)).await.expect("is good");
    assert_ne!(alice.directory, other.directory);
    assert_eq!(verifier.verify(&b.token(&claims())).await.expect_err("is forged").reason(), "signature");
}

#[tokio::test]
async fn a_hostile_subject_stays_data() {
    let signer = Signer::es256("k");
    for sub in ["a\r\nX-Admin: 1".to_owned(), "\0".to_owned(), "x".repeat(4096), "\u{202e}evil".to_owned()] {
        let answer =
            get(verifier(config(), &[&signer]), &signer.token(&claims_with(json!({"sub": sub})))).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(with_claims(json!({"sub": ""})).await, "sub");
    assert_eq!(with_claims(json!({"sub": 7})).await, "sub");
}

#[tokio::test]
async fn a_leeway_of_its_own() {
    let signer = Signer::es256("k");
    let strict = verifier(config().leeway(Duration::ZERO), &[&signer]);
    let token = signer.token(&claims_with(json!({"exp": NOW})));
    assert_eq!(strict.verify(&token).await.expect_err("is over").reason(), "expired");
}
