//! A front end that signs who its user is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_auth::delegation::{FrontEnd, SigningKey};
use attach_auth::state::{Memory, State};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use http::Method;
use serde_json::json;

use super::call::{BODY, Call, Gateway, SECRET, sharing, web_ui};
use crate::support::NOW;

async fn code(gateway: &Gateway, call: Call) -> String {
    let (status, code) = gateway.refusal(call).await;
    let expected = match code.as_str() {
        "delegation_malformed" | "digest_mismatch" => 400,
        "delegation_not_allowed" | "group_not_allowed" => 403,
        _ => 401,
    };
    assert_eq!(status, expected, "{code}");
    code
}

#[tokio::test]
async fn what_was_shown_before_a_reload_is_not_taken_after_it() {
    let gateway = web_ui(|it| it);
    let call = gateway.call().signed_for("alice");
    assert_eq!(gateway.learned(call.clone()).await["id"], "alice");
    let gateway = gateway.reloaded();
    assert_eq!(code(&gateway, call).await, "delegation_replayed");
    assert_eq!(gateway.learned(gateway.call().signed_for("bob")).await["id"], "bob");
}

#[tokio::test]
async fn the_caller_is_whom_the_headers_name_and_nothing_more() {
    let gateway = web_ui(|it| it);
    let call =
        gateway.call().header("x-attach-email", "alice@acme.example").header("x-attach-name", "Al%C3%AFce");
    let call = call.header("x-attach-groups", "chat-users, chat-ops%2C%20EMEA").signed_for("00u%2F1");
    let known = gateway.learned(call).await;
    assert_eq!(
        (&known["directory"], &known["id"], &known["kind"]),
        (&json!("idp.test"), &json!("00u/1"), &json!("person"))
    );
    assert_eq!((&known["email"], &known["name"]), (&json!("alice@acme.example"), &json!("Alïce")));
    assert_eq!(known["groups"], json!(["chat-ops, EMEA", "chat-users"]));
    assert_eq!((&known["proof"], &known["actor"]), (&json!("delegated"), &json!("open-webui")));
    assert_eq!(
        (&known["scopes"], &known["acr"], &known["issued_at"]),
        (&json!([]), &json!(null), &json!(NOW))
    );
    let left: Vec<_> =
        known["headers"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    assert!(left.iter().all(|name| !name.starts_with("x-attach")), "{left:?}");
}

#[tokio::test]
async fn a_nonce_is_good_once() {
    let gateway = web_ui(|it| it);
    let call = gateway.call().signed_for("alice");
    gateway.learned(call.clone()).await;
    assert_eq!(code(&gateway, call.clone()).await, "delegation_replayed");
    gateway.clock.advance(Duration::from_secs(60));
    assert_eq!(code(&gateway, call.clone()).await, "delegation_replayed");
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&gateway, call).await, "delegation_expired");
}

#[tokio::test]
async fn a_nonce_is_good_once_on_all_nodes_together() {
    let state = State::open(Memory::new(), Vec::new()).await.expect("a state");
    let running = state.clone();
    tokio::spawn(async move { running.run(tokio::time::sleep).await });
    let (one, other) = (sharing(state.clone()), sharing(state));
    // What the store holds is over by the machine's clock, so these nodes go by that.
    let call = |node: &Gateway| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after it").as_secs();
        node.call().with(|call| call.created = now).signed_for("alice")
    };
    let first = call(&one);
    one.learned(first.clone()).await;
    let elsewhere = first.replaced("authorization", |_| format!("Bearer {}", other.own_token()));
    assert_eq!(code(&other, elsewhere).await, "delegation_replayed");
    other.learned(call(&other)).await;
}

#[tokio::test]
async fn a_nonce_of_a_bad_signature_is_not_used_up() {
    let gateway = web_ui(|it| it);
    let call = gateway.call().signed_for("alice");
    let forged = call.clone().replaced("x-attach-user", |_| "root".to_owned());
    assert_eq!(code(&gateway, forged).await, "delegation_signature");
    gateway.learned(call).await;
}

