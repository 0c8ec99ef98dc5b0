//! Rules about more than names: how somebody signed in, from where, with what, and where the call may go.

mod reload;
mod tools;

use serde_json::{Value, json};

use crate::support::issuer::{Alg, now, sign};
use crate::support::{CHATS, Call, Gateway, Issuer, Launch, Response, Upstream, question};

const HEAD: &str = r#"
[[issuer]]
directory = "acme"
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "outside"
kind = "openai"
url = "{OUTSIDE}"

[[upstream]]
name = "keeps-nothing"
kind = "openai"
url = "{KEEPS_NOTHING}"
zero_retention = true
region = "eu"

[[model]]
name = "gpt-4o"
to = ["outside", "keeps-nothing"]
tier = "large"

[[model]]
name = "llama3"
to = ["outside"]
"#;

/// Two model servers, and a gateway with these rules.
struct Site {
    issuer: Issuer,
    outside: Upstream,
    keeps_nothing: Upstream,
    gateway: Gateway,
    head: String,
}

impl Site {
    async fn new(rules: &str) -> Self {
        Self::with(HEAD, rules).await
    }

    async fn with(head: &str, rules: &str) -> Self {
        let (issuer, outside, keeps_nothing) =
            (Issuer::start().await, Upstream::model().await, Upstream::model().await);
        let head = head
            .replace("{ISSUER}", issuer.url())
            .replace("{OUTSIDE}", &outside.url())
            .replace("{KEEPS_NOTHING}", &keeps_nothing.url());
        let gateway = Launch::file(&format!("{head}\n{rules}")).start().await;
        Self { issuer, outside, keeps_nothing, gateway, head }
    }

    /// A call by somebody with these claims besides the usual.
    fn call(&self, claims: &Value, model: &str) -> Call {
        let token = self.token(claims);
        self.gateway.post(CHATS[0]).bearer(&token).json(&question(CHATS[0], model, "hello"))
    }

    async fn ask(&self, claims: Value, model: &str) -> Response {
        self.call(&claims, model).send().await
    }

    fn token(&self, more: &Value) -> String {
        let mut claims = self.issuer.claims("alice", &["eng"]);
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sign(Alg::Es256, &claims)
    }

    async fn models(&self, claims: Value) -> Vec<String> {
        let list = self.gateway.get("/v1/models").bearer(&self.token(&claims)).send().await.expect(200);
        let list = list.json()["data"].as_array().unwrap().clone();
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_sign_in_that_is_too_weak_or_too_old_is_told_what_would_do() {
    let site = Site::new(
        "[[access.allow]]\nid = \"strong\"\ngroups = [\"eng\"]\n\
         require = { acr = [\"phr\", \"phrh\"], amr = [\"hwk\"], auth_age = \"12h\" }\n",
    )
    .await;
    let strong = json!({"acr": "phr", "amr": ["hwk", "pwd"], "auth_time": now() - 3600});
    let answer = site.ask(strong.clone(), "gpt-4o").await.expect(200);
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["decision"]["rule_ids"], json!(["strong"]));
    for (claim, value) in [
        ("acr", json!("urn:okta:loa:1fa:any")),
        ("amr", json!(["pwd"])),
        ("auth_time", json!(now() - 50_000)),
    ] {
        let mut weak = strong.clone();
        weak[claim] = value;
        let answer = site.ask(weak, "gpt-4o").await.expect(401);
        assert_eq!(answer.code(), "insufficient_user_authentication");
        let challenge = answer.header("www-authenticate").unwrap();
        for part in [
            "Bearer realm=\"attach\"",
            "error=\"insufficient_user_authentication\"",
            "acr_values=\"phr phrh\"",
            "max_age=\"43200\"",
        ] {
            assert!(challenge.contains(part), "{challenge}");
        }
        let trail = site.gateway.finished(&answer.id()).await;
        let reject = trail.reject();
        assert_eq!(reject["decision"]["reason"], "insufficient_user_authentication");
        assert_eq!(reject["decision"]["rule_ids"], json!(["strong"]));
        assert_eq!(reject["actor"]["sub"], "alice");
    }
    assert_eq!(site.models(json!({})).await, ["gpt-4o", "llama3"], "listed, so that clients find out");
    assert!(site.models(json!({"groups": []})).await.is_empty());
}

#[tokio::test]
async fn a_demand_for_zero_retention_leaves_only_the_places_that_keep_nothing() {
    let site = Site::new("[[access.allow]]\nid = \"zdr\"\nrequire = { zero_retention = true }\n").await;
    let answer = site.ask(json!({}), "gpt-4o").await.expect(200);
    assert!(site.outside.seen().is_empty());
    assert_eq!(site.keeps_nothing.seen().len(), 1);
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["model"]["upstream"], "keeps-nothing");
    let answer = site.ask(json!({}), "llama3").await.expect(403);
    assert_eq!(answer.code(), "model_not_available");
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.reject()["decision"]["detail"], "destination_not_allowed");
    assert_eq!(site.models(json!({})).await, ["gpt-4o"]);
    assert!(site.outside.seen().is_empty());
}

