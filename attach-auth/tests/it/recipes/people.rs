//! Good tokens of people, and of machines, that do not entitle to what they are shown for.

use attach_auth::Preset;
use attach_core::exchange::Decision;
use attach_core::identity::Kind;
use serde_json::{Value, json};

use super::Recipe;
use super::shot::Shot;
use super::site::{Rule, Site, exchange};
use crate::support::{AUDIENCE, ISSUER, Signer, claims, claims_with, config, config_of};

pub(super) const RECIPES: &[Recipe] = &[
    ("m2m-as-user", m2m_as_user),
    ("scope-missing", || vec![scoped(json!({})), scoped(json!({"scope": "openid"}))]),
    ("scope-confusion", scope_confusion),
    ("group-overage", group_overage),
    ("sub-hostile", sub_hostile),
];

fn m2m_as_user() -> Vec<Shot> {
    let people: Rule = |ask| Decision::new(ask.identity.kind == Kind::Person, "subject_kind");
    let signer = Signer::es256("k");
    let sent = |preset: Preset, issuer: &str, mut machine: Value| {
        machine["iss"] = json!(issuer);
        let site = Site::with(config_of(preset, issuer), &Signer::set(&[&signer])).rule(people);
        Shot::bearer(site, &signer.token(&claims_with(machine)))
    };
    vec![
        sent(
            Preset::Okta,
            "https://acme.okta.com/oauth2/default",
            json!({"sub": "0oa1", "cid": "0oa1", "scp": ["llm"], "scope": null}),
        ),
        sent(Preset::Generic, ISSUER, json!({"sub": "robot", "client_id": "robot"})),
        sent(
            Preset::Auth0,
            "https://acme.auth0.com/",
            json!({"sub": "x@clients", "gty": "client-credentials"}),
        ),
    ]
}

fn scoped(changes: Value) -> Shot {
    let signer = Signer::es256("k");
    let site = Site::with(config().required_scopes(["llm.invoke"]), &Signer::set(&[&signer]));
    Shot::bearer(site, &signer.token(&claims_with(changes)))
}

fn scope_confusion() -> Vec<Shot> {
    let others = [
        json!({"scope": "llm.invoke.evil"}),
        json!({"scope": "xllm.invoke"}),
        json!({"scope": "LLM.invoke"}),
        json!({"scope": "openid\tllm.invoke"}),
        json!({"scope": "openid\u{a0}llm.invoke"}),
        json!({"scope": "openid,llm.invoke"}),
        json!({"scope": null, "scp": ["openid llm.invoke"]}),
        json!({"scope": null, "scp": {"llm.invoke": true}}),
        json!({"scope": null, "scp": [["llm.invoke"]]}),
    ];
    let mut shots: Vec<Shot> = others.into_iter().map(scoped).collect();
    let spaces = scoped(json!({"scope": "openid  llm.invoke"}));
    shots.push(spaces.expects(200, "ok").although("split at each space, the scope is there exactly"));
    shots
}

fn group_overage() -> Vec<Shot> {
    let issuer = "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/v2.0";
    let marks = [
        json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.test"}}}),
        json!({"hasgroups": true}),
    ];
    let sent = |mut marks: Value| {
        let signer = Signer::es256("k");
        marks["iss"] = json!(issuer);
        marks["scope"] = json!(null);
        marks["scp"] = json!("llm");
        let site = Site::with(config_of(Preset::Entra, issuer), &Signer::set(&[&signer]));
        Shot::bearer(site, &signer.token(&claims_with(marks)))
    };
    marks.map(sent).into()
}

fn sub_hostile() -> Vec<Shot> {
    ["a\r\nX-Admin: 1", "\0", "\u{202e}nimda", "a,b;c=\"d\"", "../../etc/passwd"]
        .map(|sub| Shot::claims(json!({"sub": sub})))
        .into_iter()
        .chain([Shot::claims(json!({"sub": "x".repeat(4096)}))])
        .collect()
}

#[tokio::test]
async fn what_a_token_does_not_entitle_to_is_a_403() {
    super::send(RECIPES).await;
}

/// There is no rule over e-mail addresses to get wrong: whatever one says, the caller is who `sub` says, with the
/// groups that `groups` says.
#[tokio::test]
async fn an_e_mail_address_gives_no_right_and_names_nobody() {
    let members: Rule = |ask| Decision::new(ask.identity.is_member("corp.test"), "members_only");
    let emails = [
        json!("a@corp.test@evil.test"),
        json!("A@CORP.TEST"),
        json!("a@c\u{43e}rp.test"),
        json!(["a@corp.test"]),
        json!(""),
    ];
    for email in emails {
        let signer = Signer::es256("k");
        let claims = claims_with(json!({"email": email, "email_verified": false, "aud": AUDIENCE}));
        let request = format!(
            "GET /v1/models HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
            signer.token(&claims)
        );
        let open = Site::of(&[&signer]);
        let answer = exchange(open.start().await, request.as_bytes()).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "idp.test/alice"), "{email}");
        let closed = Site::of(&[&signer]).rule(members).start().await;
        assert_eq!(exchange(closed, request.as_bytes()).await.status, 403, "{email}");
    }
    let nobody = claims_with(json!({"sub": null, "email": "a@corp.test"}));
    assert!(claims().get("sub").is_some() && nobody.get("sub").is_none());
    let signer = Signer::es256("k");
    let denial = crate::support::verifier(config(), &[&signer]).verify(&signer.token(&nobody)).await;
    assert_eq!(denial.expect_err("names nobody").reason(), "sub");
}
