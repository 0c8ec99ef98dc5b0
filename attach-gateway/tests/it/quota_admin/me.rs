//! What callers are told of their limits: `GET /v1/attach/me`, `explain`.

use serde_json::{Value, json};

use super::{LIMITS, ME, ask, limit, more, order, told};
use crate::support::admin::config;
use crate::support::gateway::Finished;
use crate::support::{Call, Governed, Issuer, Launch, Reply, TempDir, Upstream};

#[tokio::test]
async fn me_says_who_i_am_what_i_may_use_and_what_is_left_and_costs_nothing() {
    let world = Governed::start(LIMITS).await;
    let alice = world.issuer.token("alice", &["eng"]);
    let answer = world.gateway.get(ME).bearer(&alice).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let me = answer.json();
    let identity = &me["identity"];
    assert_eq!((&identity["directory"], &identity["id"]), (&json!("acme"), &json!("alice")));
    assert_eq!((&identity["kind"], &identity["proof"]), (&json!("person"), &json!("token")));
    assert_eq!(identity["groups"], json!(["eng"]));
    assert!(identity["expires_at"].as_str().unwrap().ends_with('Z'), "{me}");
    let listed = world.gateway.get("/v1/models").bearer(&alice).send().await.expect(200).json();
    let names: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert!(!names.is_empty());
    assert_eq!(me["models"], json!(names));
    for used in 0..3 {
        for _ in 0..5 {
            let calls = told(&world.gateway, &alice, "calls").await;
            assert_eq!((&calls["used"], &calls["left"]), (&json!(used), &json!(2 - used)));
            assert_eq!((&calls["unit"], &calls["amount"]), (&json!("requests"), &json!(2)));
            assert_eq!(calls["resets_in"].as_u64().unwrap() > 0, used > 0);
        }
        let status = if used < 2 { 200 } else { 429 };
        ask(&world.gateway, &alice).await.expect(status);
    }
    let bob = told(&world.gateway, &world.issuer.token("bob", &[]), "calls").await;
    assert_eq!(bob["used"], 0);
}

#[tokio::test]
async fn me_is_for_callers_with_a_token_and_can_only_be_asked() {
    let world = Governed::start(LIMITS).await;
    world.gateway.get(ME).send().await.expect(401);
    let alice = world.issuer.token("alice", &[]);
    for method in ["POST", "PUT", "DELETE", "HEAD"] {
        let answer = Call::new(world.gateway.addr, method, ME).bearer(&alice).send().await.expect(405);
        assert_eq!(answer.header("allow"), Some("GET"));
    }
    world.gateway.get("/v1/attach/me/").bearer(&alice).send().await.expect(404);
}

#[tokio::test]
async fn me_answers_when_no_model_server_does() {
    let issuer = Issuer::start().await;
    let upstream = Upstream::with(|_| Reply::json(500, &json!({}))).await;
    let gateway = Launch::file(&config(&issuer, &upstream, LIMITS)).start().await;
    let me = gateway.get(ME).bearer(&issuer.token("alice", &[])).send().await.expect(200).json();
    assert_eq!(me["models"], Value::Null);
    assert_eq!(limit(&me, "calls")["left"], 2);
}

/// What `explain` says about Alice.
async fn explain(world: &Governed, server: &[&str]) -> Finished {
    let home = TempDir::new();
    let text = config(&world.issuer, &world.upstream, LIMITS);
    let file = home.write("attach.toml", &text).display().to_string();
    let token = world.issuer.token("alice", &[]);
    let launch = Launch::bare()
        .arguments(&["explain", "--token-env", "THE_TOKEN", "--model", "gpt-4o", "--config", &file])
        .arguments(server);
    let finished = launch.set("THE_TOKEN", &token).run().await;
    assert!(!finished.stdout.contains(&token) && !finished.stderr.contains(&token), "the token is shown");
    finished
}

#[tokio::test]
async fn explain_shows_the_limits_and_asks_a_running_gateway_what_is_left() {
    let world = Governed::start(LIMITS).await;
    ask(&world.gateway, &world.issuer.token("alice", &[])).await.expect(200);
    let alone = explain(&world, &[]).await;
    assert_eq!(alone.code, Some(0), "{alone:?}");
    for said in [
        "limits by the configuration:\n",
        "  calls: 2 requests per hour, each user, refuse\n",
        "  tpm: 60000 tokens per minute, each user, refuse\n",
        "not known: a running gateway counts",
        "answer: allowed",
    ] {
        assert!(alone.stdout.contains(said), "{said}\n{}", alone.stdout);
    }
    order(&world, &more("alice", json!(30))).await.expect(201);
    let asked = explain(&world, &["--server", &world.gateway.url()]).await;
    let said = "calls: 30 requests per hour, each user, refuse, by an override; used ";
    assert!(asked.stdout.contains(said), "{}", asked.stdout);
    assert!(asked.stdout.contains(", all of it again at 20"), "{}", asked.stdout);
    let url = format!("http://{}", world.admin);
    let refused = explain(&world, &["--server", &url]).await;
    assert_eq!(refused.code, Some(0), "{refused:?}");
    assert!(refused.stdout.contains("answered 401"), "{}", refused.stdout);
    let afar = explain(&world, &["--server", "http://llm.example.com"]).await;
    assert_eq!(afar.code, Some(2), "{afar:?}");
}

#[tokio::test]
async fn a_key_and_its_owner_have_the_same_limits() {
    let world = Governed::start(&format!("{LIMITS}[keys]\nenabled = true\n")).await;
    let alice = world.issuer.token("alice", &[]);
    let made = json!({"name": "laptop", "expires_in": 3600});
    let key =
        world.gateway.post("/attach/v1/keys").bearer(&alice).json(&made).send().await.expect(201).json();
    ask(&world.gateway, &alice).await.expect(200);
    let call = world.gateway.get(ME).header("X-Api-Key", key["secret"].as_str().unwrap());
    let me = call.send().await.expect(200).json();
    assert_eq!((&me["identity"]["id"], &me["identity"]["proof"]), (&json!("alice"), &json!("key")));
    assert_eq!(me["identity"]["key_id"], key["id"]);
    assert_eq!(limit(&me, "calls")["used"], 1);
}
