//! Who lost the right to go on is refused at once, on every node, and stays refused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::admin::{admin_address, config};
use crate::support::wire::openai::chat_chunk;
use crate::support::{
    CHATS, Gateway, Governed, Issuer, Launch, Reply, Response, Step, Upstream, eventually, question, streamed,
};

async fn ask(gateway: &Gateway, token: &str) -> Response {
    gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "m", "hello")).send().await
}

fn disable(person: &str) -> Value {
    json!({"directory": "acme", "user": person, "effect": "disabled"})
}

#[tokio::test]
async fn a_disabled_caller_is_refused_from_the_answer_on_and_let_in_when_enabled() {
    let world = Governed::start("").await;
    let (alice, bob) = (world.issuer.token("alice", &[]), world.issuer.token("bob", &[]));
    ask(&world.gateway, &bob).await.expect(200);
    world.order(&disable("bob")).await.expect(200);
    let refused = ask(&world.gateway, &bob).await.expect(401);
    assert_eq!(refused.code(), "revoked");
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!(world.gateway.trail(&refused.id()).reject()["decision"]["reason"], "revoked");
    ask(&world.gateway, &alice).await.expect(200);
    world.order(&json!({"directory": "acme", "user": "bob", "effect": "enabled"})).await.expect(200);
    ask(&world.gateway, &bob).await.expect(200);
}

#[tokio::test]
async fn a_not_before_refuses_what_was_issued_until_then() {
    let world = Governed::start("").await;
    let order = json!({"directory": "acme", "name": "BOB@example.com", "effect": "not_before"});
    let mut claims = world.issuer.claims("bob", &[]);
    claims["email"] = json!("bob@example.com");
    let old = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
    ask(&world.gateway, &old).await.expect(200);
    world.order(&order).await.expect(200);
    assert_eq!(ask(&world.gateway, &old).await.expect(401).code(), "revoked");
    claims["iat"] = json!(crate::support::issuer::now() + 2);
    claims["jti"] = json!("new");
    let new = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
    ask(&world.gateway, &new).await.expect(200);
}

#[tokio::test]
async fn a_running_stream_ends_within_a_second_of_the_order() {
    let upstream = Upstream::with(|_| {
        let event = chat_chunk("m", &json!({"content": "one "}), &Value::Null);
        Reply::stream("text/event-stream", vec![Step::Send(event.into()), Step::Hang])
    })
    .await;
    let world = Governed::with(upstream, "").await;
    let call = world.gateway.post(CHATS[0]).bearer(&world.issuer.token("bob", &[]));
    let mut answer = call.json(&streamed(CHATS[0], "m", "count")).stream().await;
    answer.until("one").await;
    let id = answer.id();
    world.order(&disable("bob")).await.expect(200);
    let since = Instant::now();
    let rest = answer.whole().await;
    assert!(since.elapsed() < Duration::from_secs(1), "took {:?}", since.elapsed());
    assert!(rest.text().contains("revoked"), "{}", rest.text());
    assert_eq!(world.gateway.finished(&id).await.end(), "revoked");
}

#[tokio::test]
async fn it_outlasts_a_restart() {
    let state = crate::support::TempDir::new();
    let place = format!("[state]\ndir = {:?}\n", state.path().display().to_string());
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = config(&issuer, &upstream, &place);
    let gateway = Launch::file(&text).start().await.with_state(state.path());
    let mut world = Governed::of(issuer, upstream, gateway).await;
    world.order(&disable("bob")).await.expect(200);
    world.gateway.stop_and_verify().await;
    let again = Launch::file(&text).start().await;
    assert_eq!(ask(&again, &world.issuer.token("bob", &[])).await.expect(401).code(), "revoked");
    ask(&again, &world.issuer.token("alice", &[])).await.expect(200);
}

/// Two nodes and the Redis they share.
struct Nodes {
    redis: crate::support::tools::Redis,
    world: Governed,
    other: Gateway,
}

impl Nodes {
    async fn start() -> Option<Self> {
        let redis = crate::support::tools::Redis::start().await?;
        let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
        let place = "[state]\nredis = { env = \"REDIS_URL\" }\n";
        let launch = || Launch::file(&config(&issuer, &upstream, place)).set("REDIS_URL", &redis.url());
        let (one, other) = (launch().start().await, launch().start().await);
        let world = Governed::of(issuer, upstream, one).await;
        Some(Self { redis, world, other })
    }
}

