//! Tokens that are bound to a key, and those who have the token alone.

use std::sync::Arc;
use std::time::Duration;

use attach_auth::OidcVerifier;
use attach_auth::dpop::Dpop;
use attach_core::{Peer, TlsFacts};
use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, NOW, Signer, TestClock, ask, b64, claims_with, config, verifier};

const URL: &str = "https://llm.example.com/v1/models";

/// A provider, a client with a key, and a service that takes proofs.
struct World {
    client: Signer,
    token: String,
    verifier: OidcVerifier,
    clock: TestClock,
}

fn world(change: impl FnOnce(Dpop) -> Dpop) -> World {
    let (provider, client, clock) = (Signer::es256("k"), Signer::es256("c"), TestClock::default());
    let token = provider.token(&claims_with(json!({"cnf": {"jkt": jkt(&client)}})));
    let dpop = Dpop::new("https://llm.example.com").expect("a URL").clock(Arc::new(clock.clone()));
    World { token, verifier: verifier(config(), &[&provider]).dpop(change(dpop)), client, clock }
}

fn sha256(bytes: &[u8]) -> String {
    b64(digest(&SHA256, bytes))
}

/// RFC 7638, spelled out for P-256.
fn jkt(client: &Signer) -> String {
    let jwk = client.jwk();
    sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]).as_bytes())
}

impl World {
    fn claims(&self, changes: Value) -> Value {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let jti = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let ath = sha256(self.token.as_bytes());
        let mut claims = json!({"htm": "GET", "htu": URL, "iat": NOW, "jti": jti, "ath": ath});
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    fn proof(&self, changes: Value) -> String {
        self.proof_by(&self.client, json!({"alg": "ES256"}), &self.claims(changes))
    }

    fn proof_by(&self, signer: &Signer, header: Value, claims: &Value) -> String {
        let mut whole = json!({"typ": "dpop+jwt", "alg": signer.alg, "jwk": signer.jwk()});
        for (name, value) in header.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        signer.token_with(&whole, claims)
    }

    async fn send(&self, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
        let mut request = Request::get("/v1/models").header("authorization", format!("{scheme} {token}"));
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        ask(self.verifier.clone(), request.body(Body::empty()).expect("a request")).await
    }

    async fn reason(&self, proof: &str) -> String {
        let (mut parts, ()) = Request::get("/v1/models").body(()).expect("a request").into_parts();
        parts.headers.insert("authorization", format!("DPoP {}", self.token).parse().expect("a value"));
        parts.headers.insert("dpop", proof.parse().expect("a value"));
        let credential = attach_auth::Credential::of(&parts).expect("one");
        match attach_auth::Authenticate::authenticate(&self.verifier, &credential, &parts).await {
            Ok(_) => "ok".to_owned(),
            Err(denial) => denial.reason().to_owned(),
        }
    }
}

#[tokio::test]
async fn a_bound_token_with_its_proof_is_let_in_and_neither_goes_further() {
    let world = world(|it| it);
    for _ in 0..2 {
        let answer = world.send("DPoP", &world.token, &[&world.proof(json!({}))]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "idp.test/alice "), "remembered or not");
    }
}

#[tokio::test]
async fn a_bound_token_as_bearer_is_refused_with_the_scheme_it_needs() {
    let world = world(|it| it);
    let proof = world.proof(json!({}));
    for proofs in [&[][..], &[&*proof]] {
        let answer = world.send("Bearer", &world.token, proofs).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "sender_constrained_token"));
        assert!(answer.challenge().starts_with("DPoP "), "{}", answer.challenge());
        assert!(answer.challenge().contains("error=\"invalid_token\""), "{}", answer.challenge());
        assert!(answer.challenge().contains("algs=\"ES256 "), "{}", answer.challenge());
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_nothing_is_no_dpop_token() {
    let provider = Signer::es256("k");
    let world = World {
        verifier: verifier(config(), &[&provider]).dpop(Dpop::new("https://a").expect("a URL")),
        ..world(|it| it)
    };
    let unbound = provider.token(&claims_with(json!({})));
    let answer = world.send("DPoP", &unbound, &[&world.proof(json!({}))]).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("DPoP "), "{}", answer.challenge());
    let plain = verifier(config(), &[&provider]);
    let request = Request::get("/v1/models").header("authorization", format!("DPoP {unbound}"));
    assert_eq!(ask(plain, request.body(Body::empty()).expect("a request")).await.code(), "no_credentials");
}

