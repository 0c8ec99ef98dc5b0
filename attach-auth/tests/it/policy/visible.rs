//! What can be seen of decisions: the header, rules that are only watched, rules that are replaced, the book.

use std::collections::BTreeSet;

use attach_auth::PolicyLayer;
use attach_auth::policy::{Ask, Live, Policy, Require, Rule, Rules, reason};
use attach_core::Identity;

use super::{Outcome, alice, call_with, chat, hello, models, rules, send};

fn watched(outcome: &Outcome) -> Option<String> {
    outcome.exchange.facts(|facts| {
        let custom = facts.custom.iter().find(|(name, _)| *name == "policy_shadow");
        custom.map(|(_, text)| text.clone().into())
    })
}

#[tokio::test]
async fn the_header_says_why_and_by_which_rule() {
    let asks = async |groups: &[&str], model: &str| {
        let layer = PolicyLayer::new(rules()).decision_header();
        let outcome = send(layer, Some(alice(groups)), chat(&hello(model))).await;
        outcome.header("x-attach-policy").to_owned()
    };
    assert_eq!(asks(&[], "llama3").await, "allowed_by_rule; rule=everyone");
    assert_eq!(asks(&["leavers"], "llama3").await, "denied_by_rule; rule=no-leavers");
    assert_eq!(asks(&[], "gpt-4o").await, "no_rule_allows");
    let silent = call_with(rules(), Some(alice(&[])), None, chat(&hello("llama3"))).await;
    assert_eq!(silent.header("x-attach-policy"), "", "only where it was asked for");
}

#[tokio::test]
async fn a_closure_may_answer_yes_or_no() {
    let own = |ask: &Ask<'_>| ask.model == Some("llama3");
    let yes = call_with(own, Some(alice(&[])), None, chat(&hello("llama3"))).await;
    assert_eq!((yes.status, yes.decision().0), (200, reason::ALLOWED_BY_POLICY));
    let no = call_with(own, Some(alice(&[])), None, chat(&hello("o3"))).await;
    assert_eq!((no.status, no.decision().0), (403, reason::DENIED_BY_POLICY));
}

#[tokio::test]
async fn rules_in_shadow_let_everything_through_and_say_what_they_would_have_done() {
    let ask = async |model: &str| {
        call_with(rules().shadow(true), Some(alice(&[])), None, chat(&hello(model))).await
    };
    let denied = ask("gpt-4o").await;
    assert_eq!((denied.status, denied.decision().0), (200, reason::ALLOWED_IN_SHADOW));
    assert_eq!(watched(&denied).as_deref(), Some("deny no_rule_allows"));
    assert_eq!(watched(&ask("llama3").await).as_deref(), Some("allow allowed_by_rule; rule=everyone"));
    let state = serde_json::json!({"model": "m", "input": "hi", "previous_response_id": "resp_1"});
    let request = http::Request::post("/v1/responses").body(state.to_string().into()).expect("a request");
    let outcome = call_with(rules().shadow(true), Some(alice(&[])), None, request).await;
    assert_eq!(outcome.status, 403, "what a provider keeps is no rule's business");
}

#[test]
fn verbs_are_decided_in_shadow_as_well() {
    let rules = Rules::deny_by_default().allow(Rule::new("ops").groups(["ops"]).verbs(["*"]));
    let rules = rules.expect("rules").shadow(true);
    assert!(!rules.allows(&Ask::verb(&alice(&[]), "keys.manage")).is_allowed());
    assert!(rules.allows(&Ask::verb(&alice(&["ops"]), "keys.manage")).is_allowed());
}

#[tokio::test]
async fn a_rule_in_shadow_changes_nothing_but_the_record() {
    let build = || {
        Rules::deny_by_default()
            .allow(Rule::new("llama").models(models(["llama3"])))?
            .allow(Rule::new("soon").models(models(["gpt-4*"])).shadow(true))?
            .deny(Rule::new("soon-not").groups(["interns"]).shadow(true))
    };
    let ask = async |groups: &[&str], model: &str| {
        let outcome =
            call_with(build().expect("rules"), Some(alice(groups)), None, chat(&hello(model))).await;
        (outcome.status, watched(&outcome))
    };
    assert_eq!(ask(&[], "llama3").await, (200, None));
    assert_eq!(ask(&[], "gpt-4o").await, (403, Some("allow allowed_by_rule; rule=soon".into())));
    assert_eq!(ask(&["interns"], "llama3").await, (200, Some("deny denied_by_rule; rule=soon-not".into())));
    assert_eq!(ask(&[], "o3").await, (403, None));
}

#[tokio::test]
async fn rules_are_replaced_under_a_running_service() {
    let live = Live::new(rules());
    let ask = async || call_with(live.clone(), Some(alice(&[])), None, chat(&hello("o3"))).await.status;
    assert_eq!(ask().await, 403);
    let more = rules().allow(Rule::new("more").models(models(["o3"]))).expect("rules");
    live.replace(more).expect("not for everybody");
    assert_eq!(ask().await, 200);
}

#[test]
fn a_replacement_that_opens_everything_to_everybody_has_to_say_so() {
    let one = |rule: Rule| Rules::deny_by_default().allow(rule).expect("rules");
    let everywhere = || ["0.0.0.0/0", "::/0"].map(|text| text.parse().expect("a network"));
    for slip in [
        one(Rule::new("r")),
        one(Rule::new("r").models(models(["*"]))),
        one(Rule::new("r").networks(everywhere())),
        one(Rule::new("r").tools(["*"])),
        rules().shadow(true),
    ] {
        let live = Live::new(rules());
        assert!(slip.is_open_to_everybody());
        assert!(live.replace(slip).is_err());
        assert!(!live.load().is_open_to_everybody(), "the rules so far stay");
    }
    for meant in [
        one(Rule::new("r").models(models(["llama3"]))),
        one(Rule::new("r").groups(["eng"])),
        one(Rule::new("r").require(Require::new().acr(["phr"]))),
        one(Rule::new("r").verbs(["*"])),
        one(Rule::new("r").shadow(true)),
        Rules::allow_by_default(),
    ] {
        Live::new(rules()).replace(meant).expect("meant");
    }
    Live::new(Rules::allow_by_default()).replace(one(Rule::new("r"))).expect("it was open before");
}

#[test]
fn the_book_explains_every_reason() {
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md");
    let book = std::fs::read_to_string(book).expect("docs/policy.md");
    let table =
        book.split("## Reasons").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let explained: BTreeSet<&str> = rows.collect();
    assert_eq!(explained, reason::ALL.into_iter().collect());
}

#[test]
fn a_live_policy_is_a_policy() {
    fn is_policy(_: &impl Policy) {}
    let live = Live::new(|ask: &Ask<'_>| ask.identity.is_member("eng"));
    is_policy(&live);
    assert!(!live.allows(&Ask::new(&Identity::person("acme", "bob"))).is_allowed());
    assert!(live.allows(&Ask::new(&alice(&["eng"]))).is_allowed());
}