#[tokio::test]
async fn every_node_refuses_within_a_second() {
    let Some(nodes) = Nodes::start().await else { return };
    let bob = nodes.world.issuer.token("bob", &[]);
    ask(&nodes.other, &bob).await.expect(200);
    nodes.world.order(&disable("bob")).await.expect(200);
    let since = Instant::now();
    assert_eq!(ask(&nodes.world.gateway, &bob).await.expect(401).code(), "revoked");
    let token = &bob;
    loop {
        if ask(&nodes.other, token).await.status == 401 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(1), "the other node still lets them in");
    }
    println!("the other node refused after {:?}", since.elapsed());
    // A node that comes later knows as well.
    admin_address(&nodes.other).await;
}

#[tokio::test]
async fn a_store_that_forgot_is_down_and_not_empty() {
    let Some(nodes) = Nodes::start().await else { return };
    let (alice, bob) = (nodes.world.issuer.token("alice", &[]), nodes.world.issuer.token("bob", &[]));
    nodes.world.order(&disable("bob")).await.expect(200);
    nodes.redis.command("FLUSHALL").await;
    for gateway in [&nodes.world.gateway, &nodes.other] {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let status = ask(gateway, &alice).await.status;
            assert_ne!(ask(gateway, &bob).await.status, 200, "a revoked caller came in");
            if status == 503 {
                break;
            }
            assert!(Instant::now() < until, "still served without its facts");
        }
    }
    let ready = nodes.world.gateway.get("/readyz").send().await;
    assert_eq!(ready.status, 503);
    eventually("the log line", || nodes.other.stderr.text().contains("state store is lost").then_some(()))
        .await;
}

#[tokio::test]
async fn an_operator_fills_a_lost_store_from_what_a_node_remembers() {
    let Some(nodes) = Nodes::start().await else { return };
    let (alice, bob) = (nodes.world.issuer.token("alice", &[]), nodes.world.issuer.token("bob", &[]));
    nodes.world.order(&disable("bob")).await.expect(200);
    nodes.redis.command("FLUSHALL").await;
    until(&nodes.world.gateway, &alice, 503).await;
    let state = |method: &str, group: &'static str| nodes.world.admin(method, "/admin/v1/state", &[group]);
    let health = state("GET", "dco").send().await.expect(200);
    assert_eq!(health.json()["health"], "down", "{}", health.text());
    let reseed = json!({"action": "reseed"});
    state("POST", "dco").json(&reseed).send().await.expect(403);
    state("POST", "ops").json(&reseed).send().await.expect(200);
    for gateway in [&nodes.world.gateway, &nodes.other] {
        until(gateway, &alice, 200).await;
        assert_eq!(ask(gateway, &bob).await.expect(401).code(), "revoked");
    }
    let records = nodes.world.gateway.records();
    assert!(records.iter().any(|record| record["decision"]["reason"] == "state.reseed"), "{records:?}");
}

async fn until(gateway: &Gateway, token: &str, status: u16) {
    let until = Instant::now() + Duration::from_secs(10);
    while ask(gateway, token).await.status != status {
        assert!(Instant::now() < until, "waited in vain for {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_a_node_knew_alone_is_not_forgotten_when_nodes_share() {
    let Some(redis) = crate::support::tools::Redis::start().await else { return };
    let state = crate::support::TempDir::new();
    let place = format!("[state]\ndir = {:?}\n", state.path().display().to_string());
    let shared = format!("{place}redis = {{ env = \"REDIS_URL\" }}\n");
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let alone = Launch::file(&config(&issuer, &upstream, &place)).start().await.with_state(state.path());
    let text = config(&issuer, &upstream, &shared);
    let mut world = Governed::of(issuer, upstream, alone).await;
    world.order(&disable("bob")).await.expect(200);
    world.gateway.stop_and_verify().await;
    let launch = || Launch::file(&text).set("REDIS_URL", &redis.url());
    let said = launch().refusal().await;
    assert!(said.contains("state import"), "{said}");
    let imported = launch().command(&["state", "import"]).await;
    assert!(imported.ok && imported.stdout.contains("1 rows copied"), "{imported:?}");
    let again = launch().start().await;
    assert_eq!(ask(&again, &world.issuer.token("bob", &[])).await.expect(401).code(), "revoked");
    drop(again);
    redis.command("FLUSHALL").await;
    let said = launch().refusal().await;
    assert!(said.contains("state adopt"), "{said}");
    let adopted = launch().command(&["state", "adopt"]).await;
    assert!(adopted.ok, "{adopted:?}");
    ask(&launch().start().await, &world.issuer.token("alice", &[])).await.expect(200);
}
