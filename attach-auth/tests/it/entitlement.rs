//! A valid audience is not entitlement.

use attach_auth::{IssuerConfig, Preset};
use serde_json::{Value, json};

use crate::support::{Log, Signer, claims_with, config, config_of, get, verifier};

/// Status and public code.
async fn answer(config: IssuerConfig, changes: Value) -> (u16, String) {
    let signer = Signer::es256("k");
    let answer = get(verifier(config, &[&signer]), &signer.token(&claims_with(changes))).await;
    (answer.status, answer.code())
}

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[tokio::test]
async fn scopes_are_whole_words() {
    let needs = || config().required_scopes(["llm.invoke"]);
    for scope in [json!("openid llm.invoke"), json!(["openid", "llm.invoke"])] {
        assert_eq!(answer(needs(), json!({"scope": scope})).await.0, 200);
        assert_eq!(answer(needs(), json!({"scope": null, "scp": scope})).await.0, 200);
    }
    for scope in ["llm.invoke.evil", "xllm.invoke", "LLM.INVOKE", "llm.invoke\t", "a\tllm.invoke", ""] {
        assert_eq!(
            answer(needs(), json!({"scope": scope})).await,
            refused("insufficient_scope"),
            "{scope:?}"
        );
    }
    assert_eq!(
        answer(needs().required_scopes(["llm", "more"]), json!({})).await,
        refused("insufficient_scope")
    );
}

#[tokio::test]
async fn clients_and_groups_can_be_asked_for() {
    let clients = || config().client_ids(["web"]);
    assert_eq!(answer(clients(), json!({"client_id": "web"})).await.0, 200);
    assert_eq!(answer(clients(), json!({"client_id": "other"})).await, refused("client_not_allowed"));
    assert_eq!(answer(clients(), json!({})).await, refused("client_not_allowed"));

    let groups = || config().allowed_groups(["eng"]);
    assert_eq!(answer(groups(), json!({"groups": ["hr", "eng"]})).await.0, 200);
    assert_eq!(answer(groups(), json!({"groups": "eng"})).await.0, 200);
    assert_eq!(answer(groups(), json!({"groups": ["engineers"]})).await, refused("group_not_allowed"));
    assert_eq!(answer(groups(), json!({})).await, refused("group_not_allowed"));
    let elsewhere = || groups().groups_claim("/org/teams").expect("a pointer");
    assert_eq!(answer(elsewhere(), json!({"org": {"teams": ["eng"]}})).await.0, 200);
    assert_eq!(answer(elsewhere(), json!({"groups": ["eng"]})).await, refused("group_not_allowed"));
}

#[tokio::test]
async fn a_google_account_is_of_the_domain_or_nobody() {
    let issuer = "https://accounts.google.com";
    let google = || config_of(Preset::Google, issuer).hosted_domain("acme.example");
    let id_token = |more: Value| {
        let mut claims =
            json!({"iss": issuer, "nonce": "n", "azp": "api://gw", "at_hash": "h", "scope": null});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        claims
    };
    let signer = Signer::rsa("k", "RS256");
    for (changes, expected) in [
        (json!({"hd": "acme.example"}), 200),
        (json!({"hd": "acme.example", "iss": "accounts.google.com"}), 200),
        (json!({"hd": "evil.example"}), 403),
        (json!({"email": "a@acme.example@evil.example"}), 403),
        (json!({}), 403),
    ] {
        let header = json!({"alg": "RS256", "kid": "k", "typ": "JWT"});
        let token = signer.token_with(&header, &claims_with(id_token(changes.clone())));
        assert_eq!(get(verifier(google(), &[&signer]), &token).await.status, expected, "{changes}");
    }
}

#[tokio::test]
async fn too_many_groups_are_not_no_groups() {
    let entra = || config_of(Preset::Entra, "https://login.microsoftonline.com/11111111-2222/v2.0");
    let mine = |more: Value| {
        let mut claims = json!({"iss": "https://login.microsoftonline.com/11111111-2222/v2.0"});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        claims
    };
    let over = refused("groups_overage");
    assert_eq!(answer(entra(), mine(json!({"_claim_names": {"groups": "src1"}}))).await, over);
    assert_eq!(answer(entra(), mine(json!({"hasgroups": true}))).await, over);
    assert_eq!(answer(entra(), mine(json!({"groups": ["a"]}))).await.0, 200);
    let by_role = entra().groups_claim("roles").expect("a claim");
    assert_eq!(answer(by_role, mine(json!({"hasgroups": true, "roles": ["eng"]}))).await.0, 200);
}

#[tokio::test]
async fn a_wrong_audience_is_logged_once_a_minute_and_only_after_a_good_signature() {
    let log = Log::start();
    let (signer, forger) = (Signer::es256("k"), Signer::es256("k"));
    let verifier = verifier(config(), &[&signer]);
    let changes = claims_with(json!({"aud": "api://default\nother"}));
    assert!(verifier.verify(&forger.token(&changes)).await.is_err());
    assert_eq!(log.lines_with("another audience").len(), 0);
    for _ in 0..3 {
        let denial = verifier.verify(&signer.token(&changes)).await.expect_err("is for others");
        assert_eq!((denial.status().as_u16(), denial.code()), (401, "wrong_audience"));
        assert!(!denial.to_string().contains("api://"), "{denial}");
    }
    let lines = log.lines_with("another audience");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["api://gw", "api://default", "docs/troubleshooting.md#wrong_audience"] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
}

#[tokio::test]
async fn a_missing_group_is_logged_with_what_was_configured() {
    let log = Log::start();
    assert_eq!(answer(config().allowed_groups(["eng"]), json!({"groups": ["hr"]})).await.0, 403);
    let lines = log.lines_with("none of the allowed groups");
    assert_eq!(lines.len(), 1);
    for part in ["eng", "hr", "docs/troubleshooting.md#group_not_allowed"] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
}
