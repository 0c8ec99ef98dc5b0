//! Gateway keys and service identities, from minting to their end.

use serde_json::{Value, json};

use crate::support::{CHATS, Governed, Response, answer_text, question};

const KEYS: &str = "[keys]\nenabled = true\n";

struct Minted {
    id: String,
    secret: String,
}

async fn mint(world: &Governed, token: &str, body: &Value) -> Minted {
    let answer = world.gateway.post("/attach/v1/keys").bearer(token).json(body).send().await.expect(201);
    let text = |name: &str| answer.json()[name].as_str().expect("text").to_owned();
    Minted { id: text("id"), secret: text("secret") }
}

async fn ask(world: &Governed, header: &str, value: &str, path: &str) -> Response {
    world.gateway.post(path).header(header, value).json(&question(path, "gpt-4o", "hello")).send().await
}

#[tokio::test]
async fn a_key_works_in_every_header_that_tools_put_it_in_and_its_owner_is_who_called() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("alice", &["eng"]);
    let key = mint(&world, &token, &json!({"name": "laptop", "expires_in": 3600})).await;
    let bearer = format!("Bearer {}", key.secret);
    for (header, value) in [("Authorization", &bearer), ("X-Api-Key", &key.secret), ("Api-Key", &key.secret)]
    {
        for path in CHATS {
            let answer = ask(&world, header, value, path).await.expect(200);
            assert_eq!(answer_text(&answer.text()), "You said: hello");
            let actor = world.gateway.trail(&answer.id()).outcome()["actor"].clone();
            assert_eq!((&actor["sub"], &actor["proof"]), (&json!("alice"), &json!("key")));
            let seen = world.upstream.last().everything();
            assert!(!seen.contains(&key.secret), "{header}: {seen}");
        }
    }
    let log = format!("{:?} {}", world.gateway.records(), world.gateway.stderr.text());
    assert!(!log.contains(&key.secret));
    assert!(
        world.gateway.records().iter().any(|record| record["decision"]["reason"] == "key.create"),
        "{log}"
    );
}

#[tokio::test]
async fn a_key_is_shown_once_listed_without_its_secret_and_ended_by_its_owner() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("alice", &[]);
    let key = mint(&world, &token, &json!({"name": "laptop", "expires_in": 3600})).await;
    let listed = world.gateway.get("/attach/v1/keys").bearer(&token).send().await.expect(200);
    assert!(listed.text().contains("laptop") && !listed.text().contains(&key.secret), "{}", listed.text());
    let bob = world.issuer.token("bob", &[]);
    let of_bob = world.gateway.get("/attach/v1/keys").bearer(&bob).send().await.expect(200);
    assert_eq!(of_bob.json()["keys"], json!([]));
    let path = format!("/attach/v1/keys/{}", key.id);
    let delete = |token: &str| crate::support::Call::new(world.gateway.addr, "DELETE", &path).bearer(token);
    delete(&bob).send().await.expect(404);
    ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(200);
    delete(&token).send().await.expect(204);
    let over = ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(401);
    assert!(over.header("www-authenticate").unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn a_key_goes_no_further_than_it_was_narrowed_to() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("alice", &[]);
    let body = json!({"name": "mini", "expires_in": 3600, "models": ["gpt-4o-mini"]});
    let key = mint(&world, &token, &body).await;
    let refused = ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(403);
    assert_eq!(refused.code(), "model_not_available");
    let mini = question(CHATS[0], "gpt-4o-mini", "hello");
    let call = world.gateway.post(CHATS[0]).header("x-api-key", &key.secret);
    call.json(&mini).send().await.expect(200);
    // A key makes no keys, and is no administrator.
    let more = json!({"name": "more", "expires_in": 60});
    let call = world.gateway.post("/attach/v1/keys").header("x-api-key", &key.secret);
    call.json(&more).send().await.expect(403);
    let call =
        crate::support::Call::new(world.admin, "GET", "/admin/v1/keys").header("x-api-key", &key.secret);
    call.send().await.expect(401);
}

#[tokio::test]
async fn who_is_disabled_takes_their_keys_along() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("bob", &[]);
    let key = mint(&world, &token, &json!({"name": "laptop", "expires_in": 3600})).await;
    ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(200);
    world.order(&json!({"directory": "acme", "user": "bob", "effect": "disabled"})).await.expect(200);
    let refused = ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(401);
    assert_eq!(refused.code(), "revoked");
}

