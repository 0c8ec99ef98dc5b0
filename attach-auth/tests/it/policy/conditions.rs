//! Each condition of a rule, as a caller meets it: as one that allows, and as one that denies.

use std::net::SocketAddr;
use std::sync::Arc;

use attach_auth::ConfigError;
use attach_auth::policy::{Ask, Policy, Rule, Rules, reason};
use attach_core::identity::{Kind, Proof};
use attach_core::json::Document;
use attach_core::{Identity, Peer};

use super::{alice, call_with, chat, hello, models};

type Build = fn(Rule) -> Result<Rule, ConfigError>;

/// What a rule with this condition says when it allows, and when it denies.
fn both(identity: &Identity, address: Option<&str>, condition: Build) -> (bool, bool) {
    let rule = |id: &str| condition(Rule::new(id.to_owned())).expect("a rule");
    let peer = address.map(|address| Peer::new(address.parse::<SocketAddr>().expect("an address")));
    let ask = Ask::model(identity, "m").with_peer(peer.as_ref());
    let allow = Rules::deny_by_default().allow(rule("r")).expect("rules");
    let deny = Rules::allow_by_default().deny(rule("r")).expect("rules");
    (allow.allows(&ask).is_allowed(), !deny.allows(&ask).is_allowed())
}

fn with_claims(claims: &str) -> Identity {
    let mut alice = alice(&[]);
    alice.claims = Some(Arc::new(Document::parse(claims.to_owned().into()).expect("JSON")));
    alice
}

const APPLIES: (bool, bool) = (true, true);
const DOES_NOT: (bool, bool) = (false, false);
/// Allows nothing and denies everything.
const UNKNOWN: (bool, bool) = (false, true);

#[test]
fn claims_by_name_by_pointer_and_by_being_there() {
    let eng = with_claims(r#"{"department":"eng","device":{"managed":true},"deviceid":"d-1"}"#);
    let hr = with_claims(r#"{"department":"hr","deviceid":null}"#);
    let department: Build = |rule| rule.claim("department", ["eng", "ops"]);
    assert_eq!(both(&eng, None, department), APPLIES);
    assert_eq!(both(&hr, None, department), DOES_NOT);
    assert_eq!(both(&eng, None, |rule| rule.claim("/device/managed", ["true"])), APPLIES);
    assert_eq!(both(&hr, None, |rule| rule.claim("/device/managed", ["true"])), DOES_NOT);
    assert_eq!(both(&eng, None, |rule| rule.claim_present("deviceid", true)), APPLIES);
    assert_eq!(both(&hr, None, |rule| rule.claim_present("deviceid", true)), DOES_NOT);
    assert_eq!(both(&hr, None, |rule| rule.claim_present("deviceid", false)), APPLIES);
    let two: Build = |rule| rule.claim("department", ["eng"])?.claim_present("no-such", true);
    assert_eq!(both(&eng, None, two), DOES_NOT, "every claim has to hold");
}

#[test]
fn of_a_caller_without_claims_nothing_is_allowed_and_everything_denied() {
    assert_eq!(both(&alice(&[]), None, |rule| rule.claim("department", ["eng"])), UNKNOWN);
    assert_eq!(both(&alice(&[]), None, |rule| rule.claim_present("deviceid", false)), UNKNOWN);
}

#[test]
fn networks_by_the_address_of_the_connection() {
    let office: Build = |rule| Ok(rule.networks(["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?]));
    for (address, expected) in [
        (Some("10.1.2.3:4000"), APPLIES),
        (Some("[::ffff:10.1.2.3]:4000"), APPLIES),
        (Some("[2001:db8::7]:4000"), APPLIES),
        (Some("11.0.0.1:4000"), DOES_NOT),
        (None, UNKNOWN),
    ] {
        assert_eq!(both(&alice(&[]), address, office), expected, "{address:?}");
    }
}

#[test]
fn what_the_caller_showed() {
    let mut caller = alice(&[]);
    let keys: Build = |rule| Ok(rule.proofs([Proof::Key]));
    assert_eq!(both(&caller, None, keys), DOES_NOT);
    caller.proof = Proof::Key;
    assert_eq!(both(&caller, None, keys), APPLIES);
    caller.proof = Proof::Token;
    caller.actor = Some(Arc::new(Identity::service("acme", "chat")));
    let delegated: Build = |rule| Ok(rule.proofs([Proof::Delegated]));
    assert_eq!(both(&caller, None, delegated), APPLIES, "somebody speaks for the caller");
}

#[test]
fn a_condition_that_cannot_be_meant_is_refused() {
    let rule = || Rule::new("r");
    assert!(rule().claim("", ["x"]).is_err());
    assert!(rule().claim("/a//b", ["x"]).is_err());
    assert!(rule().claim("department", Vec::<String>::new()).is_err());
    assert!(rule().claim_present("/", true).is_err());
}

#[test]
fn verbs_are_allowed_by_rules_that_list_them_and_to_tokens_only() {
    let rules = Rules::allow_by_default()
        .allow(Rule::new("ops").groups(["ops"]).verbs(["keys.*", "audit.read"]))
        .and_then(|rules| rules.allow(Rule::new("all-models")))
        .and_then(|rules| rules.deny(Rule::new("no-leavers").groups(["leavers"])))
        .and_then(|rules| rules.deny(Rule::new("not-at-night").verbs(["keys.purge"])))
        .and_then(|rules| rules.deny(Rule::new("no-o3").models(models(["o3"]))))
        .expect("rules");
    let asks = |identity: &Identity, verb: &str| {
        let verdict = rules.allows(&Ask::verb(identity, verb));
        (verdict.is_allowed(), verdict.decision.reason)
    };
    let mut operator = alice(&["ops"]);
    assert_eq!(asks(&operator, "keys.manage"), (true, reason::ALLOWED_BY_RULE));
    assert_eq!(asks(&operator, "revocations.write"), (false, reason::NO_RULE_ALLOWS));
    assert_eq!(asks(&operator, "keys.purge"), (false, reason::DENIED_BY_RULE));
    assert_eq!(asks(&operator, "KEYS.PURGE"), (false, reason::DENIED_BY_RULE));
    assert_eq!(
        asks(&alice(&[]), "keys.manage"),
        (false, reason::NO_RULE_ALLOWS),
        "neither default nor `all-models`"
    );
    assert_eq!(asks(&alice(&["ops", "leavers"]), "keys.manage"), (false, reason::DENIED_BY_RULE));
    operator.proof = Proof::Key;
    assert_eq!(asks(&operator, "keys.manage"), (false, reason::VERB_NEEDS_TOKEN));
    operator.proof = Proof::Token;
    operator.actor = Some(Arc::new(Identity::service("acme", "chat")));
    assert_eq!(asks(&operator, "keys.manage"), (false, reason::VERB_NEEDS_TOKEN));
}

#[tokio::test]
async fn a_rule_about_verbs_opens_and_closes_no_model() {
    let rules = || {
        Rules::deny_by_default()
            .allow(Rule::new("ops").verbs(["*"]))?
            .deny(Rule::new("none").kind(Kind::Service).verbs(["*"]))
    };
    let outcome = call_with(rules().expect("rules"), Some(alice(&[])), None, chat(&hello("m"))).await;
    assert_eq!((outcome.status, outcome.decision().0), (403, reason::NO_RULE_ALLOWS));
    let open = rules().and_then(|rules| rules.allow(Rule::new("all"))).expect("rules");
    let mut robot = alice(&[]);
    robot.kind = Kind::Service;
    assert_eq!(call_with(open, Some(robot), None, chat(&hello("m"))).await.status, 200);
}
