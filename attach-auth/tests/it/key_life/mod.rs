//! Keys over time: discovery, rotation, withdrawal, a provider that is away.

#[cfg(feature = "discovery")]
mod discovery;
mod reconfigured;
#[cfg(feature = "discovery")]
mod sockets;
mod wall_clock;

use std::sync::Arc;
use std::time::Duration;

use attach_auth::{IssuerConfig, OidcVerifier};
use serde_json::json;

use crate::support::{
    ISSUER, Log, NOW, Reply, Signer, TestClock, TestFetch, claims, claims_with, config, get,
};

const KEYS: &str = "https://idp.test/v1/keys";

struct Provider {
    fetch: TestFetch,
    clock: TestClock,
    verifier: OidcVerifier,
}

impl Provider {
    fn with(config: IssuerConfig, signers: &[&Signer]) -> Self {
        let (fetch, clock) = (TestFetch::default(), TestClock::default());
        fetch.set(KEYS, Reply::Json(Signer::set(signers)));
        let verifier =
            OidcVerifier::with_clock(vec![config], Arc::new(fetch.clone()), Arc::new(clock.clone()))
                .expect("a verifier");
        Self { fetch, clock, verifier }
    }

    fn new(signers: &[&Signer]) -> Self {
        Self::with(config().jwks_uri(KEYS).expect("a URL"), signers)
    }

    fn publish(&self, signers: &[&Signer]) {
        self.fetch.set(KEYS, Reply::Json(Signer::set(signers)));
    }

    async fn outcome(&self, token: &str) -> (u16, String) {
        match self.verifier.verify(token).await {
            Ok(_) => (200, "ok".to_owned()),
            Err(denial) => (denial.status().as_u16(), denial.reason().to_owned()),
        }
    }

    fn is_ready(&self) -> bool {
        self.verifier.status().iter().all(|issuer| issuer.ready)
    }
}

fn down() -> (u16, String) {
    (503, "idp_unavailable".to_owned())
}

fn good() -> (u16, String) {
    (200, "ok".to_owned())
}

#[tokio::test]
async fn a_provider_down_at_start_is_a_503_and_recovers() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    provider.fetch.set(KEYS, Reply::Timeout);
    provider.verifier.refresh().await;
    assert!(!provider.is_ready());
    assert!(
        provider.verifier.status()[0].problem.as_deref().is_some_and(|problem| problem.contains("in time"))
    );
    let answer = get(provider.verifier.clone(), &signer.token(&claims())).await;
    assert_eq!((answer.status, answer.challenge()), (503, ""));
    assert!(answer.headers.contains_key("retry-after"));
    provider.publish(&[&signer]);
    provider.verifier.refresh().await;
    assert!(!provider.is_ready(), "not asked again within ten seconds");
    provider.clock.advance(Duration::from_secs(10));
    provider.verifier.refresh().await;
    assert!(provider.is_ready());
    assert_eq!(provider.outcome(&signer.token(&claims())).await, good());
    assert!(provider.verifier.status()[0].problem.is_none());
}

#[tokio::test]
async fn whatever_is_no_key_set_counts_as_down() {
    let signer = Signer::es256("k");
    let replies = [
        Reply::Html,
        Reply::Status(302),
        Reply::Status(204),
        Reply::Status(500),
        Reply::Json("{\"keys\":[".to_owned()),
        Reply::Json("{\"keys\":[]}".to_owned()),
        Reply::Json(" ".repeat((1 << 20) + 1)),
    ];
    for reply in replies {
        let provider = Provider::new(&[]);
        provider.fetch.set(KEYS, reply.clone());
        assert_eq!(provider.outcome(&signer.token(&claims())).await, down(), "{reply:?}");
        let warm = Provider::new(&[&signer]);
        assert_eq!(warm.outcome(&signer.token(&claims())).await, good());
        warm.fetch.set(KEYS, reply);
        warm.clock.advance(Duration::from_secs(301));
        warm.verifier.refresh().await;
        let other = signer.token(&claims_with(json!({"sub": "bob"})));
        assert_eq!(warm.outcome(&other).await, good(), "the last good set is kept");
    }
}

#[tokio::test]
async fn a_set_that_publishes_a_private_key_is_not_relied_on() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[]);
    let mut jwk = signer.jwk();
    jwk["d"] = json!("AAAA");
    provider.fetch.set(KEYS, Reply::Json(json!({"keys": [signer.jwk(), jwk]}).to_string()));
    assert_eq!(provider.outcome(&signer.token(&claims())).await, (401, "jwks_bad".to_owned()));
}

