//! What has a price in some places and none in others.

use attach_core::destination::{Candidate, Labels};
use attach_core::exchange::Route;
use attach_core::{Body, Destination, Exchange, Rejection};
use attach_quota::{Action, Limit, Price, Prices, QuotaLayer, Rate, Unit, Unpriced};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, Ledger, json};

const CHAT: &str = "/v1/chat/completions";
const USED: &str = r#"{"usage":{"prompt_tokens":100,"completion_tokens":100}}"#;

/// A dollar for a million tokens, at the upstream `paid` and nowhere else.
fn prices() -> Prices {
    Prices::new().model_at("paid", "*".parse().unwrap(), Price::new(1_000_000, 1_000_000))
}

fn dollars() -> Limit {
    Limit::micro_usd("dollars", Rate::per_hour(1_000_000))
}

/// Calls, under `limit`, what may go to each of `places` and does go to `went`, if anywhere; the status and the charge.
async fn call(limit: Limit, places: &[&str], went: Option<&'static str>) -> (u16, u64) {
    let ledger = Ledger::default();
    let layer = QuotaLayer::new(vec![limit]).prices(prices()).store(ledger.clone());
    let service = layer.layer(service_fn(move |mut request: Request<Body>| {
        let exchange = Exchange::of_request(&mut request);
        exchange.facts(|facts| facts.route = went.map(|name| Route::new(name.into(), "m".into())));
        let refused = || Rejection::new(StatusCode::FORBIDDEN, "redacted", "no");
        let answer: Response<Body> = match went {
            Some(_) => json(USED),
            None => refused().into_response::<Body>(&exchange).map(Body::new),
        };
        async { Ok::<_, std::convert::Infallible>(answer) }
    }));
    let candidate = |name: &&str| Candidate::new(*name, "m", Labels::default().into());
    let request = Request::post(CHAT)
        .extension(attach_core::Identity::person("acme", "alice"))
        .extension(Destination::new(places.iter().map(candidate).collect()))
        .body(Body::from(bytes::Bytes::from(HELLO)))
        .unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    http_body_util::BodyExt::collect(answer.into_body()).await.unwrap();
    (status, ledger.charged("alice", Unit::MicroUsd))
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_unless_it_is_free_or_the_limit_only_watches() {
    assert_eq!(call(dollars(), &["local"], Some("local")).await, (403, 0));
    assert_eq!(call(dollars().unpriced(Unpriced::Free), &["local"], Some("local")).await, (200, 0));
    assert_eq!(call(dollars().action(Action::Shadow), &["local"], Some("local")).await, (200, 0));
}

#[tokio::test]
async fn what_was_refused_further_in_costs_nothing_although_only_places_have_prices() {
    assert_eq!(call(dollars(), &["paid"], None).await, (403, 0));
    assert_eq!(call(dollars(), &["paid"], Some("paid")).await, (200, 200));
}

#[tokio::test]
async fn a_place_without_a_price_makes_no_other_place_free() {
    for free in [dollars().unpriced(Unpriced::Free), dollars().action(Action::Shadow)] {
        assert_eq!(call(free.clone(), &["local", "paid"], Some("paid")).await, (200, 200));
        assert_eq!(call(free, &["local", "paid"], Some("local")).await, (200, 0));
    }
}
