//! What holds for all rules and all questions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use attach_auth::policy::{Ask, LabelRule, Policy, Require, Rule, Rules};
use attach_core::destination::{Candidate, Labels};
use attach_core::identity::{Group, Kind, Proof};
use attach_core::{Api, Destination, Identity, Peer};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{call_with, chat, hello};

const GROUPS: [&str; 3] = ["a", "b", "c"];
const MODELS: [&str; 4] = ["*", "m*", "m1", "m2"];
const REGIONS: [&str; 2] = ["eu", "us"];

/// A rule that may allow or deny.
fn rule() -> impl Strategy<Value = Rule> {
    let caller = (
        subsequence(GROUPS.to_vec(), 0..=2),
        option::weighted(0.2, select(vec![Kind::Person, Kind::Service])),
        subsequence(vec![Proof::Token, Proof::Key], 0..=1),
        option::weighted(0.2, Just("10.0.0.0/8")),
    );
    let call = (
        subsequence(MODELS.to_vec(), 0..=2),
        subsequence(vec![Api::OpenAiChat, Api::OllamaChat], 0..=1),
        subsequence(vec!["web_search", "mcp"], 0..=1),
        labels(),
        subsequence(vec!["keys.*"], 0..=1),
    );
    let demand = (subsequence(vec!["phr"], 0..=1), labels(), any::<bool>());
    // Two rules of one name would be refused, so ids do not shrink.
    let id = any::<u64>().no_shrink();
    (id, caller, call, demand).prop_map(|(id, caller, call, (acr, required, keys))| {
        let (groups, kind, proofs, network) = caller;
        let (models, apis, tools, labels, verbs) = call;
        let models = models.into_iter().map(|glob| glob.parse().expect("a pattern"));
        let require = Require::new().acr(acr).labels(required);
        let networks = network.map(|network| network.parse().expect("a network"));
        let rule =
            Rule::new(format!("r{id}")).groups(groups).proofs(proofs).models(models).apis(apis).tools(tools);
        let rule = rule.labels(labels).verbs(verbs).networks(networks).require(require).allow_keys(keys);
        match kind {
            Some(kind) => rule.kind(kind),
            None => rule,
        }
    })
}

fn labels() -> impl Strategy<Value = LabelRule> {
    let flag = || option::weighted(0.2, any::<bool>());
    (flag(), flag(), flag(), subsequence(REGIONS.to_vec(), 0..=1)).prop_map(
        |(trusted, zero, trains, regions)| {
            let mut labels = LabelRule::new().regions(regions);
            if let Some(trusted) = trusted {
                labels = labels.trusted(trusted);
            }
            if let Some(zero) = zero {
                labels = labels.zero_retention(zero);
            }
            if let Some(trains) = trains {
                labels = labels.trains_on_data(trains);
            }
            labels
        },
    )
}

/// Everything that a question borrows.
#[derive(Debug, Clone)]
struct Situation {
    identity: Identity,
    model: Option<&'static str>,
    api: Option<Api>,
    tools: Vec<Box<str>>,
    candidate: Option<Candidate>,
    peer: Option<Peer>,
    verb: Option<&'static str>,
}

impl Situation {
    fn ask(&self) -> Ask<'_> {
        let mut ask = Ask::new(&self.identity).with_api(self.api).with_tools(&self.tools);
        ask.model = self.model;
        ask.verb = self.verb;
        ask.with_candidate(self.candidate.as_ref()).with_peer(self.peer.as_ref())
    }
}

fn situation() -> impl Strategy<Value = Situation> {
    let who = (
        subsequence(GROUPS.to_vec(), 0..=3),
        any::<bool>(),
        select(vec![Proof::Token, Proof::Key, Proof::Delegated]),
        option::of(Just("phr")),
    );
    let what = (
        option::of(select(vec!["m1", "m2", "M1", "other"])),
        option::of(select(vec![Api::OpenAiChat, Api::OllamaChat])),
        subsequence(vec![Box::from("web_search"), Box::from("mcp")], 0..=1),
        option::of(place()),
        option::of(any::<u8>()),
        option::weighted(0.2, select(vec!["keys.manage", "audit.read"])),
    );
    (who, what).prop_map(|((groups, service, proof, acr), what)| {
        let (model, api, tools, candidate, net, verb) = what;
        let mut identity =
            if service { Identity::service("acme", "x") } else { Identity::person("acme", "x") };
        identity.groups = groups.into_iter().map(|group| Group::new("acme", group)).collect();
        identity.proof = proof;
        identity.assurance.acr = acr.map(Into::into);
        let address = |net: u8| IpAddr::V4(Ipv4Addr::new(if net < 128 { 10 } else { 11 }, 0, 0, 1));
        let peer = net.map(|net| Peer::new(SocketAddr::new(address(net), 1)));
        Situation { identity, model, api, tools, candidate, peer, verb }
    })
}

