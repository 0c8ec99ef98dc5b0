//! Tokens that a real provider bound to a key of their client's (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::issuer::now;
use crate::support::tools::Idp;
use crate::support::{CHATS, Launch, Upstream, question};

/// A client's key.
pub(crate) struct Key(EcdsaKeyPair);

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// What a token says that is bound to it (RFC 7638 §3).
    pub(crate) fn thumbprint(&self) -> String {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y));
        b64(digest(&SHA256, members.as_bytes()))
    }

    pub(crate) fn proof(&self, url: &str, token: Option<&str>, jti: &str) -> String {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let mut claims = json!({"htm": "POST", "htu": url, "iat": now(), "jti": jti});
        if let Some(token) = token {
            claims["ath"] = json!(b64(digest(&SHA256, token.as_bytes())));
        }
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature))
    }
}

#[tokio::test]
async fn a_token_that_a_certified_provider_bound_needs_its_proof() {
    let Some(idp) = Idp::start().await else { return };
    let upstream = Upstream::model().await;
    let file = format!(
        r#"
        [server]
        external_url = "https://llm.example.com"
        [[issuer]]
        issuer = "{}"
        audience = ["urn:llm-gateway"]
        [[upstream]]
        name = "model"
        kind = "openai"
        url = "{}"
        [access]
        default = "allow"
        "#,
        idp.url(),
        upstream.url()
    );
    let gateway = Launch::file(&file).start().await;
    let (key, url) = (Key::new(), format!("https://llm.example.com{}", CHATS[0]));
    let token = idp.bound("svc-a", &key.proof(&format!("{}/token", idp.url()), None, "one")).await;
    let ask = async |scheme: &str, proof: Option<&str>| {
        let call = gateway.post(CHATS[0]).header("Authorization", &format!("{scheme} {token}"));
        let call = proof.into_iter().fold(call, |call, proof| call.header("DPoP", proof));
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await
    };
    let proof = key.proof(&url, Some(&token), "two");
    let answer = ask("DPoP", Some(&proof)).await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("svc-a"));
    let seen = upstream.only();
    assert_eq!((seen.header("authorization"), seen.header("dpop")), (None, None));
    let thief = Key::new().proof(&url, Some(&token), "three");
    // The log folds what a stranger repeats, so only the first of a kind is looked up there.
    for (scheme, shown, code, detail) in [
        ("Bearer", None, "sender_constrained_token", Some("dpop_required")),
        ("DPoP", None, "invalid_dpop_proof", Some("dpop_missing")),
        ("DPoP", Some(&*proof), "invalid_dpop_proof", None),
        ("DPoP", Some(&*thief), "invalid_dpop_proof", None),
    ] {
        let answer = ask(scheme, shown).await.expect(401);
        assert_eq!(answer.code(), code);
        assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "), "{answer:?}");
        if let Some(detail) = detail {
            assert_eq!(gateway.finished(&answer.id()).await.reject()["decision"]["detail"], detail);
        }
    }
    assert_eq!(upstream.seen().len(), 1);
    let metadata: Value =
        gateway.get("/.well-known/oauth-protected-resource").send().await.expect(200).json();
    assert!(metadata["dpop_signing_alg_values_supported"].as_array().unwrap().contains(&json!("ES256")));
    gateway.reload(&file.replace("https://llm.example.com", "https://other.example.com"));
    gateway.stderr.line("configuration reloaded").await;
    let elsewhere = url.replace("llm.example.com", "other.example.com");
    let (old, new) = (key.proof(&url, Some(&token), "four"), key.proof(&elsewhere, Some(&token), "five"));
    assert_eq!(ask("DPoP", Some(&old)).await.expect(401).code(), "invalid_dpop_proof");
    ask("DPoP", Some(&new)).await.expect(200);
}
