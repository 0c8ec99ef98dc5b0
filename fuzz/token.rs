//! A whole access token, through the verifier that the layer uses.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_auth::{Clock, Denial, IssuerConfig, OidcVerifier, Preset};
use attach_core::Identity;
use attach_core::fetch::{Fetch, FetchError, FetchFuture};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ISSUER: &str = "https://idp.test";
const AUDIENCE: &str = "api://gw";
/// 2026-01-01.
const NOW: u64 = 1_767_225_600;

/// As it is; and header and payload, which are the first line and the rest, under a good signature, so that what is
/// behind the signature is reached as well.
pub(super) fn check(data: &[u8]) {
    static PARTS: OnceLock<(OidcVerifier, Ed25519KeyPair)> = OnceLock::new();
    let (verifier, key) = PARTS.get_or_init(parts);
    let raw = String::from_utf8_lossy(data);
    assert!(verify(verifier, &raw).is_err(), "nobody signed this");
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (header, payload) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())));
    match (verify(verifier, &token), verify(verifier, &token)) {
        (Ok(first), Ok(again)) => {
            assert_eq!(
                (&first.directory, &first.id, &first.groups),
                (&again.directory, &again.id, &again.groups)
            );
            good(&first, header, payload);
        }
        (Err(first), Err(again)) => {
            assert_eq!((first.code(), first.reason()), (again.code(), again.reason()));
            assert_ne!(first.status().as_u16(), 503, "nothing is fetched");
        }
        _ => panic!("a token that is remembered is judged otherwise"),
    }
}

/// What is let in says what it has to say to another parser as well.
fn good(identity: &Identity, header: &[u8], payload: &[u8]) {
    let header: serde_json::Value = serde_json::from_slice(header).expect("a header is JSON");
    let claims: serde_json::Value = serde_json::from_slice(payload).expect("claims are JSON");
    assert_eq!(header["alg"], "EdDSA");
    assert!(header.get("crit").is_none());
    assert_eq!((&claims["iss"], &*identity.issuer), (&ISSUER.into(), ISSUER));
    let ours = |aud: &serde_json::Value| aud == AUDIENCE;
    assert!(ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(ours)));
    let seconds = |name: &str| claims.get(name).map(|value| value.as_f64().expect("is a number"));
    assert!(seconds("exp").is_some_and(|exp| exp > (NOW - 60) as f64 && exp < (NOW + 24 * 3600 + 62) as f64));
    assert!(seconds("nbf").is_none_or(|nbf| nbf < (NOW + 61) as f64));
    assert!(!identity.id.is_empty() && !identity.subject.is_empty());
    assert!(claims.get("cnf").is_none());
}

fn parts() -> (OidcVerifier, Ed25519KeyPair) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let jwks = serde_json::json!({"keys": [{
        "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": URL_SAFE_NO_PAD.encode(key.public_key()),
    }]});
    let config = IssuerConfig::new(Preset::Generic, ISSUER, [AUDIENCE.to_owned()])
        .and_then(|config| config.jwks(jwks.to_string().as_bytes()))
        .expect("a configuration");
    let verifier = OidcVerifier::with_clock(vec![config], Arc::new(Nowhere), Arc::new(Standing));
    (verifier.expect("a verifier"), key)
}

fn verify(verifier: &OidcVerifier, token: &str) -> Result<Arc<Identity>, Denial> {
    match pin!(verifier.verify(token)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}

/// The keys are given.
#[derive(Debug)]
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch(&self, _: http::Request<bytes::Bytes>) -> FetchFuture {
        Box::pin(async { Err(FetchError::Timeout) })
    }
}

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
