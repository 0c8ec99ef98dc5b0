//! Claims that are not what they have to be.

use serde_json::json;

use super::{reason, with_claims};
use crate::support::{AUDIENCE, ISSUER, NOW, Signer, claims, claims_with};

#[tokio::test]
async fn a_claim_that_is_there_twice_is_refused() {
    let signer = Signer::es256("k");
    let good = claims().to_string();
    for twice in [r#","exp":1}"#, r#","sub":"bob"}"#, r#","s\u0075b":"bob"}"#, r#","r":{"a":1,"a":2}}"#] {
        let payload = format!("{}{twice}", good.strip_suffix('}').expect("an object"));
        let token = signer.raw(r#"{"alg":"ES256","kid":"k"}"#, payload);
        assert_eq!(reason(&[&signer], &token).await, "duplicate_claim", "{twice}");
    }
}

#[tokio::test]
async fn times_are_numbers_within_bounds() {
    for (exp, expected) in [
        (json!("1999999999"), "exp_type"),
        (json!(true), "exp_type"),
        (json!({}), "exp_type"),
        (json!([]), "exp_type"),
        (json!(-1), "exp_type"),
        (json!(-1.5), "exp_type"),
        (json!(1e300), "lifetime"),
        (json!(u64::MAX), "lifetime"),
        (json!(9_007_199_254_740_993_u64), "lifetime"),
        (json!(NOW + 24 * 3600 + 61), "lifetime"),
        (json!(NOW - 30), "ok"),
        (json!(NOW - 59), "ok"),
        (json!(NOW - 60), "expired"),
        (json!(NOW - 61), "expired"),
    ] {
        let signer = Signer::es256("k");
        let mut claims = claims_with(json!({"iat": null}));
        claims["exp"] = exp.clone();
        assert_eq!(reason(&[&signer], &signer.token(&claims)).await, expected, "{exp}");
    }
    let fraction: f64 = 1_767_226_200.5;
    assert_eq!(with_claims(json!({"exp": fraction})).await, "ok");
    assert_eq!(with_claims(json!({"exp": null})).await, "exp_missing");
    assert_eq!(with_claims(json!({"iat": NOW + 600})).await, "iat_future");
    assert_eq!(with_claims(json!({"iat": "now"})).await, "iat_type");
    assert_eq!(with_claims(json!({"iat": NOW - 90_000})).await, "lifetime");
    assert_eq!(with_claims(json!({"nbf": NOW + 600})).await, "nbf");
    assert_eq!(with_claims(json!({"nbf": "soon"})).await, "nbf");
    assert_eq!(with_claims(json!({"nbf": NOW + 30})).await, "ok");
}

#[tokio::test]
async fn the_audience_is_ours_exactly() {
    assert_eq!(with_claims(json!({"aud": ["other", AUDIENCE]})).await, "ok");
    for aud in [
        json!(null),
        json!(5),
        json!([]),
        json!({}),
        json!(["evil", 1]),
        json!([AUDIENCE, 1]),
        json!("api://gw/"),
        json!("API://GW"),
        json!("api://gw.evil.test"),
        json!("api://gw evil"),
        json!([[AUDIENCE]]),
    ] {
        assert_eq!(with_claims(json!({"aud": aud})).await, "aud", "{aud}");
    }
}

#[tokio::test]
async fn the_issuer_is_ours_exactly() {
    for iss in [
        json!(null),
        json!(5),
        json!([ISSUER]),
        json!("https://idp.test/"),
        json!("http://idp.test"),
        json!("https://IDP.test"),
        json!("https://idp.test:443"),
        json!("https://idp.test.evil.test"),
        json!("https://u@idp.test"),
        json!("https://evil.test/https://idp.test"),
    ] {
        assert_eq!(with_claims(json!({"iss": iss})).await, "iss", "{iss}");
    }
}
