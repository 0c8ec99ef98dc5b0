//! Other limits under a layer that is in use.

use std::convert::Infallible;
use std::sync::Arc;

use attach_core::{Body, Identity};
use attach_quota::{Limit, QuotaLayer, Rate, Scope};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

async fn status(layer: &QuotaLayer, who: &str) -> StatusCode {
    let answer = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from("{}")))
    });
    let mut request = Request::get("/anything").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Arc::new(Identity::person("acme", who)));
    let answer = layer.layer(answer).oneshot(request).await.unwrap();
    let status = answer.status();
    answer.into_body().collect().await.unwrap();
    status
}

fn per_hour(id: &'static str, amount: u64) -> Limit {
    Limit::requests(id, Rate::per_hour(amount))
}

#[tokio::test]
async fn what_was_used_under_an_id_stays_used_whatever_the_amount_becomes() {
    let before = QuotaLayer::new(vec![per_hour("calls", 2)]);
    for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(status(&before, "alice").await, expected);
    }
    let same = before.reconfigured(vec![per_hour("calls", 2), per_hour("more", 100)]);
    assert_eq!(status(&same, "alice").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(&same, "bob").await, StatusCode::OK);
    let other = same.reconfigured(vec![per_hour("another", 1)]);
    assert_eq!(status(&other, "alice").await, StatusCode::OK, "a new limit begins to count");
    let none = other.reconfigured(Vec::new());
    assert_eq!(status(&none, "alice").await, StatusCode::OK);
    assert_eq!(status(&none.reconfigured(vec![per_hour("another", 1)]), "alice").await, 429, "still known");
}

#[tokio::test]
async fn an_id_that_counts_something_else_begins_anew_and_locks_nobody_out() {
    let rate = QuotaLayer::new(vec![per_hour("one", 1)]);
    assert_eq!(status(&rate, "alice").await, StatusCode::OK);
    let places = rate.reconfigured(vec![Limit::concurrent("one", 1)]);
    for _ in 0..3 {
        assert_eq!(status(&places, "alice").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn fairness_may_come_and_go_and_the_counts_stay() {
    let fair = || per_hour("pool", 4).each(Scope::Everyone).fair();
    let mut layer = QuotaLayer::new(vec![per_hour("pool", 4).each(Scope::Everyone)]);
    for limit in [fair(), per_hour("pool", 4).each(Scope::Everyone), fair()] {
        assert_eq!(status(&layer, "alice").await, StatusCode::OK);
        layer = layer.reconfigured(vec![limit]);
    }
    let left = layer.reconfigured(vec![per_hour("pool", 4).each(Scope::Everyone)]);
    assert_eq!(status(&left, "alice").await, StatusCode::OK);
    assert_eq!(status(&left, "alice").await, StatusCode::TOO_MANY_REQUESTS);
}
