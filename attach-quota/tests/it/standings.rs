//! What somebody is told about their limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::identity::Group;
use attach_core::{Api, Body, Identity};
use attach_quota::overrides::{Override, Whom};
use attach_quota::store::{Charge, Reserving, Settling};
use attach_quota::{
    Allowance, Budget, Grant, Limit, Overrides, Period, Price, Prices, QuotaLayer, Rate, Scope, Store,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::HELLO;

const DOLLAR: u64 = 1_000_000;

fn limits() -> Vec<Limit> {
    vec![
        Limit::requests("calls", Rate::per_hour(10)),
        Limit::tokens("day", Budget::new(1_000, Period::Day)),
        Limit::micro_usd("money", Budget::new(5 * DOLLAR, Period::Month)),
        Limit::concurrent("parallel", 3),
        Limit::output_tokens("dear", Rate::per_minute(50)).models(["gpt-4*".parse().unwrap()]),
        Limit::requests("embeddings", Rate::per_minute(5)).apis([Api::OpenAiEmbeddings]),
        Limit::requests("eu", Rate::per_minute(5)).upstreams(["azure-eu"]),
    ]
}

fn layer() -> QuotaLayer {
    // A dollar for each million tokens: 20 tokens cost 20 millionths.
    let price = Price::new(DOLLAR, DOLLAR);
    QuotaLayer::new(limits()).prices(Prices::new().model("*".parse().unwrap(), price))
}

fn alice() -> Arc<Identity> {
    Arc::new(Identity::person("acme", "alice"))
}

fn find<'a>(all: &'a [Allowance], id: &str) -> &'a Allowance {
    all.iter().find(|one| one.limit().id() == id).unwrap_or_else(|| panic!("no {id} in {all:?}"))
}

/// A call of twenty tokens by Alice, to its end.
async fn call(layer: &QuotaLayer) {
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":8}}"#;
    let service = layer.layer(service_fn(move |_: Request<Body>| async move {
        let body = Full::<Bytes>::from(answer);
        Ok::<_, Infallible>(
            Response::builder().header("content-type", "application/json").body(body).unwrap(),
        )
    }));
    let request = Request::post("/v1/chat/completions").extension(alice()).body(Full::<Bytes>::from(HELLO));
    let answer = service.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
}

#[tokio::test]
async fn every_limit_of_the_caller_is_there_with_what_is_used_and_left() {
    let layer = layer();
    let before = layer.standings(&alice()).await;
    assert_eq!(before.len(), 7);
    assert!(before.iter().all(|one| one.used() == Some(0) && !one.is_overridden() && !one.is_degraded()));
    call(&layer).await;
    let after = layer.standings(&alice()).await;
    let stands = |id| (find(&after, id).used().unwrap(), find(&after, id).left().unwrap());
    assert_eq!(stands("calls"), (1, 9));
    assert_eq!(stands("day"), (20, 980));
    assert_eq!(stands("money"), (20, 5 * DOLLAR - 20));
    assert_eq!(stands("parallel"), (0, 3));
    assert_eq!(stands("dear"), (0, 50), "the call asked for another model");
    let bob = Arc::new(Identity::person("acme", "bob"));
    assert!(layer.standings(&bob).await.iter().all(|one| one.used() == Some(0)));
    // Looking books nothing.
    assert_eq!(find(&layer.standings(&alice()).await, "calls").left(), Some(9));
}

#[tokio::test]
async fn a_limit_says_what_it_is_for_and_when_it_starts_over() {
    let layer = layer();
    call(&layer).await;
    let all = layer.standings(&alice()).await;
    assert_eq!(find(&all, "dear").models().collect::<Vec<_>>(), ["gpt-4*"]);
    assert_eq!(find(&all, "embeddings").apis().collect::<Vec<_>>(), ["openai.embeddings"]);
    assert_eq!(find(&all, "eu").upstreams().collect::<Vec<_>>(), ["azure-eu"]);
    assert_eq!(find(&all, "calls").models().count(), 0);
    let refill = find(&all, "calls").resets_in().unwrap();
    assert!(refill > Duration::from_secs(60) && refill <= Duration::from_secs(360), "{refill:?}");
    let midnight = find(&all, "day").resets_at().unwrap();
    assert!(
        midnight > SystemTime::now() && find(&all, "day").resets_in().unwrap() <= Duration::from_secs(86_400)
    );
    assert_eq!(find(&all, "parallel").resets_in(), None);
}

