//! The admin listener: whom it answers, and what it leaves on record.

use serde_json::json;

use crate::support::admin::{ADMIN, config};
use crate::support::{Call, Governed, Issuer, Launch, Upstream};

const REVOCATIONS: &str = "/admin/v1/revocations";

#[tokio::test]
async fn it_is_off_until_it_is_configured_with_who_may_use_it() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    assert!(!gateway.stderr.text().contains("\"admin\""), "{}", gateway.stderr.text());
    gateway.get(REVOCATIONS).bearer(&issuer.token("alice", &[])).send().await.expect(404);
    let nobody = config(&issuer, &upstream, "")
        .replace("operator = \"ops\", auditor = \"dco\", key_admin = \"keymasters\"", "");
    let said = Launch::file(&nobody).refusal().await;
    assert!(said.contains("admin.auth.groups"), "{said}");
}

#[tokio::test]
async fn it_takes_tokens_of_its_own_audience_only() {
    let world = Governed::start("").await;
    let callers = world.issuer.token("root", &["ops"]);
    let call = |token: &str| Call::new(world.admin, "GET", REVOCATIONS).bearer(token);
    assert_eq!(call(&callers).send().await.expect(401).code(), "wrong_audience");
    Call::new(world.admin, "GET", REVOCATIONS).send().await.expect(401);
    call(&world.admin_token(&["ops"])).send().await.expect(200);
    // And the other way round: an administrator's token calls no model.
    let admin = world.admin_token(&["ops"]);
    world.gateway.get("/v1/models").bearer(&admin).send().await.expect(401);
    assert!(!ADMIN.is_empty());
}

#[tokio::test]
async fn a_role_allows_what_it_says_and_no_more() {
    let world = Governed::start("").await;
    let order = json!({"directory": "acme", "user": "bob", "effect": "disabled"});
    for (groups, read, write) in [
        (&["ops"][..], 200, 200),
        (&["dco"][..], 200, 403),
        (&["keymasters"][..], 403, 403),
        (&["eng"][..], 403, 403),
        (&[][..], 403, 403),
    ] {
        world.admin("GET", REVOCATIONS, groups).send().await.expect(read);
        world.admin("POST", REVOCATIONS, groups).json(&order).send().await.expect(write);
    }
    world.admin("GET", "/admin/v1/nothing", &["ops"]).send().await.expect(404);
    world.admin("GET", "/v1/models", &["ops"]).send().await.expect(404);
}

#[tokio::test]
async fn a_browser_cannot_be_talked_into_it() {
    let world = Governed::start("").await;
    let call = || world.admin("GET", REVOCATIONS, &["ops"]);
    let crossed = call().header("Origin", "https://evil.example").send().await.expect(403);
    assert_eq!(crossed.code(), "origin_not_allowed");
    call().header("Origin", &format!("http://{}", world.admin)).send().await.expect(200);
    // The client writes its own `Host`; one more makes two.
    let mut raw = tokio::net::TcpStream::connect(world.admin).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = format!(
        "GET {REVOCATIONS} HTTP/1.1\r\nHost: rebound.example\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        world.admin_token(&["ops"])
    );
    raw.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_and_does_nothing() {
    let world = Governed::start("").await;
    for (order, says) in [
        (json!({"directory": "acme", "effect": "disabled"}), "exactly one"),
        (json!({"directory": "acme", "user": "a", "name": "b", "effect": "disabled"}), "exactly one"),
        (json!({"directory": "acme", "user": " ", "effect": "disabled"}), "exactly one"),
        (json!({"directory": "other", "user": "a", "effect": "disabled"}), "no directory"),
        (json!({"directory": "acme", "user": "a", "effect": "exile"}), "exile"),
        (json!({"directory": "acme", "user": "a", "effect": "disabled", "at": 1}), "not_before"),
        (
            json!({"directory": "acme", "user": "a", "effect": "not_before", "at": 99_999_999_999_u64}),
            "future",
        ),
        (json!({"directory": "acme", "user": "a", "effect": "disabled", "reason": "x"}), "reason"),
    ] {
        let answer = world.order(&order).await.expect(400);
        assert!(answer.text().contains(says), "{order}: {}", answer.text());
    }
    let listed = world.admin("GET", REVOCATIONS, &["dco"]).send().await.expect(200);
    assert_eq!(listed.json()["revocations"], json!([]));
}

#[tokio::test]
async fn what_is_done_is_on_record_before_it_is_done() {
    let mut world = Governed::start("").await;
    world.order(&json!({"directory": "acme", "user": "bob", "effect": "disabled"})).await.expect(200);
    let records = world.gateway.records();
    let deed = records.iter().find(|record| record["kind"] == "revocation").expect("a record");
    assert_eq!(deed["decision"]["reason"], "revocation.disable");
    assert_eq!(deed["actor"]["uid"], "root");
    assert_eq!(deed["custom"]["target"], "bob");
    // And the call that ordered it, like every call of this listener.
    assert!(records.iter().any(|record| record["route"]["path"] == REVOCATIONS), "{records:?}");
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn rules_about_verbs_add_to_roles_and_take_from_them() {
    let rules = "[[access.allow]]\nid = \"leads\"\ngroups = [\"leads\"]\nverbs = [\"revocations.*\"]\n\
                 [[access.deny]]\nid = \"no-interns\"\ngroups = [\"interns\"]\nverbs = [\"*\"]\n";
    let world = Governed::start(rules).await;
    for (groups, status) in
        [(&["leads"][..], 200), (&["ops"][..], 200), (&["ops", "interns"][..], 403), (&["eng"][..], 403)]
    {
        world.admin("GET", REVOCATIONS, groups).send().await.expect(status);
    }
    world.admin("GET", "/admin/v1/keys", &["leads"]).send().await.expect(403);
}

#[tokio::test]
async fn an_audience_of_callers_is_no_audience_of_administrators() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = config(&issuer, &upstream, "").replace(ADMIN, crate::support::AUDIENCE);
    let said = Launch::file(&text).check().await;
    assert!(!said.ok && said.stderr.contains("admin.auth.audience"), "{said:?}");
}

#[tokio::test]
async fn a_body_that_was_kept_open_is_too_late_for_who_was_disabled_meanwhile() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = Governed::start("").await;
    let mut claims = world.issuer.claims("mallory", &["ops"]);
    claims["aud"] = json!(ADMIN);
    let token = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
    let body = json!({"directory": "acme", "user": "mallory", "effect": "enabled"}).to_string();
    let mut open = tokio::net::TcpStream::connect(world.admin).await.unwrap();
    let head = format!(
        "POST {REVOCATIONS} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        world.admin,
        body.len()
    );
    open.write_all((head + &body[..5]).as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    world.order(&json!({"directory": "acme", "user": "mallory", "effect": "disabled"})).await.expect(200);
    open.write_all(&body.as_bytes()[5..]).await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let listed = world.admin("GET", REVOCATIONS, &["dco"]).send().await.expect(200);
    assert_eq!(listed.json()["revocations"][0]["user"], "mallory");
}

#[tokio::test]
async fn an_address_does_not_stay_in_the_log_for_ever() {
    let world = Governed::start("").await;
    let order = json!({"directory": "acme", "name": "private.person@acme.example", "effect": "disabled"});
    world.order(&order).await.expect(200);
    assert!(!format!("{:?}", world.gateway.records()).contains("private.person"));
}
