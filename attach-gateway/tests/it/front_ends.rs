//! Programs that call for the people who are signed in to them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::issuer::{now, sign};
use crate::support::{Alg, CHATS, Call, Issuer, Launch, Upstream, World, question, tools};

const SECRET: &str = "a-secret-of-at-least-32-characters";

const FILE: &str = r#"
    [[issuer]]
    directory = "acme"
    issuer = "{ISSUER}"
    audience = ["api://attach-test"]
    [[front_end]]
    name = "web-ui"
    client_id = "web-ui"
    ways = ["token", "signed"]
    keys = [{ id = "k1", hmac = { env = "FRONT_END_SECRET" } }]
    groups = ["chat-*"]
    [[upstream]]
    name = "model"
    kind = "openai"
    url = "{UPSTREAM}"
    trusted = true
    [[access.allow]]
    id = "engineers"
    groups = ["eng", "chat-users"]
    [[access.allow]]
    id = "the-front-end-itself"
    kind = "service"
    models = ["gpt-4o"]
    [[quota]]
    id = "per-user"
    requests = "2/min"
"#;

async fn world() -> World {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = FILE.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).set("FRONT_END_SECRET", SECRET).start().await;
    World { issuer, upstream, gateway }
}

/// The front end's own token.
fn own_token(world: &World) -> String {
    let mut claims = world.issuer.claims("web-ui", &[]);
    claims["client_id"] = json!("web-ui");
    sign(Alg::Rs256, &claims)
}

fn body() -> String {
    question(CHATS[0], "gpt-4o", "hello").to_string()
}

/// A call by the front end that says nothing yet.
fn call(world: &World, path: &str) -> Call {
    world.gateway.post(path).bearer(&own_token(world)).body(body())
}

/// What a front end signs.
#[derive(Clone)]
struct Said {
    user: &'static str,
    groups: &'static str,
    created: u64,
    nonce: String,
    keyid: &'static str,
    path: &'static str,
}

fn said(user: &'static str) -> Said {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let nonce = format!("a-nonce-of-its-own-{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    Said { user, groups: "chat-users", created: now(), nonce, keyid: "k1", path: CHATS[0] }
}

impl Said {
    fn add(&self, call: Call) -> Call {
        let content = format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, body().as_bytes())));
        let params = format!(
            "(\"@method\" \"@path\" \"content-digest\" \"x-attach-user\" \"x-attach-groups\");created={};nonce=\"{}\";\
             keyid=\"{}\";alg=\"hmac-sha256\"",
            self.created, self.nonce, self.keyid
        );
        let base = format!(
            "\"@method\": POST\n\"@path\": {}\n\"content-digest\": {content}\n\"x-attach-user\": {}\n\
             \"x-attach-groups\": {}\n\"@signature-params\": {params}",
            self.path, self.user, self.groups
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
        call.header("Content-Digest", &content)
            .header("X-Attach-User", self.user)
            .header("X-Attach-Groups", self.groups)
            .header("Signature-Input", &format!("sig1={params}"))
            .header("Signature", &format!("sig1=:{signature}:"))
    }
}

fn assert_both_on_record(actor: &Value, user: &str) {
    assert_eq!(
        (&actor["kind"], &actor["directory"], &actor["uid"]),
        (&json!("user"), &json!("acme"), &json!(user))
    );
    assert_eq!((&actor["proof"], &actor["on_behalf_of"]), (&json!("delegated"), &json!(user)));
    let via = &actor["via"];
    assert_eq!((&via["directory"], &via["uid"]), (&json!("acme"), &json!("web-ui")));
    assert_eq!((&via["client_id"], &via["proof"]), (&json!("web-ui"), &json!("token")));
}

