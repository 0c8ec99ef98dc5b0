//! Where the keys are is for the issuer to say.

use super::*;

const DOCUMENT: &str = "https://idp.test/.well-known/openid-configuration";

fn document(issuer: &str, more: serde_json::Value) -> Reply {
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": "https://idp.test/authorize",
        "jwks_uri": KEYS,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    document.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    Reply::Json(document.to_string())
}

#[tokio::test]
async fn the_keys_are_where_the_issuer_says() {
    let signer = Signer::es256("k");
    let provider = Provider::with(config(), &[&signer]);
    provider.fetch.set(DOCUMENT, document(ISSUER, json!({})));
    provider.verifier.refresh().await;
    assert!(provider.is_ready(), "{:?}", provider.verifier.status());
    assert_eq!(provider.outcome(&signer.token(&claims())).await, good());
    assert_eq!(provider.fetch.asked(), [DOCUMENT, KEYS]);
}

#[tokio::test]
async fn a_document_that_names_another_issuer_is_refused() {
    for issuer in ["https://idp.test/", "https://evil.test"] {
        let signer = Signer::es256("k");
        let provider = Provider::with(config(), &[&signer]);
        provider.fetch.set(DOCUMENT, document(issuer, json!({})));
        assert_eq!(provider.outcome(&signer.token(&claims())).await, down());
        let problem = provider.verifier.status()[0].problem.clone().unwrap_or_default();
        assert!(problem.contains("unexpected issuer"), "{problem}");
        assert_eq!(provider.fetch.count("/v1/keys"), 0);
    }
}

#[tokio::test]
async fn a_document_that_sends_us_to_plain_http_is_refused() {
    let provider = Provider::with(config(), &[]);
    provider.fetch.set(DOCUMENT, document(ISSUER, json!({"jwks_uri": "http://169.254.169.254/keys"})));
    provider.verifier.refresh().await;
    assert!(!provider.is_ready());
    assert_eq!(provider.fetch.asked(), [DOCUMENT]);
}

#[tokio::test]
async fn a_development_issuer_is_refused_unless_asked_for() {
    let signer = Signer::es256("k");
    let mark = json!({"attach_development_issuer": true});
    for (config, ready) in [(config(), false), (config().development(true), true)] {
        let provider = Provider::with(config, &[&signer]);
        provider.fetch.set(DOCUMENT, document(ISSUER, mark.clone()));
        provider.verifier.refresh().await;
        assert_eq!(provider.is_ready(), ready, "{:?}", provider.verifier.status());
    }
}

#[tokio::test]
async fn a_provider_that_moved_its_keys_is_asked_again_where_they_are() {
    let signer = Signer::es256("k");
    let provider = Provider::with(config(), &[&signer]);
    provider.fetch.set(DOCUMENT, document(ISSUER, json!({})));
    provider.verifier.refresh().await;
    provider.fetch.set(KEYS, Reply::Status(404));
    provider.fetch.set("https://idp.test/v2/keys", Reply::Json(Signer::set(&[&signer])));
    provider.fetch.set(DOCUMENT, document(ISSUER, json!({"jwks_uri": "https://idp.test/v2/keys"})));
    provider.clock.advance(Duration::from_secs(300));
    provider.verifier.refresh().await;
    provider.clock.advance(Duration::from_secs(10));
    provider.verifier.refresh().await;
    assert!(provider.verifier.status()[0].problem.is_none());
    assert_eq!(provider.fetch.count("/v2/keys"), 1);
}
