//! The rule engine by itself.

use attach_auth::policy::{Ask, Policy, Rule, Rules};
use attach_core::identity::{Group, Kind};
use attach_core::{Api, Identity};

use super::{alice, models, rules};
use crate::support::Log;

#[test]
fn a_list_of_models_asks_about_each() {
    let rules = rules();
    let visible = |identity: &Identity| -> Vec<&str> {
        let all = ["gpt-4o", "llama3", "team-chat", "o3"];
        all.into_iter().filter(|model| rules.allows(&Ask::model(identity, model)).is_allowed()).collect()
    };
    assert_eq!(visible(&alice(&[])), ["llama3", "team-chat"]);
    assert_eq!(visible(&alice(&["AI-Power-Users"])), ["gpt-4o", "llama3", "team-chat"]);
    assert!(visible(&alice(&["leavers"])).is_empty());
}

#[test]
fn conditions_hold_together() {
    let rules = Rules::deny_by_default()
        .allow(Rule::new("a").scopes(["llm"]).client_ids(["web"]).kind(Kind::Person).apis([Api::OllamaChat]))
        .expect("a rule");
    let mut alice = alice(&[]);
    let asks =
        |identity: &Identity, api| rules.allows(&Ask::model(identity, "m").with_api(Some(api))).is_allowed();
    assert!(!asks(&alice, Api::OllamaChat));
    alice.scopes.insert("llm".into());
    assert!(!asks(&alice, Api::OllamaChat));
    alice.client_id = Some("web".into());
    assert!(asks(&alice, Api::OllamaChat));
    assert!(!asks(&alice, Api::OllamaGenerate));
    alice.kind = Kind::Service;
    assert!(!asks(&alice, Api::OllamaChat));
}

#[test]
fn capitals_get_past_no_denial() {
    let rules = Rules::allow_by_default().deny(Rule::new("d").models(models(["gpt-4*"]))).expect("a rule");
    assert!(!rules.allows(&Ask::model(&alice(&[]), "GPT-4o")).is_allowed());
    assert!(rules.allows(&Ask::model(&alice(&[]), "gpt-3")).is_allowed());
}

#[test]
fn groups_belong_to_a_directory() {
    let build = |group: &str| {
        Rules::deny_by_default().directories(["acme", "partner"])?.allow(Rule::new("r").groups([group]))
    };
    assert!(build("admins").is_err_and(|error| error.to_string().contains("acme/admins")));
    let rules = build("acme/admins").expect("a rule");
    assert!(rules.allows(&Ask::new(&alice(&["admins"]))).is_allowed());
    let mut impostor = Identity::person("partner", "mallory");
    impostor.groups = [Group::new("partner", "admins"), Group::new("acme", "admins")].into();
    assert!(!rules.allows(&Ask::new(&impostor)).is_allowed());
    assert!(
        Rules::deny_by_default().allow(Rule::new("r")).and_then(|rules| rules.deny(Rule::new("r"))).is_err()
    );
}

#[test]
fn a_missing_group_is_logged_once_a_minute() {
    let log = Log::start();
    let rules = rules();
    for _ in 0..3 {
        assert!(!rules.allows(&Ask::model(&alice(&["hr"]), "gpt-4o")).is_allowed());
    }
    let lines = log.lines_with("none of its groups");
    assert_eq!(lines.len(), 1);
    for part in ["power-users", "AI-Power-Users", "hr", "docs/troubleshooting.md#no_matching_group"] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
}