#[tokio::test]
async fn a_front_end_that_passes_a_token_calls_for_its_person() {
    let world = world().await;
    let token = world.issuer.token("alice", &["eng"]);
    let by_token =
        |token: &str| call(&world, CHATS[0]).header("X-Attach-On-Behalf-Of", &format!("Bearer {token}"));
    let answer = by_token(&token).send().await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    let seen = world.upstream.only();
    assert_eq!(seen.header("x-attach-user"), Some("alice"));
    assert!(!seen.everything().contains(&token), "no token goes further");
    let trail = world.gateway.finished(&answer.id()).await;
    for record in [trail.intent(), trail.outcome()] {
        assert_both_on_record(&record["actor"], "alice");
    }
    let expired = world.issuer.token_with("exp", json!(now() - 1000));
    assert_eq!(by_token(&expired).send().await.expect(401).code(), "token_expired");
}

#[tokio::test]
async fn a_front_end_that_signs_calls_for_its_person() {
    let world = world().await;
    let answer = said("00u-alice").add(call(&world, CHATS[0])).send().await.expect(200);
    assert_eq!(world.upstream.only().header("x-attach-user"), Some("00u-alice"));
    let trail = world.gateway.finished(&answer.id()).await;
    assert_both_on_record(&trail.outcome()["actor"], "00u-alice");
    assert_eq!(trail.outcome()["actor"]["groups_used"], json!(["chat-users"]));
}

#[tokio::test]
async fn the_quota_is_the_persons() {
    let world = world().await;
    for _ in 0..2 {
        said("alice").add(call(&world, CHATS[0])).send().await.expect(200);
    }
    said("alice").add(call(&world, CHATS[0])).send().await.expect(429);
    said("bob").add(call(&world, CHATS[0])).send().await.expect(200);
    call(&world, CHATS[0]).send().await.expect(200);
}

#[tokio::test]
async fn what_is_not_signed_so_is_refused_on_the_front_ends_record() {
    let world = world().await;
    let good = said("alice");
    good.add(call(&world, CHATS[0])).send().await.expect(200);
    for (what, refused, status, code) in [
        ("a replay", good.add(call(&world, CHATS[0])), 401, "delegation_replayed"),
        ("another path", said("alice").add(call(&world, "/v1/completions")), 401, "delegation_signature"),
        (
            "old",
            Said { created: now() - 120, ..said("alice") }.add(call(&world, CHATS[0])),
            401,
            "delegation_expired",
        ),
        (
            "an unknown key",
            Said { keyid: "k9", ..said("alice") }.add(call(&world, CHATS[0])),
            401,
            "delegation_unknown_key",
        ),
        (
            "a group of its own",
            Said { groups: "admins", ..said("alice") }.add(call(&world, CHATS[0])),
            403,
            "delegation_not_allowed",
        ),
        ("unsigned", call(&world, CHATS[0]).header("X-Attach-User", "alice"), 400, "delegation_malformed"),
    ] {
        let answer = refused.send().await.expect(status);
        assert_eq!(answer.code(), code, "{what}");
        let trail = world.gateway.finished(&answer.id()).await;
        let record = trail.reject();
        assert_eq!(
            (&record["actor"]["uid"], &record["actor"]["kind"]),
            (&json!("web-ui"), &json!("service")),
            "{what}"
        );
        assert_eq!(record["decision"]["reason"], code, "{what}");
    }
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn another_body_than_the_signed_one_goes_nowhere() {
    let world = world().await;
    let changed = said("alice").add(call(&world, CHATS[0])).body(body().replace("hello", "other"));
    let answer = changed.send().await.expect(400);
    assert_eq!(answer.code(), "digest_mismatch");
    assert!(world.upstream.seen().is_empty());
    let trail = world.gateway.finished(&answer.id()).await;
    assert_both_on_record(&trail.reject()["actor"], "alice");
    // In pieces, with no length said in advance, it is the same body.
    said("alice").add(call(&world, CHATS[0])).chunked(7).send().await.expect(200);
}

#[tokio::test]
async fn people_who_came_by_the_front_ends_client_are_no_front_ends() {
    let world = world().await;
    let mut claims = world.issuer.claims("mallory", &["eng"]);
    claims["client_id"] = json!("web-ui");
    let token = sign(Alg::Rs256, &claims);
    let stray = said("root").add(world.gateway.post(CHATS[0]).bearer(&token).body(body()));
    let answer = stray.send().await.expect(200);
    assert_eq!(world.upstream.only().header("x-attach-user"), Some("mallory"));
    let trail = world.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["actor"]["uid"], "mallory");
    assert_eq!(trail.outcome()["actor"].get("via"), None);
}

