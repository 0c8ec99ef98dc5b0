//! `exp`, `nbf` and `iat`, by the wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_auth::Clock;
use serde_json::{Value, json};

use super::Recipe;
use super::shot::Shot;
use super::site::{Site, exchange};
use crate::support::{NOW, Reply, Signer, claims, claims_with, config};

pub(super) const RECIPES: &[Recipe] = &[
    ("exp-string", || vec![exp(r#""1999999999""#)]),
    ("exp-float", || vec![exp(&format!("{}.5", NOW + 600)), exp(&format!("{}e0", NOW + 600))]),
    ("exp--1", || vec![exp("-1")]),
    ("exp--1.5", || vec![exp("-1.5")]),
    ("exp-1e300", || vec![exp("1e300").expects(401, "lifetime")]),
    ("exp-NaN", not_a_number),
    ("exp-null", || vec![exp("null")]),
    ("exp-true", || vec![exp("true")]),
    ("exp-{}", || vec![exp("{}")]),
    ("exp-[]", || vec![exp("[]")]),
    ("exp-18446744073709551615", || vec![exp("18446744073709551615").expects(401, "lifetime")]),
    ("exp-9007199254740993", || vec![exp("9007199254740993").expects(401, "lifetime")]),
    ("exp-missing", || vec![Shot::claims(json!({"exp": null}))]),
    ("exp-leeway", leeway),
    ("iat-future", || vec![Shot::claims(json!({"iat": NOW + 600})), Shot::claims(json!({"iat": NOW + 61}))]),
    ("nbf-future", || {
        [json!(NOW + 600), json!("1"), json!(true), json!(-1)]
            .map(|nbf| Shot::claims(json!({"nbf": nbf})))
            .into()
    }),
    ("nbf-leeway", || vec![Shot::claims(json!({"nbf": NOW + 30})), Shot::claims(json!({"nbf": NOW + 60}))]),
];

/// A token with this `exp`, spelled so, and no `iat` to hold it against.
fn exp(spelling: &str) -> Shot {
    let claims = claims_with(json!({"iat": null, "exp": "HERE"})).to_string();
    Shot::payload(claims.replace("\"HERE\"", spelling))
}

fn not_a_number() -> Vec<Shot> {
    let spellings = ["NaN", "Infinity", "0x7fffffff", "01999999999", "+1999999999"];
    spellings
        .map(|spelling| {
            exp(spelling)
                .expects(401, "malformed")
                .although("it is no JSON (RFC 8259 §6), so there are no claims")
        })
        .into()
}

fn leeway() -> Vec<Shot> {
    let at = |exp: u64| Shot::claims(json!({"iat": NOW - 600, "exp": exp}));
    vec![
        at(NOW - 30).expects(200, "ok"),
        at(NOW - 59).expects(200, "ok"),
        at(NOW - 60).expects(401, "expired"),
        at(NOW - 61).expects(401, "expired"),
    ]
}

/// A wall clock that jumps beside another that does not.
#[derive(Debug, Default)]
struct JumpingClock(AtomicI64);

impl Clock for JumpingClock {
    fn now(&self) -> SystemTime {
        let now = NOW.saturating_add_signed(self.0.load(Ordering::Relaxed));
        UNIX_EPOCH + Duration::from_secs(now)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(1)
    }
}

#[tokio::test]
async fn tokens_are_good_in_their_time() {
    super::send(RECIPES).await;
}

#[tokio::test]
async fn tokens_follow_the_wall_clock_and_keys_do_not() {
    let signer = Signer::es256("k");
    let mut site = Site::issuers(vec![config().jwks_uri("https://idp.test/jwks").expect("a URL")]);
    site.fetch.set("https://idp.test/jwks", Reply::Json(Signer::set(&[&signer])));
    let clock = Arc::new(JumpingClock::default());
    site.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let address = site.start().await;
    let told = async |claims: &Value| {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
            signer.token_with(&json!({"alg": "ES256", "kid": "k"}), claims)
        );
        let answer = exchange(address, request.as_bytes()).await;
        format!("{} {}", answer.status, answer.headers["x-test-reason"].to_str().expect("is text"))
    };
    for _ in 0..2 {
        // The first is verified, the second remembered.
        for _ in 0..2 {
            assert_eq!(told(&claims()).await, "200 ok");
        }
        clock.0.store(-3600, Ordering::Relaxed);
        assert_eq!(told(&claims()).await, "401 iat_future");
        clock.0.store(3600, Ordering::Relaxed);
        assert_eq!(told(&claims()).await, "401 expired");
        let then = claims_with(json!({"iat": NOW + 3600, "exp": NOW + 4200}));
        assert_eq!(told(&then).await, "200 ok");
        clock.0.store(0, Ordering::Relaxed);
    }
    assert_eq!(site.fetch.count("/jwks"), 1);
}
