//! Fair shares of what many draw from, by whole calls.

use std::convert::Infallible;

use attach_core::{Body, Identity};
use attach_quota::{Action, Limit, QuotaLayer, Rate, Scope};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CAPPED, HELLO, json, serve_json, text};

const CHAT: &str = "/v1/chat/completions";

pub(crate) fn pool(requests: u64) -> Limit {
    Limit::requests("openai-key", Rate::per_hour(requests)).each(Scope::Everyone).fair()
}

/// A call of `user` that counts as a request, by the OAuth client `client`.
pub(crate) async fn call(layer: &QuotaLayer, user: &str, client: &str) -> u16 {
    let service = layer.layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(json("{}")) }));
    let mut identity = Identity::person("acme", user);
    identity.client_id = Some(client.into());
    let request = Request::get("/v1/models").extension(identity).body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer: Response<_> = service.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.map_err(|_| "a broken body").unwrap();
    status
}

pub(crate) async fn passed(layer: &QuotaLayer, user: &str, times: usize) -> usize {
    let mut passed = 0;
    for _ in 0..times {
        passed += usize::from(call(layer, user, "app").await == 200);
    }
    passed
}

#[tokio::test]
async fn somebody_who_takes_all_leaves_a_quarter_to_the_others() {
    let layer = QuotaLayer::new(vec![pool(40)]);
    assert_eq!(passed(&layer, "bob", 1).await, 1);
    assert_eq!(passed(&layer, "alice", 60).await, 29, "40, less bob's, less the quarter");
    assert_eq!(passed(&layer, "bob", 10).await, 10);
    assert_eq!(passed(&layer, "carol", 1).await, 0, "nothing is left");
}

#[tokio::test]
async fn somebody_has_one_share_whatever_they_come_with() {
    let layer = QuotaLayer::new(vec![pool(40)]);
    assert_eq!(passed(&layer, "bob", 1).await, 1);
    let mut passed = 0;
    for turn in 0..60 {
        passed += u16::from(call(&layer, "alice", &format!("client-{turn}")).await == 200);
    }
    assert_eq!(passed, 29);
}

#[tokio::test]
async fn a_refusal_for_fairness_names_the_limit_and_says_when_to_come_back() {
    // A call with a cap of four tokens reserves 13, and is charged 12.
    let limit = Limit::tokens("openai-key", Rate::per_minute(1200)).each(Scope::Everyone).fair();
    let server = serve_json(vec![limit], r#"{"usage":{"prompt_tokens":9,"completion_tokens":3}}"#).await;
    let status = |answer: &crate::support::Answer| answer.status().as_u16();
    assert_eq!(status(&server.post_as("bob", CHAT, CAPPED).await), 200);
    let mut refused = server.post_as("alice", CHAT, CAPPED).await;
    for _ in 0..100 {
        if status(&refused) != 200 {
            break;
        }
        text(refused).await;
        refused = server.post_as("alice", CHAT, CAPPED).await;
    }
    assert_eq!(status(&refused), 429);
    // 1,200 less 74 calls of 12 is 312, and a call wants 13 and a quarter, 300, behind it: one token is missing.
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["retry-after-ms"], "50");
    assert_eq!(refused.headers()["ratelimit"], "\"openai-key\";r=312;t=1");
    let said = text(refused).await;
    let sentence = "the limit \\\"openai-key\\\" of 1200 tokens per minute runs low, and more than your fair share of it \
                    is used; try again in 1 s";
    assert!(said.contains(sentence) && said.contains("\"rate_limit_exceeded\""), "{said}");
    let refused = server.post_as("alice", "/v1/messages", CAPPED).await;
    assert_eq!(status(&refused), 429);
    assert!(text(refused).await.contains(r#""type":"rate_limit_error""#));
    assert_eq!(status(&server.post_as("bob", CHAT, HELLO).await), 200, "265 of what is kept");
}

#[tokio::test]
async fn a_call_beyond_its_callers_share_is_refused_and_not_made_shorter() {
    let limit =
        Limit::tokens("pool", Rate::per_hour(8000)).each(Scope::Everyone).action(Action::Clamp).fair();
    let answer = r#"{"usage":{"prompt_tokens":9,"completion_tokens":3491}}"#;
    let server = serve_json(vec![limit], answer).await;
    for user in ["bob", "alice"] {
        let answer = server.post_as(user, CHAT, HELLO).await;
        assert_eq!(answer.status(), 200);
        text(answer).await;
    }
    // 1,000 are left.
    assert_eq!(server.post_as("alice", CHAT, HELLO).await.status(), 429);
    let first = server.post_as("carol", CHAT, HELLO).await;
    assert_eq!(first.status(), 200);
    assert!(first.headers()["x-attach-output-clamped"].to_str().unwrap().starts_with("991;"));
}