#[tokio::test]
async fn an_administrator_lists_and_ends_anybodys_key() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("alice", &[]);
    let key = mint(&world, &token, &json!({"name": "laptop", "expires_in": 3600})).await;
    let listed = world.admin("GET", "/admin/v1/keys", &["dco"]).send().await.expect(200);
    assert!(listed.text().contains(&key.id) && !listed.text().contains(&key.secret));
    let path = format!("/admin/v1/keys/{}", key.id);
    world.admin("DELETE", &path, &["dco"]).send().await.expect(403);
    world.admin("DELETE", &path, &["keymasters"]).send().await.expect(204);
    ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(401);
}

#[tokio::test]
async fn whoever_finds_a_key_may_end_it() {
    let world = Governed::start(KEYS).await;
    let token = world.issuer.token("alice", &[]);
    let key = mint(&world, &token, &json!({"name": "laptop", "expires_in": 3600})).await;
    let revoke = |form: String| {
        let call = world.gateway.post("/attach/v1/revoke");
        call.header("Content-Type", "application/x-www-form-urlencoded").body(form)
    };
    revoke(format!("token={}", key.secret)).send().await.expect(200);
    ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(401);
    revoke(format!("token={}", key.secret)).send().await.expect(200);
}

#[tokio::test]
async fn a_service_has_an_identity_of_its_own() {
    let world = Governed::start(KEYS).await;
    let body = json!({
        "directory": "acme", "name": "nightly", "purpose": "nightly summaries",
        "owners": ["alice", "bob"], "expires_in": 86400, "groups": ["eng"],
    });
    let services = "/admin/v1/services";
    world.admin("POST", services, &["dco"]).json(&body).send().await.expect(403);
    let created = world.admin("POST", services, &["ops"]).json(&body).send().await.expect(201);
    let secret = created.json()["secret"].as_str().expect("a secret").to_owned();
    let answer = ask(&world, "Authorization", &format!("Bearer {secret}"), CHATS[0]).await.expect(200);
    let actor = world.gateway.trail(&answer.id()).outcome()["actor"].clone();
    assert_eq!((&actor["kind"], &actor["proof"]), (&json!("service"), &json!("key")));
    let inventory = world.admin("GET", services, &["dco"]).send().await.expect(200);
    assert!(inventory.text().contains("nightly summaries") && !inventory.text().contains(&secret));
}

#[tokio::test]
async fn without_keys_there_is_nothing_to_mint_and_nothing_that_looks_like_one_is_taken() {
    let world = Governed::start("").await;
    let token = world.issuer.token("alice", &[]);
    let body = json!({"name": "laptop", "expires_in": 3600});
    world.gateway.post("/attach/v1/keys").bearer(&token).json(&body).send().await.expect(404);
    let made_up = "atk_00000000000000000000000000000000000000000000000000";
    ask(&world, "Authorization", &format!("Bearer {made_up}"), CHATS[0]).await.expect(401);
    ask(&world, "x-api-key", made_up, CHATS[0]).await.expect(401);
}

#[tokio::test]
async fn a_key_that_leaves_a_group_out_does_not_leave_its_rules_behind() {
    let rules =
        "[[access.deny]]\nid = \"contractors\"\ngroups = [\"contractors\"]\nmodels = [\"secret-model\"]\n";
    let world = Governed::start(&format!("{rules}{KEYS}")).await;
    let token = world.issuer.token("carol", &["contractors", "staff"]);
    for groups in [json!(["staff"]), json!([])] {
        let body = json!({"name": "narrow", "expires_in": 60, "groups": groups});
        let key = mint(&world, &token, &body).await;
        let call = world.gateway.post(CHATS[0]).header("x-api-key", &key.secret);
        call.json(&question(CHATS[0], "secret-model", "hello")).send().await.expect(403);
        ask(&world, "x-api-key", &key.secret, CHATS[0]).await.expect(200);
    }
}

#[tokio::test]
async fn a_machine_makes_no_keys_for_itself() {
    let world = Governed::start(KEYS).await;
    let mut claims = world.issuer.claims("robot", &[]);
    claims["client_id"] = json!("robot");
    let token = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
    let body = json!({"name": "mine", "expires_in": 60});
    world.gateway.post("/attach/v1/keys").bearer(&token).json(&body).send().await.expect(403);
}