#[tokio::test]
async fn failover_stays_within_what_is_allowed() {
    let broken = HEAD.replace("{KEEPS_NOTHING}", "http://127.0.0.1:1");
    let rules = "[[access.allow]]\nid = \"zdr\"\nrequire = { zero_retention = true }\n";
    let site = Site::with(&broken, rules).await;
    site.ask(json!({}), "gpt-4o").await.expect(502);
    assert!(site.outside.seen().is_empty());
}

#[tokio::test]
async fn each_condition_of_the_file_decides() {
    let deny = |condition: &str| {
        format!("[access]\ndefault = \"allow\"\n[[access.deny]]\nid = \"one\"\n{condition}\n")
    };
    let allow = |condition: &str| format!("[[access.allow]]\nid = \"one\"\n{condition}\n");
    let with = json!({"department": "eng", "device": {"managed": true}, "deviceid": "d-1"});
    for (condition, holds) in [
        ("networks = [\"127.0.0.0/8\"]", true),
        ("networks = [\"10.0.0.0/8\", \"::1\"]", false),
        ("proof = \"token\"", true),
        ("proof = [\"key\", \"delegated\"]", false),
        ("claims = { department = [\"eng\", \"ops\"] }", true),
        ("claims = { department = \"hr\" }", false),
        ("claims = { \"/device/managed\" = true }", true),
        ("devices = { claim = \"deviceid\" }", true),
        ("devices = { claim = \"deviceid\", values = [\"d-2\"] }", false),
        ("devices = { claim = \"deviceid\", exists = false }", false),
        ("tiers = [\"large\"]", true),
        ("labels = { tier = \"small\" }", false),
        ("labels = { upstream = [\"outside\", \"keeps-*\"] }", true),
        ("labels = { trusted = true }", false),
        ("verbs = [\"*\"]", false),
    ] {
        for (rules, expected) in [(allow(condition), holds), (deny(condition), !holds)] {
            let site = Site::new(&rules).await;
            site.ask(with.clone(), "gpt-4o").await.expect(if expected { 200 } else { 403 });
        }
    }
}

#[tokio::test]
async fn a_denial_by_label_takes_a_place_away_and_no_more() {
    let site = Site::new(
        "[access]\ndefault = \"allow\"\n[[access.deny]]\nid = \"eu-only\"\nlabels = { region = [\"us\"] }\n",
    )
    .await;
    site.ask(json!({}), "gpt-4o").await.expect(200);
    assert!(site.outside.seen().is_empty(), "a region nobody stated may be the one denied");
    site.ask(json!({}), "llama3").await.expect(403);
}

#[tokio::test]
async fn the_decision_is_in_a_header_where_that_is_configured() {
    let rules =
        |header: &str| format!("[access]\n{header}\n[[access.allow]]\nid = \"one\"\nmodels = [\"gpt-4o\"]\n");
    let site = Site::new(&rules("header = true")).await;
    let yes = site.ask(json!({}), "gpt-4o").await.expect(200);
    assert_eq!(yes.header("x-attach-policy"), Some("allowed_by_rule; rule=one"));
    let no = site.ask(json!({}), "llama3").await.expect(403);
    assert_eq!(no.header("x-attach-policy"), Some("no_rule_allows"));
    let silent = Site::new(&rules("")).await;
    assert_eq!(silent.ask(json!({}), "gpt-4o").await.expect(200).header("x-attach-policy"), None);
}

