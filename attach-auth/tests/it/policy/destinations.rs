//! Labels: where a call may go, and what is left of where it could have gone.

use std::sync::Arc;

use attach_auth::policy::{Ask, LabelRule, Policy, Require, Rule, Rules, reason};
use attach_core::Destination;
use attach_core::destination::{Candidate, Labels};

use super::{Outcome, alice, call_with, chat, hello, models};

fn place(name: &str, change: impl FnOnce(&mut Labels)) -> Candidate {
    let mut labels = Labels::default();
    change(&mut labels);
    Candidate::new(name, "m", Arc::new(labels))
}

/// Inside; outside without retention in the EU; outside of which nothing is known.
fn everywhere() -> Destination {
    Destination::new(vec![
        place("plain", |_| {}),
        place("eu", |labels| {
            labels.zero_retention = true;
            labels.region = Some("eu".into());
            labels.trains_on_data = Some(false);
            labels.tier = Some("large".into());
        }),
        place("local", |labels| labels.trusted = true),
    ])
}

fn requiring(labels: LabelRule) -> Rules {
    Rules::deny_by_default().allow(Rule::new("r").require(Require::new().labels(labels))).expect("rules")
}

async fn ask(rules: Rules, destination: Option<Destination>) -> Outcome {
    call_with(rules, Some(alice(&[])), destination, chat(&hello("m"))).await
}

#[tokio::test]
async fn a_call_goes_on_to_the_places_that_meet_the_demand() {
    for (labels, left) in [
        (LabelRule::new(), "plain,eu,local"),
        (LabelRule::new().zero_retention(true), "eu"),
        (LabelRule::new().trusted(true), "local"),
        (LabelRule::new().trusted(false), "plain,eu"),
        (LabelRule::new().regions(["us", "eu"]), "eu"),
        (LabelRule::new().trains_on_data(false), "eu"),
        (LabelRule::new().tiers(["large"]), "eu"),
        (LabelRule::new().upstreams(["l*", "plain"]), "plain,local"),
    ] {
        let outcome = ask(requiring(labels.clone()), Some(everywhere())).await;
        assert_eq!((outcome.status, outcome.header("x-left")), (200, left), "{labels:?}");
        let conditional = Rules::deny_by_default().allow(Rule::new("r").labels(labels)).expect("rules");
        assert_eq!(ask(conditional, Some(everywhere())).await.header("x-left"), left, "as a condition");
    }
}

#[tokio::test]
async fn where_no_place_is_left_the_model_is_not_available() {
    let outcome = ask(requiring(LabelRule::new().regions(["ch"])), Some(everywhere())).await;
    assert_eq!((outcome.status, outcome.code()), (403, "model_not_available"));
    assert_eq!(outcome.decision(), (reason::DESTINATION_NOT_ALLOWED, "r".into()));
}

#[tokio::test]
async fn without_a_destination_a_request_leaves_the_perimeter() {
    for labels in [LabelRule::new().trusted(true), LabelRule::new().zero_retention(true)] {
        assert_eq!(ask(requiring(labels.clone()), None).await.status, 403, "{labels:?}");
    }
    assert_eq!(ask(requiring(LabelRule::new()), None).await.status, 200);
    let deny = Rules::allow_by_default().deny(Rule::new("d").labels(LabelRule::new().trusted(false)));
    assert_eq!(ask(deny.expect("rules"), None).await.status, 403);
}

#[tokio::test]
async fn a_denial_with_labels_drops_the_places_it_is_about_and_those_it_may_be_about() {
    for (labels, left) in [
        (LabelRule::new().trusted(false), "local"),
        (LabelRule::new().zero_retention(false), "eu"),
        (LabelRule::new().trains_on_data(true), "eu"),
        (LabelRule::new().regions(["us"]), "eu"),
        (LabelRule::new().tiers(["large"]), "plain,local"),
        (LabelRule::new().upstreams(["plain"]), "eu,local"),
    ] {
        let rules = Rules::allow_by_default().deny(Rule::new("d").labels(labels.clone())).expect("rules");
        assert_eq!(ask(rules, Some(everywhere())).await.header("x-left"), left, "{labels:?}");
    }
}

#[tokio::test]
async fn each_place_may_be_allowed_by_a_rule_of_its_own() {
    let rules = || {
        Rules::deny_by_default()
            .allow(Rule::new("inside").labels(LabelRule::new().trusted(true)))?
            .allow(Rule::new("eu").groups(["eng"]).labels(LabelRule::new().regions(["eu"])))
    };
    let left = async |groups: &[&str]| {
        let call = chat(&hello("m"));
        let outcome = call_with(rules().expect("rules"), Some(alice(groups)), Some(everywhere()), call).await;
        (outcome.header("x-left").to_owned(), outcome.decision().1)
    };
    assert_eq!(left(&["eng"]).await, ("eu,local".into(), "eu".into()));
    assert_eq!(left(&[]).await, ("local".into(), "inside".into()));
}

#[tokio::test]
async fn signing_in_again_is_asked_for_where_it_would_open_a_place() {
    let strong = Require::new().acr(["phr"]).labels(LabelRule::new().trusted(true));
    let rules = Rules::deny_by_default().allow(Rule::new("r").require(strong)).expect("rules");
    let outcome = ask(rules, Some(everywhere())).await;
    assert_eq!((outcome.status, outcome.code()), (401, "insufficient_user_authentication"));
}

#[tokio::test]
async fn one_place_is_the_common_case() {
    let only = |trusted| Some(Destination::new(vec![place("one", |labels| labels.trusted = trusted)]));
    let rules = || requiring(LabelRule::new().trusted(true));
    assert_eq!(ask(rules(), only(true)).await.header("x-left"), "one");
    assert_eq!(ask(rules(), only(false)).await.status, 403);
}

#[test]
fn a_question_about_no_model_is_not_held_against_labels() {
    let rules = requiring(LabelRule::new().trusted(true))
        .deny(Rule::new("d").labels(LabelRule::new().trusted(false)).models(models(["*"])))
        .expect("rules");
    assert!(rules.allows(&Ask::new(&alice(&[]))).is_allowed());
}