#[tokio::test]
async fn nothing_under_the_signature_can_be_changed() {
    let gateway = web_ui(|it| it);
    let call = || {
        gateway
            .call()
            .header("x-attach-groups", "chat-users")
            .header("x-attach-name", "A")
            .signed_for("alice")
    };
    for (name, value) in
        [("x-attach-user", "root"), ("x-attach-groups", "chat-admins"), ("x-attach-name", "B")]
    {
        let changed = call().replaced(name, |_| value.to_owned());
        assert_eq!(code(&gateway, changed).await, "delegation_signature", "{name}");
    }
    let path = call().with(|call| call.target = "/v1/completions".to_owned());
    assert_eq!(code(&gateway, path).await, "delegation_signature");
    let input =
        call().replaced("signature-input", |input| input.replace("created=1767225600", "created=1767225601"));
    assert_eq!(code(&gateway, input).await, "delegation_signature");
    let signature = call().replaced("signature", |_| "sig1=:Zg==:".to_owned());
    assert_eq!(code(&gateway, signature).await, "delegation_signature");
    let body = call().with(|call| call.body = BODY.replace("hello", "other"));
    assert_eq!(code(&gateway, body).await, "digest_mismatch");
    let no_json = call().with(|call| call.body = "nonsense".to_owned());
    assert_eq!(code(&gateway, no_json).await, "digest_mismatch", "before it is parsed");
}

#[tokio::test]
async fn everything_the_decision_rests_on_has_to_be_covered() {
    let gateway = web_ui(|it| it);
    for missing in ["@method", "@path", "content-digest", "x-attach-user", "x-attach-groups"] {
        let call =
            gateway.call().header("x-attach-groups", "chat-users").with(|call| call.without = vec![missing]);
        assert_eq!(code(&gateway, call.signed_for("alice")).await, "delegation_not_covered", "{missing}");
    }
    let query = |without: Vec<&'static str>| {
        let call = gateway
            .call()
            .with(|call| (call.target, call.without) = (format!("{}?a=b", call.target), without));
        call.signed_for("alice")
    };
    gateway.learned(query(vec![])).await;
    assert_eq!(code(&gateway, query(vec!["@query"])).await, "delegation_not_covered");
    let added = gateway.call().signed_for("alice").header("x-attach-email", "root@acme.example");
    assert_eq!(code(&gateway, added).await, "delegation_not_covered");
    let no_digest = gateway.call().signed_for("alice").removed("content-digest");
    assert_eq!(code(&gateway, no_digest).await, "delegation_not_covered");
}

#[tokio::test]
async fn the_time_has_to_be_ours_within_a_minute() {
    let gateway = web_ui(|it| it);
    for (created, expected) in
        [(NOW - 60, "ok"), (NOW + 60, "ok"), (NOW - 61, "old"), (NOW + 61, "old"), (0, "old")]
    {
        let call = gateway.call().with(|call| call.created = created).signed_for("alice");
        let answer = gateway.send(call).await;
        let found = if answer.status == 200 { "ok".to_owned() } else { answer.code() };
        assert_eq!(found, if expected == "ok" { "ok" } else { "delegation_expired" }, "{created}");
    }
    let over = gateway.call().with(|call| call.params.push_str(&format!(";expires={NOW}")));
    assert_eq!(code(&gateway, over.signed_for("alice")).await, "delegation_expired");
    let long = gateway.call().with(|call| call.params.push_str(&format!(";expires={}", NOW + 5)));
    gateway.learned(long.signed_for("alice")).await;
}