#[tokio::test]
async fn rules_in_shadow_are_loud_at_start_and_on_record() {
    let site =
        Site::new("[access]\nshadow = true\n[[access.allow]]\nid = \"one\"\nmodels = [\"gpt-4o\"]\n").await;
    site.gateway.stderr.line("RULES ARE NOT ENFORCED").await;
    let start = site.gateway.records().into_iter().find(|record| record["kind"] == "start").unwrap();
    assert!(start.to_string().contains("access.shadow"), "{start}");
    let answer = site.ask(json!({}), "llama3").await.expect(200);
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["decision"]["reason"], "allowed_in_shadow");
    assert_eq!(trail.outcome()["custom"]["policy_shadow"], "deny no_rule_allows");
    site.gateway.stderr.line("rules in shadow would have decided otherwise").await;
}

#[tokio::test]
async fn one_rule_in_shadow_is_recorded_and_enforced_by_nobody() {
    let site = Site::new(
        "[access]\ndefault = \"allow\"\n[[access.deny]]\nid = \"soon\"\nmodels = [\"llama3\"]\nshadow = true\n",
    )
    .await;
    let answer = site.ask(json!({}), "llama3").await.expect(200);
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["decision"]["reason"], "allowed_by_default");
    assert_eq!(trail.outcome()["custom"]["policy_shadow"], "deny denied_by_rule; rule=soon");
}

#[tokio::test]
async fn what_a_rule_cannot_mean_is_refused_at_start() {
    let head = HEAD.replace("{ISSUER}", "https://idp.example.com");
    let head =
        head.replace("{OUTSIDE}", "http://localhost:1").replace("{KEEPS_NOTHING}", "http://localhost:2");
    for (rule, said) in [
        ("[[access.deny]]\nid = \"a\"\nrequire = { acr = [\"phr\"] }", "only a rule that allows can demand"),
        ("[[access.deny]]\nid = \"a\"\nallow_keys = true", "only a rule that allows can demand"),
        ("[[access.allow]]\nid = \"a\"\nverbs = [\"*\"]\nmodels = [\"*\"]", "about no call"),
        ("[[access.allow]]\nid = \"a\"\nnetworks = [\"10.0.0.1/8\"]", "10.0.0.0/8"),
        ("[[access.allow]]\nid = \"a\"\nproof = \"password\"", "token, key, delegated"),
        ("[[access.allow]]\nid = \"a\"\nclaims = { \"/a//b\" = \"x\" }", "JSON pointer"),
        ("[[access.allow]]\nid = \"a\"\nclaims = { a = [] }", "no value would do"),
        ("[[access.allow]]\nid = \"a\"\nrequire = { acrs = [\"phr\"] }", "did you mean \"acr\""),
        ("[[access.allow]]\nid = \"a\"\nrequire = { auth_age = \"soon\" }", "duration"),
        ("[[access.allow]]\nid = \"a\"\nlabels = { regions = \"eu\" }", "did you mean \"region\""),
        (
            "[[access.allow]]\nid = \"a\"\ndevices = { claim = \"d\", values = [\"x\"], exists = false }",
            "exclude",
        ),
    ] {
        let refusal = Launch::file(&format!("{head}\n{rule}\n")).refusal().await;
        assert!(refusal.contains(said), "{rule}: {refusal}");
    }
}

#[tokio::test]
async fn check_shows_every_rule_whole() {
    let head = HEAD.replace("{ISSUER}", "https://idp.example.com");
    let head =
        head.replace("{OUTSIDE}", "http://localhost:1").replace("{KEEPS_NOTHING}", "http://localhost:2");
    let rules = "[access]\nheader = true\n[[access.allow]]\nid = \"a\"\nnetworks = [\"10.0.0.0/8\"]\n\
                 claims = { department = \"eng\" }\nproof = \"token\"\ntiers = [\"large\"]\nshadow = true\n\
                 require = { acr = [\"phr\"], amr = [\"hwk\"], auth_age = \"12h\", zero_retention = true, region = \"eu\" }\n\
                 [[access.allow]]\nid = \"b\"\nverbs = [\"keys.*\"]\ndevices = { claim = \"deviceid\" }\n";
    let shown = Launch::file(&format!("{head}\n{rules}")).check().await;
    assert!(shown.ok, "{}", shown.stderr);
    for part in [
        "X-Attach-Policy",
        "allow a: claim department eng; networks 10.0.0.0/8; proof token; to tier large; requires acr phr, amr hwk, \
         auth_age 43200s, zero_retention = true, region eu; SHADOW, not enforced",
        "allow b: device claim deviceid true; verbs keys.*",
    ] {
        assert!(shown.stdout.contains(part), "{part}\n{}", shown.stdout);
    }
}
