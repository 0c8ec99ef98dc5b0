//! Exceptions from limits at run time, how people stand under their limits, and what they are told of it.

mod me;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::admin::{admin_address, config};
use crate::support::{
    CHATS, Call, Gateway, Governed, Issuer, Launch, PATIENCE, Response, TempDir, Upstream, question,
};

const OVERRIDES: &str = "/admin/v1/quotas/overrides";
const STANDING: &str = "/admin/v1/quotas";
const ME: &str = "/v1/attach/me";

const LIMITS: &str =
    "[[quota]]\nid = \"calls\"\nrequests = \"2/h\"\n[[quota]]\nid = \"tpm\"\ntokens = \"60000/min\"\n";

async fn ask(gateway: &Gateway, token: &str) -> Response {
    gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "gpt-4o", "hi")).send().await
}

/// Uses up both calls that the hour has.
async fn exhaust(gateway: &Gateway, token: &str) {
    for _ in 0..2 {
        ask(gateway, token).await.expect(200);
    }
    ask(gateway, token).await.expect(429);
}

fn more(user: &str, amount: impl Into<Value>) -> Value {
    let amount: Value = amount.into();
    json!({"directory": "acme", "user": user, "limit": "calls", "amount": amount})
}

async fn order(world: &Governed, order: &Value) -> Response {
    world.admin("POST", OVERRIDES, &["ops"]).json(order).send().await
}

async fn overrides(world: &Governed, query: &str) -> Vec<Value> {
    let listed = world.admin("GET", &format!("{OVERRIDES}{query}"), &["dco"]).send().await.expect(200);
    listed.json()["overrides"].as_array().unwrap().clone()
}

/// What `GET /v1/attach/me` says about one limit.
async fn told(gateway: &Gateway, token: &str, id: &str) -> Value {
    let me = gateway.get(ME).bearer(token).send().await.expect(200).json();
    limit(&me, id)
}

fn limit(answer: &Value, id: &str) -> Value {
    let all = answer["limits"].as_array().unwrap();
    all.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}: {answer}")).clone()
}

/// Asks until the answer has this status.
async fn until_status(gateway: &Gateway, token: &str, status: u16) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while ask(gateway, token).await.status != status {
        assert!(tokio::time::Instant::now() < until, "never answered {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_override_raises_a_limit_at_once_and_is_taken_back() {
    let world = Governed::start(LIMITS).await;
    let (alice, bob) = (world.issuer.token("alice", &[]), world.issuer.token("bob", &[]));
    exhaust(&world.gateway, &alice).await;
    exhaust(&world.gateway, &bob).await;
    let made = order(&world, &more("alice", json!("unlimited"))).await.expect(201);
    let (id, place) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.header("location").unwrap().to_owned());
    assert_eq!(place, format!("{OVERRIDES}/{id}"));
    ask(&world.gateway, &alice).await.expect(200);
    ask(&world.gateway, &bob).await.expect(429);
    let raised = told(&world.gateway, &alice, "calls").await;
    assert_eq!((&raised["amount"], &raised["overridden"]), (&Value::Null, &json!(true)));
    let (listed, others) = (overrides(&world, "?user=alice").await, overrides(&world, "?user=bob").await);
    assert_eq!((listed.len(), others.len()), (1, 0));
    assert_eq!(overrides(&world, "?limit=tpm").await.len(), 0);
    assert_eq!(listed[0]["created_by"]["id"], "root");
    assert_eq!(listed[0]["in_force"], true);
    world.admin("DELETE", &place, &["ops"]).send().await.expect(204);
    ask(&world.gateway, &alice).await.expect(429);
    assert!(overrides(&world, "").await.is_empty());
    world.admin("DELETE", &place, &["ops"]).send().await.expect(404);
}