#[tokio::test]
async fn an_override_changes_what_is_left_at_once() {
    let overrides = Overrides::new();
    let layer = layer().overrides(overrides.clone());
    call(&layer).await;
    let put = |id: &str, limit: &str, grant| {
        overrides.put(Override::new(id, "acme", Whom::User("alice".into()), limit, grant));
    };
    put("1", "day", Grant::Amount(100));
    put("2", "money", Grant::Extra(2 * DOLLAR));
    put("3", "calls", Grant::Unlimited);
    put("4", "parallel", Grant::Amount(0));
    let all = layer.standings(&alice()).await;
    let changed = |id| (find(&all, id).used(), find(&all, id).left());
    assert_eq!(changed("day"), (Some(20), Some(80)));
    assert_eq!(changed("money"), (Some(20), Some(7 * DOLLAR - 20)));
    assert_eq!(changed("calls"), (None, None));
    assert_eq!(changed("parallel"), (Some(0), Some(0)));
    assert!(find(&all, "calls").window().is_none() && find(&all, "calls").is_overridden());
    assert!(find(&all, "day").is_overridden() && !find(&all, "dear").is_overridden());
    overrides.reset([]);
    assert_eq!(
        find(&layer.standings(&alice()).await, "calls").left(),
        Some(9),
        "what was used is not forgotten"
    );
}

#[tokio::test]
async fn of_alternatives_for_members_of_groups_only_the_one_that_counts_is_there() {
    let per = |id: &str, group: &str, amount| {
        Limit::tokens(id, Rate::per_minute(amount))
            .each(Scope::GroupMember)
            .groups([Group::new("acme", group)])
    };
    let layer =
        QuotaLayer::new(vec![per("staff", "staff", 100), per("power", "power", 900), per("ops", "ops", 1)]);
    let mut alice = Identity::person("acme", "alice");
    alice.groups = ["staff", "power"].map(|name| Group::new("acme", name)).into();
    let all = layer.standings(&Arc::new(alice)).await;
    assert_eq!(all.iter().map(|one| one.limit().id()).collect::<Vec<_>>(), ["power"]);
    assert!(layer.standings(&Arc::new(Identity::person("acme", "bob"))).await.is_empty());
}

#[tokio::test]
async fn what_a_group_shares_is_named() {
    let limit = Limit::tokens("team", Rate::per_minute(100)).each(Scope::Group);
    let layer = QuotaLayer::new(vec![limit.groups(["a", "b"].map(|name| Group::new("acme", name)))]);
    let mut alice = Identity::person("acme", "alice");
    alice.groups = ["a", "b"].map(|name| Group::new("acme", name)).into();
    let all = layer.standings(&Arc::new(alice)).await;
    assert_eq!(all.iter().map(Allowance::shared_by).collect::<Vec<_>>(), [Some("a"), Some("b")]);
}

/// A store that only books.
struct Blind;

impl Store for Blind {
    fn reserve<'a>(&'a self, _: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::ready(Ok(()))
    }

    fn settle(&self, _: &[Charge], _: Settling) {}
}

#[tokio::test]
async fn a_store_that_cannot_look_hides_no_limit() {
    let all = layer().store(Blind).standings(&alice()).await;
    assert_eq!(all.len(), 7);
    assert!(all.iter().all(|one| one.left().is_none() && one.used().is_none()));
    assert!(find(&all, "day").resets_in().is_some(), "the calendar is known without the store");
    assert!(find(&all, "calls").resets_in().is_none());
}

#[tokio::test]
async fn a_layer_that_does_not_know_identities_says_nothing_about_them() {
    let layer = QuotaLayer::by(limits(), |_| Some("somebody"));
    assert!(layer.standings(&alice()).await.is_empty());
}
