//! What becomes of callers when the store of facts is lost.

use std::time::Duration;

use attach_auth::AuthLayer;
use attach_auth::revocation::Effect;
use attach_auth::state::{Backend, Batch, Change, CommitError, Feed, Lost, Memory, Snapshot};
use axum::body::Body;
use http::Request;
use tower::ServiceExt;

use super::script::{Script, Server};
use super::{Facts, Names, user};

/// Works, but is never heard of again after it was opened.
#[derive(Debug, Clone, Default)]
struct Silent(Memory);

impl Backend for Silent {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        self.0.load()
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        self.0.commit(changes)
    }

    fn follow(&self, _: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        Box::pin(std::future::pending())
    }

    fn is_watched(&self) -> bool {
        true
    }
}

async fn ask(layer: AuthLayer<Names>, name: &str) -> (u16, String, String) {
    let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {name}"));
    let router = axum::Router::new().fallback(|| async { "hello" }).layer(layer);
    let response = router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
    let header =
        |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap_or("?")).to_owned();
    let (status, retry, challenge) =
        (response.status().as_u16(), header("retry-after"), header("www-authenticate"));
    (status, retry, challenge)
}

#[tokio::test]
async fn while_the_store_is_lost_nobody_comes_in_and_nobody_is_interrupted() {
    let (facts, script) = (Facts::of(Silent::default()).await, Script::default());
    let event = "data: {\"choices\":[]}\n\n";
    let server = Server::of(script.router("text/event-stream", facts.layer())).await;
    let mut alice = server.ask("alice", "/v1/chat/completions").await;
    script.write("alice", event).await;
    alice.until(event).await;
    assert_eq!(ask(facts.layer(), "bob").await.0, 200);
    facts.clock.advance(Duration::from_secs(3));
    let (status, retry, challenge) = ask(facts.layer(), "bob").await;
    assert_eq!((status, &*retry, &*challenge), (503, "1", ""), "no challenge: the token is not at fault");
    script.write("alice", "data: [DONE]\n\n").await;
    script.end("alice");
    assert!(alice.rest().await.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn what_is_known_may_be_relied_on_for_a_while_if_the_operator_says_so() {
    let mut facts = Facts::of(Silent::default()).await;
    facts.revocations = facts.revocations.clone().stale(Duration::from_secs(10));
    facts.record(user("alice"), Effect::Disabled).await;
    facts.clock.advance(Duration::from_secs(9));
    assert_eq!(ask(facts.layer(), "bob").await.0, 200);
    assert_eq!(ask(facts.layer(), "alice").await.0, 401);
    facts.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(facts.layer(), "bob").await.0, 503);
    assert_eq!(ask(facts.layer(), "alice").await.0, 401, "what is known stays known");
}

#[tokio::test]
async fn a_fact_that_cannot_be_made_to_last_is_not_claimed() {
    let facts = Facts::of(Silent::default()).await;
    facts.clock.advance(Duration::from_secs(3));
    let fact = attach_auth::revocation::Fact::new("acme", user("alice"), Effect::Disabled, "test");
    assert!(facts.revocations.record(&[fact]).await.is_err());
}