#[tokio::test]
async fn the_example_in_python_is_accepted() {
    if tools::program("python3").is_none() {
        return;
    }
    let world = world().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python/attach_signing.py");
    let url = format!("{}{}", world.gateway.url(), CHATS[0]);
    let mut python = tokio::process::Command::new("python3");
    python
        .args([script, &url, "jörg", &body()])
        .env("FRONT_END_KEY_ID", "k1")
        .env("FRONT_END_SECRET", SECRET);
    let output = python.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let headers = String::from_utf8(output.stdout).unwrap();
    let call = headers.lines().fold(call(&world, CHATS[0]), |call, line| {
        let (name, value) = line.split_once(": ").unwrap();
        call.header(name, value)
    });
    // It says no group, so no rule lets the person in; who it is, is known.
    let answer = call.send().await.expect(403);
    assert_eq!(answer.code(), "model_not_available");
    let trail = world.gateway.finished(&answer.id()).await;
    assert_both_on_record(&trail.reject()["actor"], "jörg");
}

#[tokio::test]
async fn check_prints_front_ends_and_says_what_cannot_be_meant() {
    let text = |front_end: &str| {
        let file =
            FILE.replace("{ISSUER}", "https://idp.example").replace("{UPSTREAM}", "http://127.0.0.1:9");
        let (before, after) = file.split_once("[[front_end]]").unwrap();
        let (_, after) = after.split_once("[[upstream]]").unwrap();
        format!("{before}[[front_end]]\nname = \"ui\"\n{front_end}\n[[upstream]]{after}")
    };
    let check =
        async |front_end: &str| Launch::file(&text(front_end)).set("FRONT_END_SECRET", SECRET).check().await;
    let key = "keys = [{ id = \"k1\", hmac = { env = \"FRONT_END_SECRET\" } }]";
    let good = check(&format!(
        "client_id = \"c\"\nways = [\"signed\"]\n{key}\ngroups = [\"chat-*\"]\nrequired = true"
    ))
    .await;
    assert!(good.ok, "{}", good.stderr);
    let line = "front_end ui: client c of acme, for people of acme, signed by k1 (hmac-sha256), may say groups chat-*, \
                never for itself";
    assert!(good.stdout.contains(line), "{}", good.stdout);
    assert!(!good.stdout.contains(SECRET));
    for (wrong, why) in [
        ("ways = [\"token\"]".to_owned(), "client_id or id"),
        ("client_id = \"c\"\nways = []".to_owned(), "neither pass tokens nor sign"),
        ("client_id = \"c\"\nways = [\"signed\"]".to_owned(), "at least one"),
        (format!("client_id = \"c\"\nways = [\"token\"]\n{key}"), "at least one"),
        ("client_id = \"c\"\nways = [\"cookie\"]".to_owned(), "\"cookie\""),
        ("client_id = \"c\"\nways = [\"token\"]\ndirectory = \"other\"".to_owned(), "no [[issuer]]"),
        ("client_id = \"c\"\nways = [\"token\"]\nwaiz = 1".to_owned(), "did you mean \"ways\""),
        (
            "client_id = \"c\"\nways = [\"signed\"]\nkeys = [{ id = \"k\", hmac = \"inline\" }]".to_owned(),
            "never written",
        ),
        (
            "client_id = \"c\"\nways = [\"signed\"]\nkeys = [{ id = \"k\", ed25519 = \"AAAA\" }]".to_owned(),
            "Ed25519",
        ),
    ] {
        let finished = check(&wrong).await;
        assert!(!finished.ok && finished.stderr.contains(why), "{wrong}: {}", finished.stderr);
    }
}