#[tokio::test]
async fn a_symmetric_key_is_ignored_and_a_set_of_nothing_else_is_not_relied_on() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[]);
    let log = Log::start();
    let symmetric = json!({"kty": "oct", "k": "AAAA", "kid": "s"});
    provider.fetch.set(KEYS, Reply::Json(json!({"keys": [symmetric]}).to_string()));
    assert_eq!(provider.outcome(&signer.token(&claims())).await, (401, "jwks_bad".to_owned()));
    provider.clock.advance(Duration::from_secs(10));
    provider.fetch.set(KEYS, Reply::Json(json!({"keys": [symmetric, signer.jwk()]}).to_string()));
    assert_eq!(provider.outcome(&signer.token(&claims())).await, good());
    assert_eq!(log.lines_with("symmetric keys; they are ignored").len(), 1);
}

#[tokio::test]
async fn a_set_in_which_a_kid_means_two_keys_does_not_replace_a_good_one() {
    let (signer, other) = (Signer::es256("k"), Signer::es256("k"));
    let cold = Provider::new(&[&signer, &other]);
    assert_eq!(cold.outcome(&signer.token(&claims())).await, (401, "jwks_ambiguous".to_owned()));
    let warm = Provider::new(&[&signer]);
    assert_eq!(warm.outcome(&signer.token(&claims())).await, good());
    warm.publish(&[&signer, &other]);
    warm.clock.advance(Duration::from_secs(300));
    warm.verifier.refresh().await;
    assert!(warm.verifier.status()[0].problem.as_deref().is_some_and(|why| why.contains("one `kid`")));
    assert_eq!(warm.outcome(&signer.token(&claims_with(json!({"sub": "bob"})))).await, good());
    // Of different types they answer to different algorithms (RFC 7517 §4.5).
    let apart = Provider::new(&[&signer, &Signer::rsa("k", "RS256")]);
    assert_eq!(apart.outcome(&signer.token(&claims())).await, good());
}