#[tokio::test]
async fn a_proof_is_for_this_request_this_token_now_and_once() {
    let world = world(|it| it);
    for (changes, reason) in [
        (json!({"htm": "POST"}), "dpop_htm"),
        (json!({"htm": "get"}), "dpop_htm"),
        (json!({"htm": null}), "dpop_htm"),
        (json!({"htu": "https://llm.example.com/v1/other"}), "dpop_htu"),
        (json!({"htu": "https://evil.example/v1/models"}), "dpop_htu"),
        (json!({"htu": null}), "dpop_htu"),
        (json!({"htu": format!("{URL}?x=1")}), "ok"),
        (json!({"htu": "https://LLM.example.com:443/v1/models"}), "ok"),
        (json!({"ath": null}), "dpop_ath"),
        (json!({"ath": sha256(b"another")}), "dpop_ath"),
        (json!({"iat": NOW - 61}), "dpop_iat"),
        (json!({"iat": NOW + 61}), "dpop_iat"),
        (json!({"iat": NOW - 60}), "ok"),
        (json!({"iat": "now"}), "dpop_iat"),
        (json!({"iat": null}), "dpop_iat"),
        (json!({"jti": null}), "dpop_jti"),
        (json!({"jti": ""}), "dpop_jti"),
        (json!({"jti": 1}), "dpop_jti"),
        (json!({"jti": "x".repeat(257)}), "dpop_jti"),
    ] {
        assert_eq!(world.reason(&world.proof(changes.clone())).await, reason, "{changes}");
    }
    let once = world.proof(json!({}));
    assert_eq!(world.reason(&once).await, "ok");
    assert_eq!(world.reason(&once).await, "dpop_replayed");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.reason(&once).await, "dpop_replayed");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.reason(&once).await, "dpop_iat");
}

#[tokio::test]
async fn a_proof_is_signed_by_the_tokens_key_which_it_shows() {
    let world = world(|it| it);
    let claims = || world.claims(json!({}));
    let other = Signer::es256("c");
    for (what, proof, reason) in [
        ("another key", world.proof_by(&other, json!({}), &claims()), "dpop_key"),
        (
            "another's signature",
            world.proof_by(&other, json!({"jwk": world.client.jwk()}), &claims()),
            "dpop_signature",
        ),
        ("no key", world.proof_by(&world.client, json!({"jwk": null}), &claims()), "dpop_jwk"),
        ("a key as text", world.proof_by(&world.client, json!({"jwk": "x"}), &claims()), "dpop_jwk"),
        ("a bare JWT", world.proof_by(&world.client, json!({"typ": "JWT"}), &claims()), "dpop_typ"),
        ("no algorithm", world.proof_by(&world.client, json!({"alg": "none"}), &claims()), "dpop_malformed"),
        (
            "a symmetric algorithm",
            world.proof_by(&world.client, json!({"alg": "HS256"}), &claims()),
            "dpop_malformed",
        ),
        ("crit", world.proof_by(&world.client, json!({"crit": ["x"]}), &claims()), "dpop_malformed"),
        ("the token itself", world.token.clone(), "dpop_typ"),
        ("nothing", String::new(), "dpop_malformed"),
        ("too much", world.proof(json!({"x": "y".repeat(4096)})), "dpop_malformed"),
    ] {
        assert_eq!(world.reason(&proof).await, reason, "{what}");
    }
    let mut private = world.client.jwk();
    private["d"] = json!(b64([1; 32]));
    let proof = world.proof_by(&world.client, json!({"jwk": private}), &claims());
    assert_eq!(world.reason(&proof).await, "dpop_jwk", "a private key");
    let mut symmetric = json!({"kty": "oct", "k": b64([1; 32])});
    symmetric["alg"] = json!("HS256");
    let proof = world.proof_by(&world.client, json!({"jwk": symmetric}), &claims());
    assert_eq!(world.reason(&proof).await, "dpop_jwk", "a symmetric key");
}

