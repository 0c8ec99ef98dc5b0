//! Front ends that speak for their users, and everybody else who tries.

mod call;
mod signed;
mod token;

use attach_auth::delegation::{Delegation, FrontEnd, SigningKey};
use serde_json::json;

use self::call::{Call, SECRET, web_ui};

#[tokio::test]
async fn headers_of_everybody_else_mean_nothing() {
    let gateway = web_ui(|it| it);
    for token in [
        gateway.person_token("alice"),
        gateway.token(json!({"sub": "other-machine", "client_id": "other-machine"})),
        // A person signed in through the front end's own client, and a machine of another client.
        gateway.token(json!({"sub": "alice", "client_id": "open-webui"})),
    ] {
        let plain = gateway.learned(Call::new(&token)).await;
        for call in [
            Call::new(&token).signed_for("root"),
            Call::new(&token).header("x-attach-user", "root").header("x-attach-groups", "chat-admins"),
            Call::new(&token).on_behalf_of(&gateway.person_token("bob")),
            Call::new(&token).header("x-attach-on-behalf-of", "nonsense"),
        ] {
            let known = gateway
                .learned(call.removed("content-digest").removed("signature").removed("signature-input"))
                .await;
            assert_eq!(known["id"], plain["id"]);
            assert_eq!(known["actor"], json!(null));
            assert_eq!(known["headers"], plain["headers"]);
        }
    }
}

#[tokio::test]
async fn a_front_end_that_speaks_for_nobody_is_itself_unless_it_must_speak_for_somebody() {
    let gateway = web_ui(|it| it);
    let known = gateway.learned(gateway.call()).await;
    assert_eq!(
        (&known["id"], &known["kind"], &known["proof"]),
        (&json!("open-webui"), &json!("service"), &json!("token"))
    );
    let gateway = web_ui(FrontEnd::required);
    assert_eq!(gateway.refusal(gateway.call()).await, (403, "delegation_required".to_owned()));
    assert_eq!(gateway.learned(gateway.call().signed_for("alice")).await["id"], "alice");
}

#[tokio::test]
async fn it_never_falls_back_to_itself_once_it_said_anything() {
    let gateway = web_ui(|it| it);
    for (name, value) in [
        ("x-attach-user", "alice"),
        ("x-attach-email", "a@b"),
        ("x-attach-name", "Alice"),
        ("x-attach-groups", "chat-users"),
        ("x-attach-directory", "idp.test"),
        ("signature", "sig1=:Zg==:"),
        ("signature-input", "sig1=()"),
        ("x-attach-on-behalf-of", ""),
        ("x-attach-on-behalf-of", "Basic YTpi"),
        ("x-attach-on-behalf-of", "DPoP a.b.c"),
    ] {
        let (status, code) = gateway.refusal(gateway.call().header(name, value)).await;
        assert_eq!((status, code.as_str()), (400, "delegation_malformed"), "{name}: {value}");
    }
    let both = gateway.call().signed_for("alice").on_behalf_of(&gateway.person_token("alice"));
    assert_eq!(gateway.refusal(both).await, (400, "delegation_malformed".to_owned()));
}

#[tokio::test]
async fn a_front_end_speaks_only_in_the_ways_it_may() {
    let only_tokens = web_ui(|_| FrontEnd::client("web-ui", "idp.test", "open-webui").tokens());
    let refusal = only_tokens.refusal(only_tokens.call().signed_for("alice")).await;
    assert_eq!(refusal, (403, "delegation_not_allowed".to_owned()));
    let key = || SigningKey::hmac_sha256("k1", SECRET).expect("a key");
    let only_signed = web_ui(|_| FrontEnd::client("web-ui", "idp.test", "open-webui").key(key()));
    let refusal =
        only_signed.refusal(only_signed.call().on_behalf_of(&only_signed.person_token("alice"))).await;
    assert_eq!(refusal, (403, "delegation_not_allowed".to_owned()));
}

#[test]
fn front_ends_that_cannot_be_meant_are_refused() {
    let key = |id: &str| SigningKey::hmac_sha256(id, SECRET).expect("a key");
    let one = || FrontEnd::client("a", "acme", "client").tokens();
    let none: [&str; 0] = [];
    for (wrong, why) in [
        (vec![FrontEnd::client("a", "acme", "client")], "neither"),
        (vec![one(), FrontEnd::client("a", "acme", "other").tokens()], "this name"),
        (vec![one(), FrontEnd::client("b", "acme", "client").tokens()], "same machine"),
        (vec![one().key(key("k")).key(key("k"))], "one id"),
        (vec![one().directories(none)], "no directory"),
    ] {
        let error = Delegation::new(wrong).expect_err("is refused").to_string();
        assert!(error.contains(why), "{error}");
    }
    let other_directory = FrontEnd::client("b", "other", "client").tokens();
    assert!(Delegation::new([one().key(key("k1")).key(key("k2")), other_directory]).is_ok());
}