#[tokio::test]
async fn a_group_gets_more_and_a_person_goes_before_it() {
    let world = Governed::start(LIMITS).await;
    let team = world.issuer.token("alice", &["team"]);
    let group = json!({"directory": "acme", "group": "team", "limit": "calls", "amount": "100/h", "reason": "launch"});
    order(&world, &group).await.expect(201);
    assert_eq!(told(&world.gateway, &team, "calls").await["amount"], 100);
    order(&world, &more("alice", json!(7))).await.expect(201);
    order(&world, &json!({"directory": "acme", "user": "alice", "limit": "calls", "extra": 3}))
        .await
        .expect(201);
    assert_eq!(told(&world.gateway, &team, "calls").await["amount"], 10);
    let alone = world.issuer.token("alice", &[]);
    assert_eq!(told(&world.gateway, &alone, "calls").await["amount"], 10);
    let other = world.issuer.token("carol", &["team"]);
    assert_eq!(told(&world.gateway, &other, "calls").await["amount"], 100);
    assert_eq!(overrides(&world, "?group=team").await[0]["reason"], "launch");
}

#[tokio::test]
async fn an_override_is_on_record_before_it_counts_and_an_address_is_not() {
    let mut world = Governed::start(LIMITS).await;
    let mut asked = more("alice", json!("50/h"));
    asked["until"] = json!("7d");
    asked["reason"] = json!("ticket 4711");
    let made = order(&world, &asked).await.expect(201).json();
    order(&world, &more("private.person@acme.example", json!(9))).await.expect(201);
    let place = format!("{OVERRIDES}/{}", made["id"].as_str().unwrap());
    world.admin("DELETE", &place, &["ops"]).send().await.expect(204);
    let records = world.gateway.records();
    let deeds: Vec<&Value> = records.iter().filter(|record| record["kind"] == "admin").collect();
    let actions: Vec<&Value> = deeds.iter().map(|deed| &deed["decision"]["reason"]).collect();
    assert_eq!(actions, ["quota.override.create", "quota.override.create", "quota.override.delete"]);
    assert_eq!(deeds[0]["actor"]["uid"], "root");
    let custom = &deeds[0]["custom"];
    assert_eq!((&custom["target"], &custom["limit"]), (&json!("alice"), &json!("calls")));
    assert_eq!((&custom["grant"], &custom["reason"]), (&json!("amount 50"), &json!("ticket 4711")));
    assert_eq!(custom["until"], made["until"]);
    assert!(!format!("{records:?}").contains("private.person"));
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn an_override_survives_a_restart() {
    let state = TempDir::new();
    let place = format!("[state]\ndir = {:?}\n{LIMITS}", state.path().display().to_string());
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = config(&issuer, &upstream, &place);
    let gateway = Launch::file(&text).start().await.with_state(state.path());
    let mut world = Governed::of(issuer, upstream, gateway).await;
    order(&world, &more("alice", json!("50/h"))).await.expect(201);
    world.gateway.stop_and_verify().await;
    let alice = world.issuer.token("alice", &[]);
    let mut again = Launch::file(&text).start().await.with_state(state.path());
    assert_eq!(told(&again, &alice, "calls").await["amount"], 50);
    again.stop_and_verify().await;
    // The limit is another one now: what was meant per hour is not taken for so much per minute.
    let changed = Launch::file(&text.replace("\"2/h\"", "\"2/min\"")).start().await;
    assert_eq!(told(&changed, &alice, "calls").await["amount"], 2);
    let admin = admin_address(&changed).await;
    let listed =
        Call::new(admin, "GET", OVERRIDES).bearer(&world.admin_token(&["ops"])).send().await.expect(200);
    assert_eq!(listed.json()["overrides"][0]["in_force"], false);
}

#[tokio::test]
async fn an_override_expires_by_itself() {
    let world = Governed::start(LIMITS).await;
    let alice = world.issuer.token("alice", &[]);
    exhaust(&world.gateway, &alice).await;
    let mut asked = more("alice", json!("unlimited"));
    asked["until"] = json!("10s");
    order(&world, &asked).await.expect(201);
    ask(&world.gateway, &alice).await.expect(200);
    until_status(&world.gateway, &alice, 429).await;
    assert!(overrides(&world, "").await.is_empty());
}

#[tokio::test]
async fn nodes_share_what_was_excepted() {
    let Some(redis) = crate::support::tools::Redis::start().await else { return };
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = config(&issuer, &upstream, &format!("[state]\nredis = {{ env = \"REDIS_URL\" }}\n{LIMITS}"));
    let launch = || Launch::file(&text).set("REDIS_URL", &redis.url());
    let (one, other) = (launch().start().await, launch().start().await);
    let world = Governed::of(issuer, upstream, one).await;
    let alice = world.issuer.token("alice", &[]);
    exhaust(&other, &alice).await;
    let made = order(&world, &more("alice", json!("unlimited"))).await.expect(201).json();
    until_status(&other, &alice, 200).await;
    let place = format!("{OVERRIDES}/{}", made["id"].as_str().unwrap());
    world.admin("DELETE", &place, &["ops"]).send().await.expect(204);
    until_status(&other, &alice, 429).await;
}

#[tokio::test]
async fn a_role_allows_what_it_says_about_quotas_and_no_more() {
    let issuer = Issuer::start().await;
    let upstream = Upstream::model().await;
    let roles =
        config(&issuer, &upstream, LIMITS).replace("operator =", "quota_admin = \"budget\", operator =");
    let gateway = Launch::file(&roles).start().await;
    let world = Governed::of(issuer, upstream, gateway).await;
    let standing = format!("{STANDING}?directory=acme&user=alice");
    for (groups, read, write) in [
        (&["ops"][..], 200, 201),
        (&["budget"][..], 200, 201),
        (&["dco"][..], 200, 403),
        (&["keymasters"][..], 403, 403),
        (&["eng"][..], 403, 403),
    ] {
        world.admin("GET", &standing, groups).send().await.expect(read);
        world.admin("GET", OVERRIDES, groups).send().await.expect(read);
        let made =
            world.admin("POST", OVERRIDES, groups).json(&more("alice", json!(5))).send().await.expect(write);
        if write == 403 {
            world.admin("DELETE", &format!("{OVERRIDES}/0"), groups).send().await.expect(403);
        } else {
            let id = made.json()["id"].as_str().unwrap().to_owned();
            world.admin("DELETE", &format!("{OVERRIDES}/{id}"), groups).send().await.expect(204);
        }
    }
    world.admin("GET", "/admin/v1/keys", &["budget"]).send().await.expect(403);
    world.admin("GET", "/admin/v1/revocations", &["budget"]).send().await.expect(403);
}

#[tokio::test]
async fn an_override_that_makes_no_sense_is_refused_in_one_sentence() {
    let world = Governed::start(LIMITS).await;
    let with = |name: &str, value: Value| {
        let mut order = more("alice", json!(5));
        order[name] = value;
        order
    };
    for (asked, says) in [
        (with("directory", json!("other")), "no directory"),
        (with("limit", json!("cals")), "there are calls, tpm"),
        (with("group", json!("team")), "exactly one of user, group"),
        (json!({"directory": "acme", "limit": "calls", "amount": 5}), "exactly one of user, group"),
        (with("user", json!(" ")), "`user` is a text"),
        (with("extra", json!(5)), "exactly one of amount, extra"),
        (json!({"directory": "acme", "user": "alice", "limit": "calls"}), "exactly one of amount, extra"),
        (with("amount", json!("5/min")), "requests per hour"),
        (with("amount", json!("5/month")), "requests per hour"),
        (with("amount", json!(2.5)), "requests per hour"),
        (with("amount", json!("0/h")), "allows nothing at all"),
        (json!({"directory": "acme", "user": "alice", "limit": "calls", "extra": 0}), "adds nothing"),
        (with("until", json!("2020-01-01T00:00:00Z")), "over already"),
        (with("until", json!("soon")), "neither a day"),
        (with("reason", json!("two\nlines")), "`reason` is a text"),
        (with("units", json!("tokens")), "units"),
    ] {
        let answer = order(&world, &asked).await.expect(400);
        assert!(answer.text().contains(says), "{asked}: {}", answer.text());
    }
    assert!(overrides(&world, "").await.is_empty());
    for (path, says) in [
        (STANDING.to_owned(), "say whose"),
        (format!("{STANDING}?directory=acme"), "say whose"),
        (format!("{STANDING}?directory=other&user=alice"), "no such directory"),
        (format!("{STANDING}?directory=acme&user=a&user=b"), "twice"),
        (format!("{OVERRIDES}?usr=alice"), "not one of"),
    ] {
        let answer = world.admin("GET", &path, &["ops"]).send().await.expect(400);
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
    }
    world.admin("PUT", OVERRIDES, &["ops"]).send().await.expect(405);
    world.admin("GET", "/admin/v1/quotas/else", &["ops"]).send().await.expect(404);
}

#[tokio::test]
async fn an_administrator_sees_how_somebody_stands() {
    let world = Governed::start(LIMITS).await;
    ask(&world.gateway, &world.issuer.token("alice", &[])).await.expect(200);
    let group = json!({"directory": "acme", "group": "a team", "limit": "tpm", "amount": "90000/min"});
    order(&world, &group).await.expect(201);
    let path = format!("{STANDING}?directory=acme&user=alice&group=a%20team");
    let seen = world.admin("GET", &path, &["dco"]).send().await.expect(200).json();
    assert_eq!(seen["groups"], json!(["a team"]));
    let calls = limit(&seen, "calls");
    assert_eq!((&calls["used"], &calls["left"], &calls["period"]), (&json!(1), &json!(1), &json!("hour")));
    assert_eq!(limit(&seen, "tpm")["amount"], 90_000);
    let other = world.admin("GET", &format!("{STANDING}?directory=acme&user=bob"), &["dco"]).send().await;
    assert_eq!(limit(&other.expect(200).json(), "calls")["used"], 0);
}

#[tokio::test]
async fn groups_that_were_provisioned_count_for_how_somebody_stands() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let scim = "[revocation]\nscim = { token = { env = \"SCIM_TOKEN\" }, may_grant = true }\n";
    let text = config(&issuer, &upstream, &format!("{LIMITS}{scim}"));
    let secret = "a-secret-of-32-characters-for-scim";
    let gateway = Launch::file(&text).set("SCIM_TOKEN", secret).start().await;
    let world = Governed::of(issuer, upstream, gateway).await;
    let scim = async |path: &str, body: Value| {
        let call = Call::new(world.gateway.addr, "POST", path).bearer(secret);
        let call = call.header("Content-Type", "application/scim+json").body(body.to_string());
        call.send().await.expect(201).json()
    };
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "alice@acme.example", "externalId": "alice", "active": true,
    });
    let user = scim("/scim/v2/Users", user).await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "team", "members": [{"value": user["id"]}],
    });
    scim("/scim/v2/Groups", group).await;
    let raised = json!({"directory": "acme", "group": "team", "limit": "calls", "amount": 40});
    order(&world, &raised).await.expect(201);
    let path = format!("{STANDING}?directory=acme&user=alice");
    let seen = world.admin("GET", &path, &["ops"]).send().await.expect(200).json();
    assert_eq!((&seen["groups"], &limit(&seen, "calls")["amount"]), (&json!(["team"]), &json!(40)));
    let alice = world.issuer.token("alice", &[]);
    assert_eq!(told(&world.gateway, &alice, "calls").await["amount"], 40);
}

#[tokio::test]
async fn an_override_is_not_forgotten_when_nodes_begin_to_share() {
    let Some(redis) = crate::support::tools::Redis::start().await else { return };
    let state = TempDir::new();
    let place = format!("[state]\ndir = {:?}\n", state.path().display().to_string());
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let file = |place: &str| config(&issuer, &upstream, &format!("{place}{LIMITS}"));
    let (alone, shared) = (file(&place), file(&format!("{place}redis = {{ env = \"REDIS_URL\" }}\n")));
    let gateway = Launch::file(&alone).start().await.with_state(state.path());
    let mut world = Governed::of(issuer, upstream, gateway).await;
    order(&world, &more("alice", json!(50))).await.expect(201);
    world.gateway.stop_and_verify().await;
    let launch = || Launch::file(&shared).set("REDIS_URL", &redis.url());
    let imported = launch().command(&["state", "import"]).await;
    assert!(imported.ok && imported.stdout.contains("1 rows copied"), "{imported:?}");
    let again = launch().start().await;
    assert_eq!(told(&again, &world.issuer.token("alice", &[]), "calls").await["amount"], 50);
}