fn place() -> impl Strategy<Value = Candidate> {
    let region = option::of(select(REGIONS.to_vec()));
    (any::<bool>(), any::<bool>(), option::of(any::<bool>()), region).prop_map(
        |(trusted, zero, trains, region)| {
            let mut labels = Labels::default();
            labels.trusted = trusted;
            labels.zero_retention = zero;
            labels.trains_on_data = trains;
            labels.region = region.map(Into::into);
            Candidate::new("u", "m", Arc::new(labels))
        },
    )
}

/// `true` denies.
fn rules(list: &[(bool, Rule)], open: bool) -> Rules {
    let start = if open { Rules::allow_by_default() } else { Rules::deny_by_default() };
    list.iter().cloned().fold(start, |rules, (denies, rule)| {
        if denies { rules.deny(rule) } else { rules.allow(rule) }.expect("rules")
    })
}

fn list() -> impl Strategy<Value = Vec<(bool, Rule)>> {
    vec((any::<bool>(), rule()), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_denial_wins_over_any_other_rule(list in list(), denial in rule(), now in situation(), open: bool) {
        let alone = rules(&[(true, denial.clone())], true);
        let mut more = list;
        more.push((true, denial));
        if alone.allows(&now.ask()).decision.reason == "denied_by_rule" {
            prop_assert!(!rules(&more, open).allows(&now.ask()).is_allowed());
        }
    }

    #[test]
    fn the_order_of_rules_means_nothing(
        (list, shuffled) in list().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        now in situation(),
        open: bool,
    ) {
        let (one, other) = (rules(&list, open).allows(&now.ask()), rules(&shuffled, open).allows(&now.ask()));
        prop_assert_eq!(one.is_allowed(), other.is_allowed());
        prop_assert_eq!(one.step_up.is_some(), other.step_up.is_some());
    }

    #[test]
    fn another_rule_that_allows_takes_no_right_away(list in list(), one in rule(), now in situation(), open: bool) {
        let mut more = list.clone();
        more.push((false, one));
        if rules(&list, open).allows(&now.ask()).is_allowed() {
            prop_assert!(rules(&more, open).allows(&now.ask()).is_allowed());
        }
    }

    #[test]
    fn another_rule_that_denies_gives_no_right(list in list(), one in rule(), now in situation(), open: bool) {
        let mut more = list.clone();
        more.push((true, one));
        if !rules(&list, open).allows(&now.ask()).is_allowed() {
            prop_assert!(!rules(&more, open).allows(&now.ask()).is_allowed());
        }
    }

    #[test]
    fn a_rule_in_shadow_changes_no_decision(list in list(), one in rule(), denies: bool, now in situation()) {
        let mut more = list.clone();
        more.push((denies, one.shadow(true)));
        let (without, with) = (rules(&list, false).allows(&now.ask()), rules(&more, false).allows(&now.ask()));
        prop_assert_eq!(without.is_allowed(), with.is_allowed());
        prop_assert_eq!(without.decision.reason, with.decision.reason);
    }

    #[test]
    fn knowing_less_of_a_place_opens_nothing(list in list(), now in situation()) {
        let mut blind = now.clone();
        blind.candidate = None;
        if rules(&list, false).allows(&blind.ask()).is_allowed() {
            prop_assert!(rules(&list, false).allows(&now.ask()).is_allowed());
        }
    }

    #[test]
    fn what_is_left_of_a_destination_is_what_is_allowed_alone(list in list(), now in situation(), places in vec(place(), 1..4)) {
        let named = |(index, place): (usize, Candidate)| Candidate::new(format!("p{index}"), "m", place.labels);
        let places: Vec<Candidate> = places.into_iter().enumerate().map(named).collect();
        let asked = rules(&list, false);
        let mut now = now;
        (now.model, now.verb, now.api, now.peer) = (Some("m1"), None, Some(Api::OpenAiChat), None);
        now.tools.clear();
        let alone = |place: &&Candidate| asked.allows(&now.ask().with_candidate(Some(place))).is_allowed();
        let expected: Vec<&str> = places.iter().filter(alone).map(|place| &*place.upstream).collect();
        let whole = Destination::new(places.clone());
        let outcome = call_with(rules(&list, false), Some(now.identity.clone()), Some(whole), chat(&hello("m1")));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let outcome = runtime.block_on(outcome);
        prop_assert_eq!(outcome.status == 200, !expected.is_empty());
        prop_assert_eq!(outcome.header("x-left"), expected.join(","));
    }

    #[test]
    fn a_key_and_another_s_word_pass_no_verb(list in list(), mut now in situation(), open: bool) {
        now.verb = Some("keys.manage");
        if now.identity.proof != Proof::Token {
            prop_assert!(!rules(&list, open).allows(&now.ask()).is_allowed());
        }
    }
}