#[tokio::test]
async fn proofs_are_one_header() {
    let world = world(|it| it);
    let (one, two) = (world.proof(json!({})), world.proof(json!({})));
    for proofs in [&[][..], &[&*one, &*two]] {
        let answer = world.send("DPoP", &world.token, proofs).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_dpop_proof"));
        assert!(answer.challenge().starts_with("DPoP "), "{}", answer.challenge());
        assert!(answer.challenge().contains("error=\"invalid_dpop_proof\""), "{}", answer.challenge());
    }
}

#[tokio::test]
async fn a_nonce_of_ours_is_asked_for_and_told() {
    let world = world(|it| it.nonces(b"a key that the nodes share"));
    let answer = world.send("DPoP", &world.token, &[&world.proof(json!({}))]).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("error=\"use_dpop_nonce\""), "{}", answer.challenge());
    let nonce = answer.headers["dpop-nonce"].to_str().expect("text").to_owned();
    assert_eq!(world.reason(&world.proof(json!({"nonce": "stale"}))).await, "dpop_nonce");
    assert_eq!(world.reason(&world.proof(json!({"nonce": nonce}))).await, "ok");
    world.clock.advance(Duration::from_secs(300));
    let late = json!({"nonce": nonce, "iat": NOW + 300});
    assert_eq!(world.reason(&world.proof(late)).await, "dpop_nonce");
}

/// RFC 8705 §3: the connection's own certificate, whatever a header says.
#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_its_connection() {
    let provider = Signer::es256("k");
    let token = provider.token(&claims_with(json!({"cnf": {"x5t#S256": sha256(b"certificate")}})));
    let peer = |certificate: Option<&[u8]>| {
        let mut tls = TlsFacts::default();
        tls.client_certificate = certificate.map(Into::into);
        Peer::new("10.0.0.1:1".parse().expect("an address")).with_tls(Arc::new(tls))
    };
    let send = async |peer: Option<Peer>, scheme: &str| {
        let mut request = Request::get("/v1/models")
            .header("authorization", format!("{scheme} {token}"))
            .header("x-forwarded-client-cert", "Cert=certificate")
            .header("x-ssl-client-cert", "certificate")
            .header("client-cert", ":Y2VydGlmaWNhdGU=:")
            .body(Body::empty())
            .expect("a request");
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let dpop = Dpop::new("https://llm.example.com").expect("a URL");
        ask(verifier(config(), &[&provider]).dpop(dpop), request).await
    };
    assert_eq!(send(Some(peer(Some(b"certificate"))), "Bearer").await.status, 200);
    for wrong in [None, Some(peer(None)), Some(peer(Some(b"another")))] {
        let answer = send(wrong, "Bearer").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "sender_constrained_token"));
        assert!(answer.challenge().starts_with("Bearer "), "{}", answer.challenge());
    }
    assert_eq!(send(Some(peer(Some(b"certificate"))), "DPoP").await.status, 401, "it is bound to no key");
}

#[tokio::test]
async fn a_token_that_is_bound_to_both_needs_both() {
    let (provider, world) = (Signer::es256("k"), world(|it| it));
    let both = json!({"cnf": {"jkt": jkt(&world.client), "x5t#S256": sha256(b"certificate")}});
    let token = provider.token(&claims_with(both));
    let dpop = Dpop::new("https://llm.example.com").expect("a URL").clock(Arc::new(world.clock.clone()));
    let world = World { token, verifier: verifier(config(), &[&provider]).dpop(dpop), ..world };
    assert_eq!(world.reason(&world.proof(json!({}))).await, "cnf_mismatch");
}
