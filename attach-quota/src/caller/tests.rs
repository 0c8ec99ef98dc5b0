use std::collections::BTreeSet;

use attach_core::identity::{ClaimPath, Group};
use attach_core::json::Document;

use super::*;
use crate::{Budget, Period, Rate};

fn limit() -> Limit {
    Limit::tokens("l", Rate::per_minute(1))
}

fn keys(limit: &Limit, identity: &Identity) -> Vec<Key> {
    Caller::Known(Arc::new(identity.clone())).keys(limit)
}

fn key(scope: Scope, identity: &Identity) -> Key {
    let mut keys = keys(&limit().each(scope), identity);
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

fn person(directory: &str, id: &str, client: Option<&str>) -> Identity {
    let mut identity = Identity::person(directory, id);
    identity.client_id = client.map(Into::into);
    identity
}

fn in_groups(id: &str, groups: &[&str]) -> Identity {
    let mut identity = Identity::person("acme", id);
    identity.groups = groups.iter().map(|name| group(name)).collect();
    identity
}

fn group(name: &str) -> Group {
    Group::new("acme", name)
}

fn claim(path: &str) -> Scope {
    Scope::Claim(ClaimPath::parse(path).expect("a path"))
}

#[test]
fn the_same_id_in_two_directories_is_two_people() {
    let (here, there) = (person("acme", "alice", None), person("partner", "alice", None));
    for scope in [Scope::User, Scope::Client, Scope::Key, Scope::Directory, claim("none")] {
        assert_ne!(key(scope.clone(), &here).fingerprint(), key(scope, &there).fingerprint());
    }
    assert_eq!(key(Scope::Everyone, &here).fingerprint(), key(Scope::Everyone, &there).fingerprint());
}

#[test]
fn a_scope_decides_who_shares() {
    let (alice, bob) = (person("acme", "alice", Some("app")), person("acme", "bob", Some("app")));
    assert_ne!(key(Scope::User, &alice), key(Scope::User, &bob));
    assert_eq!(key(Scope::Client, &alice), key(Scope::Client, &bob));
    assert_eq!(key(Scope::Directory, &alice), key(Scope::Directory, &bob));
}

#[test]
fn a_caller_without_a_client_or_a_key_shares_with_no_client_or_key_of_that_name() {
    let (bare, mut app) = (person("acme", "app", None), person("acme", "alice", Some("app")));
    app.key_id = Some("app".into());
    let prints: BTreeSet<_> = [Scope::Client, Scope::Key, Scope::User]
        .iter()
        .flat_map(|scope| [&bare, &app].map(|one| (scope.breadth(), key(scope.clone(), one).fingerprint())))
        .collect();
    assert_eq!(prints.len(), 6);
}

#[test]
fn two_limits_do_not_share_a_bucket() {
    let caller = Caller::Named("alice".into());
    let prints = [
        Limit::tokens("a", Rate::per_minute(1)),
        Limit::tokens("b", Rate::per_minute(1)),
        Limit::requests("a", Rate::per_minute(1)),
    ]
    .map(|limit| caller.keys(&limit)[0].fingerprint());
    assert!(prints[0] != prints[1] && prints[0] != prints[2] && prints[1] != prints[2]);
}

#[test]
fn a_claim_that_is_missing_or_empty_is_shared_by_those_who_have_none() {
    let with = |claims: Option<&str>| {
        let mut identity = Identity::person("acme", "x");
        identity.claims = claims.map(|text| Arc::new(Document::parse(text.to_owned().into()).expect("JSON")));
        key(claim("department"), &identity)
    };
    let eng = with(Some(r#"{"department":"eng"}"#));
    assert_eq!(eng.id(), Some("eng"));
    assert_eq!(with(Some(r#"{"department":["eng","ops"]}"#)), eng);
    assert_eq!(with(Some(r#"{"department":7}"#)).id(), Some("7"));
    let none = with(None);
    assert_eq!(none.id(), None);
    assert_eq!(with(Some(r#"{"department":""}"#)), none);
    assert_eq!(with(Some(r#"{"department":{}}"#)), none);
}

#[test]
fn each_group_has_a_bucket_and_a_member_of_two_draws_from_both() {
    let limit = limit().each(Scope::Group).groups([group("a"), group("b"), group("c")]);
    let both = keys(&limit, &in_groups("alice", &["a", "b", "x"]));
    assert_eq!(both.iter().map(|key| key.id().expect("a group")).collect::<Vec<_>>(), ["a", "b"]);
    assert!(keys(&limit, &in_groups("bob", &["x"])).is_empty());
}

#[test]
fn budgets_of_group_members_in_two_time_zones_are_counted_apart() {
    let print = |zone: &str, amount| {
        let budget = Budget::new(amount, Period::Month).in_time_zone(zone).expect("a zone");
        let limit = Limit::tokens(format!("{zone}-{amount}"), budget).each(Scope::GroupMember).settled();
        keys(&limit.groups([group("a")]), &in_groups("alice", &["a"]))[0].fingerprint()
    };
    assert_eq!(print("Europe/Berlin", 1), print("Europe/Berlin", 2));
    assert_ne!(print("Europe/Berlin", 1), print("America/New_York", 1));
}

#[test]
fn a_limit_for_a_group_is_for_those_whose_membership_was_withheld_as_well() {
    let limit = limit().groups([group("a")]);
    let mut alice = in_groups("alice", &[]);
    assert!(keys(&limit, &alice).is_empty());
    alice.withheld = Some(Arc::new([group("a")].into()));
    assert_eq!(keys(&limit, &alice).len(), 1);
    alice.withheld = Some(Arc::new([Group::new("other", "a")].into()));
    assert!(keys(&limit, &alice).is_empty(), "of another directory");
}

#[test]
fn a_limit_for_somebody_in_particular_is_for_nobody_else() {
    let alice = person("acme", "alice", Some("app"));
    assert_eq!(keys(&limit().users(["alice"]).clients(["app"]), &alice).len(), 1);
    assert!(keys(&limit().users(["bob"]), &alice).is_empty());
    assert!(keys(&limit().clients(["other"]), &alice).is_empty());
    assert!(keys(&limit().kind(attach_core::identity::Kind::Service), &alice).is_empty());
    assert!(Caller::Named("alice".into()).keys(&limit().users(["alice"])).is_empty());
}
