//! Another configuration, while requests run.

use super::*;

fn at(issuer: &str) -> IssuerConfig {
    let config = crate::support::config_of(attach_auth::Preset::Generic, issuer);
    config.jwks_uri(KEYS).expect("a URL")
}

#[tokio::test]
async fn an_issuer_that_is_as_it_was_keeps_its_keys_and_its_tokens() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let token = signer.token(&claims());
    assert_eq!(provider.outcome(&token).await, good());
    provider.fetch.set(KEYS, Reply::Timeout);
    // Another issuer comes before it: entries are not found by place.
    let next =
        provider.verifier.reconfigured(vec![at("https://other.test"), at(ISSUER)]).expect("a verifier");
    assert_eq!(next.verify(&token).await.expect("is good").issuer.as_ref(), ISSUER);
    let fresh = signer.token(&claims_with(json!({"sub": "bob"})));
    assert!(next.verify(&fresh).await.is_ok(), "its keys are known");
    assert_eq!(provider.fetch.count("/v1/keys"), 1);
    assert!(provider.verifier.verify(&fresh).await.is_ok(), "the one in use goes on");
}

#[tokio::test]
async fn an_issuer_with_other_rules_keeps_its_keys_and_judges_its_tokens_again() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let token = signer.token(&claims());
    assert_eq!(provider.outcome(&token).await, good());
    provider.fetch.set(KEYS, Reply::Timeout);
    let strict =
        provider.verifier.reconfigured(vec![at(ISSUER).required_scopes(["admin"])]).expect("a verifier");
    assert_eq!(strict.verify(&token).await.expect_err("is refused").status(), 403);
    let renamed = provider.verifier.reconfigured(vec![at(ISSUER).directory("acme")]).expect("a verifier");
    assert_eq!(renamed.verify(&token).await.expect("is good").directory.as_ref(), "acme");
    assert_eq!(provider.fetch.count("/v1/keys"), 1);
    // And back: what another configuration remembered is nothing to this one.
    assert_eq!(provider.outcome(&token).await, good());
}

#[tokio::test]
async fn an_issuer_that_went_or_keeps_its_keys_elsewhere_is_known_no_more() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let token = signer.token(&claims());
    assert_eq!(provider.outcome(&token).await, good());
    let gone = provider.verifier.reconfigured(vec![at("https://other.test")]).expect("a verifier");
    assert_eq!(gone.verify(&token).await.expect_err("is refused").reason(), "iss");
    let moved = config().jwks_uri("https://idp.test/elsewhere").expect("a URL");
    let moved = provider.verifier.reconfigured(vec![moved]).expect("a verifier");
    assert_eq!(moved.verify(&token).await.expect_err("is refused").status(), 503);
    assert!(provider.verifier.reconfigured(Vec::new()).is_err());
}
