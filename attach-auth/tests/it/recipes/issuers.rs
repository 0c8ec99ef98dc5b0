//! A token is of the issuer it names, letter for letter, and of no other.

use attach_auth::{IssuerConfig, Preset};
use serde_json::json;

use super::Recipe;
use super::shot::Shot;
use super::site::Site;
use crate::support::{ISSUER, Signer, claims, claims_with, config_of};

pub(super) const RECIPES: &[Recipe] = &[
    ("iss-slash", iss_slash),
    ("iss-types", iss_types),
    ("iss-substring", || {
        [
            "https://idp.test.evil.test",
            "https://evil.test/https://idp.test",
            "https://idp.tes",
            "https://idp.test#",
        ]
        .map(|iss| Shot::claims(json!({"iss": iss})))
        .into()
    }),
    ("cross-iss-kid", cross_iss_kid),
    ("cross-tenant", cross_tenant),
    ("sub-collision", sub_collision),
];

fn of(issuer: &str, signer: &Signer) -> IssuerConfig {
    config_of(Preset::Generic, issuer).jwks(Signer::set(&[signer]).as_bytes()).expect("a key set")
}

fn iss_slash() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let slashed = Site::issuers(vec![of("https://idp.test/", &signer)]);
    vec![Shot::claims(json!({"iss": "https://idp.test/"})), Shot::bearer(slashed, &signer.token(&claims()))]
}

fn iss_types() -> Vec<Shot> {
    let others = [
        json!([ISSUER]),
        json!(5),
        json!({"iss": ISSUER}),
        json!("https://IDP.test"),
        json!("https://idp.test:443"),
        json!("http://idp.test"),
        json!("https://user@idp.test"),
        json!(""),
        // `null` takes the claim out.
        json!(null),
    ];
    others.map(|iss| Shot::claims(json!({"iss": iss}))).into()
}

fn cross_iss_kid() -> Vec<Shot> {
    let (a, b) = (Signer::es256("same"), Signer::es256("same"));
    let site = || Site::issuers(vec![of(ISSUER, &a), of("https://b.test", &b)]);
    let of_b = claims_with(json!({"iss": "https://b.test"}));
    vec![
        Shot::bearer(site(), &a.token(&claims())).expects(200, "ok"),
        Shot::bearer(site(), &b.token(&of_b)).expects(200, "ok"),
        Shot::bearer(site(), &b.token(&claims())).expects(401, "signature"),
        Shot::bearer(site(), &a.token(&of_b)).expects(401, "signature"),
    ]
}

/// Another organisation of the same provider, signed by the same key where the provider has one for all.
fn cross_tenant() -> Vec<Shot> {
    let neighbours = [
        (Preset::Okta, "https://acme.okta.com/oauth2/default", "https://evil.okta.com/oauth2/default"),
        (Preset::Okta, "https://acme.okta.com/oauth2/default", "https://acme.okta.com/oauth2/other"),
        (
            Preset::Entra,
            "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/v2.0",
            "https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0",
        ),
        (Preset::Keycloak, "https://sso.test/realms/acme", "https://sso.test/realms/evil"),
    ];
    let signer = Signer::es256("k");
    let shot = |(preset, ours, theirs)| {
        let site = Site::with(config_of(preset, ours), &Signer::set(&[&signer]));
        Shot::bearer(site, &signer.token(&claims_with(json!({"iss": theirs}))))
    };
    neighbours.map(shot).into()
}

/// Who they are is in `the_same_subject_of_two_issuers_is_two_people`.
fn sub_collision() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let site = || Site::issuers(vec![of(ISSUER, &signer), of("https://b.test", &signer)]);
    [ISSUER, "https://b.test"]
        .map(|iss| Shot::bearer(site(), &signer.token(&claims_with(json!({"iss": iss})))))
        .into()
}

#[tokio::test]
async fn an_issuer_is_itself_and_nobody_else() {
    super::send(RECIPES).await;
}

#[tokio::test]
async fn the_same_subject_of_two_issuers_is_two_people() {
    let signer = Signer::es256("k");
    let address = Site::issuers(vec![of(ISSUER, &signer), of("https://b.test", &signer)]).start().await;
    let mut people = Vec::new();
    for iss in [ISSUER, "https://b.test"] {
        let token = signer.token(&claims_with(json!({"iss": iss, "email": "alice@acme.test"})));
        let request = format!(
            "GET / HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        people.push(super::site::exchange(address, request.as_bytes()).await.body);
    }
    assert_eq!(people, ["idp.test/alice", "b.test/alice"]);
}