#[tokio::test]
async fn two_keys_are_good_while_one_replaces_the_other() {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let gateway = web_ui(|it| it.key(SigningKey::ed25519("k2", &public).expect("a key")));
    gateway.learned(gateway.call().signed_for("alice")).await;
    let by = |params: &str| {
        let call =
            gateway.call().header("x-attach-user", "alice").with(|call| call.params = params.to_owned());
        call.signed_by(|base| pair.sign(base).as_ref().to_vec())
    };
    assert_eq!(gateway.learned(by(r#";keyid="k2";alg="ed25519""#)).await["id"], "alice");
    assert_eq!(code(&gateway, by(r#";keyid="k2";alg="hmac-sha256""#)).await, "delegation_unknown_key");
    assert_eq!(code(&gateway, by(r#";keyid="k3";alg="ed25519""#)).await, "delegation_unknown_key");
    assert_eq!(code(&gateway, by(r#";keyid="k1";alg="hmac-sha256""#)).await, "delegation_signature");
    // The public key is no secret, whatever the algorithm is said to be.
    let confused = gateway.call().header("x-attach-user", "alice").with(|call| {
        call.params = r#";keyid="k2";alg="hmac-sha256""#.to_owned();
    });
    let confused = confused
        .signed_by(|base| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), base).as_ref().to_vec());
    assert_eq!(code(&gateway, confused).await, "delegation_unknown_key");
}

#[tokio::test]
async fn what_is_signed_badly_is_refused() {
    let gateway = web_ui(|it| it);
    let call = || gateway.call().signed_for("alice");
    for (what, wrong) in [
        ("no input", call().removed("signature-input")),
        ("no signature", call().removed("signature")),
        ("two inputs", call().header("signature-input", "sig2=(\"@method\");created=1")),
        ("two members", call().replaced("signature-input", |input| format!("{input}, {input}"))),
        ("another label", call().replaced("signature", |text| text.replace("sig1", "sig2"))),
        ("two users", call().header("x-attach-user", "bob")),
        ("no user", gateway.call().header("x-attach-name", "A").signed()),
        ("a short nonce", gateway.call().with(|call| call.nonce = "short".to_owned()).signed_for("alice")),
        ("a control character", gateway.call().signed_for("a%0Ab")),
        ("a bad escape", gateway.call().signed_for("a%zz")),
        ("no UTF-8", gateway.call().signed_for("%ff")),
        ("an empty name", gateway.call().signed_for("")),
        ("a long name", gateway.call().signed_for(&"x".repeat(513))),
        ("an empty group", gateway.call().header("x-attach-groups", "chat-a,,chat-b").signed_for("alice")),
        ("a digest of another kind", call().replaced("content-digest", |text| text.replace("256", "512"))),
        (
            "an unknown component",
            gateway
                .call()
                .with(|call| call.also = vec![])
                .header("x-attach-user", "alice")
                .signed()
                .replaced("signature-input", |input| input.replace("\"@method\"", "\"@method\" \"@status\"")),
        ),
    ] {
        let found = code(&gateway, wrong).await;
        let expected = match what {
            "no user" => "delegation_not_covered",
            "two users" => "delegation_signature",
            _ => "delegation_malformed",
        };
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn groups_and_directories_are_those_it_may_say() {
    let gateway = web_ui(|it| it.directories(["idp.test", "partner"]));
    let of = |directory: &str, groups: &str| {
        let call = gateway.call().header("x-attach-directory", directory).header("x-attach-groups", groups);
        call.signed_for("alice")
    };
    assert_eq!(gateway.learned(of("partner", "chat-users")).await["directory"], "partner");
    assert_eq!(code(&gateway, of("other", "chat-users")).await, "delegation_not_allowed");
    assert_eq!(code(&gateway, of("partner", "chat-users,admins")).await, "delegation_not_allowed");
    assert_eq!(
        code(&gateway, gateway.call().signed_for("alice")).await,
        "delegation_malformed",
        "which directory?"
    );
    let none = web_ui(|_| {
        FrontEnd::client("web-ui", "idp.test", "open-webui")
            .key(SigningKey::hmac_sha256("k1", SECRET).expect("a key"))
    });
    let call = none.call().header("x-attach-groups", "chat-users").signed_for("alice");
    assert_eq!(code(&none, call).await, "delegation_not_allowed");
    let members = web_ui(|it| it.members_of(["chat-users"]));
    assert_eq!(code(&members, members.call().signed_for("alice")).await, "group_not_allowed");
    members.learned(members.call().header("x-attach-groups", "chat-users").signed_for("alice")).await;
}

#[tokio::test]
async fn where_nobody_reads_the_body_there_must_be_none() {
    let gateway = web_ui(|it| it);
    let elsewhere = |method: Method, body: &str| {
        let call = gateway.call().with(|call| {
            (call.method, call.target, call.body) = (method, "/v1/models".to_owned(), body.to_owned());
        });
        call.signed_for("alice")
    };
    assert_eq!(gateway.learned(elsewhere(Method::GET, "")).await["id"], "alice");
    assert_eq!(code(&gateway, elsewhere(Method::POST, BODY)).await, "delegation_malformed");
    assert_eq!(code(&gateway, elsewhere(Method::DELETE, "")).await, "delegation_malformed");
    let with_body = elsewhere(Method::GET, BODY).header("content-length", "5");
    assert_eq!(code(&gateway, with_body).await, "delegation_malformed");
}