#[tokio::test]
async fn of_very_many_keys_the_first_hundred_count() {
    let signer = Signer::es256("k-7");
    let many: Vec<_> = (0..10_000)
        .map(|n| {
            let mut jwk = signer.jwk();
            jwk["kid"] = json!(format!("k-{n}"));
            jwk
        })
        .collect();
    let provider = Provider::new(&[]);
    // Some 100 bytes each: a set of this size is longer than what is read.
    provider.fetch.set(KEYS, Reply::Json(json!({"keys": many}).to_string()));
    assert_eq!(provider.outcome(&signer.token(&claims())).await, down());
    provider.clock.advance(Duration::from_secs(10));
    provider.fetch.set(KEYS, Reply::Json(json!({"keys": many[..3000]}).to_string()));
    assert_eq!(provider.outcome(&signer.token(&claims())).await, good());
    let last = signer.token_with(&json!({"alg": "ES256", "kid": "k-2999"}), &claims());
    assert_eq!(provider.outcome(&last).await, (401, "kid_unknown".to_owned()));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes() {
    let (old, new) = (Signer::es256("old"), Signer::rsa("new", "RS256"));
    let provider = Provider::new(&[&old]);
    provider.verifier.refresh().await;
    assert_eq!(provider.outcome(&old.token(&claims())).await, good());
    provider.publish(&[&old, &new]);
    assert_eq!(provider.outcome(&new.token(&claims())).await, good());
    assert_eq!(provider.fetch.count("/v1/keys"), 2);
    assert_eq!(provider.outcome(&old.token(&claims())).await, good());
    assert_eq!(provider.fetch.count("/v1/keys"), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_ten_seconds() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    provider.verifier.refresh().await;
    for n in 0..1000 {
        let token = signer.token_with(&json!({"alg": "ES256", "kid": format!("k-{n}")}), &claims());
        assert_eq!(provider.outcome(&token).await, (401, "kid_unknown".to_owned()));
    }
    assert_eq!(provider.fetch.count("/v1/keys"), 2);
    provider.clock.advance(Duration::from_secs(10));
    let token = signer.token_with(&json!({"alg": "ES256", "kid": "again"}), &claims());
    assert_eq!(provider.outcome(&token).await, (401, "kid_unknown".to_owned()));
    assert_eq!(provider.fetch.count("/v1/keys"), 3);
}

#[tokio::test]
async fn an_unknown_key_while_the_provider_is_down_is_a_503() {
    let (known, unknown) = (Signer::es256("k"), Signer::es256("new"));
    let provider = Provider::new(&[&known]);
    provider.verifier.refresh().await;
    provider.fetch.set(KEYS, Reply::Status(500));
    assert_eq!(provider.outcome(&unknown.token(&claims())).await, down());
    assert_eq!(provider.outcome(&unknown.token(&claims())).await, down());
    assert_eq!(provider.outcome(&known.token(&claims())).await, good());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_is_one_fetch() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let permits = provider.fetch.gate.acquire_many(1000).await.expect("is open");
    let tasks: Vec<_> = (0..500)
        .map(|n| {
            let token = signer.token(&claims_with(json!({"sub": format!("u{n}")})));
            let verifier = provider.verifier.clone();
            tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(permits);
    for task in tasks {
        assert!(task.await.expect("no panic"));
    }
    assert_eq!(provider.fetch.count("/v1/keys"), 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_break_the_fetch_for_others() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let permits = provider.fetch.gate.acquire_many(1000).await.expect("is open");
    let token = signer.token(&claims());
    {
        let gone = provider.verifier.verify(&token);
        tokio::pin!(gone);
        std::future::poll_fn(|cx| {
            assert!(gone.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    drop(permits);
    assert_eq!(provider.outcome(&token).await, good());
    assert_eq!(provider.fetch.count("/v1/keys"), 1);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_a_refresh_also_for_remembered_tokens() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let provider = Provider::new(&[&old, &new]);
    let token = old.token(&claims());
    assert_eq!(provider.outcome(&token).await, good());
    provider.publish(&[&new]);
    provider.clock.advance(Duration::from_secs(300));
    provider.verifier.refresh().await;
    assert_eq!(provider.outcome(&token).await, (401, "kid_unknown".to_owned()));
}

#[tokio::test]
async fn without_a_timer_requests_renew_the_keys() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let provider = Provider::new(&[&old]);
    let token = old.token(&claims_with(json!({"exp": NOW + 3600})));
    assert_eq!(provider.outcome(&token).await, good());
    provider.publish(&[&new]);
    provider.clock.advance(Duration::from_secs(601));
    assert_eq!(provider.outcome(&token).await.0, 401);
}

#[tokio::test]
async fn where_a_timer_runs_no_caller_waits_for_the_provider() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let token = signer.token(&claims_with(json!({"exp": NOW + 7200})));
    assert_eq!(provider.outcome(&token).await, good());
    provider.fetch.set(KEYS, Reply::Timeout);
    for _ in 0..100 {
        provider.clock.advance(Duration::from_secs(10));
        provider.verifier.refresh().await;
    }
    let before = provider.fetch.count("/v1/keys");
    provider.clock.advance(Duration::from_secs(10));
    assert_eq!(provider.outcome(&token).await, good());
    assert_eq!(provider.fetch.count("/v1/keys"), before);
}

#[tokio::test]
async fn known_keys_outlive_the_provider_for_a_day() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let at = |hours: u64| {
        let now = NOW + hours * 3600;
        signer.token(&claims_with(json!({"iat": now, "exp": now + 600})))
    };
    assert_eq!(provider.outcome(&at(0)).await, good());
    provider.fetch.set(KEYS, Reply::Timeout);
    provider.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(provider.outcome(&at(23)).await, good());
    provider.clock.advance(Duration::from_secs(3600));
    assert_eq!(provider.outcome(&at(24)).await, down());
    assert!(!provider.is_ready());
}

#[tokio::test]
async fn a_remembered_token_still_runs_out() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let token = signer.token(&claims());
    assert_eq!(provider.outcome(&token).await, good());
    provider.clock.advance(Duration::from_secs(659));
    assert_eq!(provider.outcome(&token).await, good());
    provider.clock.advance(Duration::from_secs(1));
    assert_eq!(provider.outcome(&token).await, (401, "expired".to_owned()));
}

#[tokio::test]
async fn an_outage_is_logged_once_at_each_end() {
    let signer = Signer::es256("k");
    let provider = Provider::new(&[&signer]);
    let log = Log::start();
    provider.fetch.set(KEYS, Reply::Timeout);
    for _ in 0..3 {
        provider.verifier.refresh().await;
        provider.clock.advance(Duration::from_secs(10));
    }
    provider.publish(&[&signer]);
    provider.verifier.refresh().await;
    assert_eq!(log.lines_with("cannot be had").len(), 1);
    assert_eq!(log.lines_with("available again").len(), 1);
}

#[cfg(not(feature = "discovery"))]
#[test]
fn without_discovery_an_issuer_needs_its_keys_or_their_url() {
    let new = |config| OidcVerifier::new(vec![config], Arc::new(TestFetch::default()));
    assert!(new(config()).is_err_and(|error| error.to_string().contains(ISSUER)));
    assert!(new(config().jwks_uri(KEYS).expect("a URL")).is_ok());
}
