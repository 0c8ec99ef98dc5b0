//! What each provider's tokens look like, after its documentation.

use std::sync::Arc;

use attach_auth::{ConfigError, IssuerConfig, OidcVerifier, Preset};
use attach_core::Identity;
use attach_core::identity::Kind;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, NOW, Signer, TestFetch, config_of, verifier};

async fn identity(preset: Preset, mut claims: Value) -> Arc<Identity> {
    let issuer = claims["iss"].as_str().expect("an issuer").to_owned();
    claims["aud"] = claims.get("aud").cloned().unwrap_or(json!(AUDIENCE));
    claims["iat"] = json!(NOW);
    claims["exp"] = json!(NOW + 3600);
    let signer = Signer::rsa("k", "RS256");
    let token = signer.token_with(&json!({"alg": "RS256", "kid": "k", "typ": "JWT"}), &claims);
    verifier(config_of(preset, &issuer), &[&signer]).verify(&token).await.expect("is good")
}

fn groups(identity: &Identity) -> Vec<&str> {
    identity.groups.iter().map(|group| &*group.name).collect()
}

#[tokio::test]
async fn okta_people_and_services() {
    let iss = "https://dev-1.okta.com/oauth2/default";
    let person = json!({"iss": iss, "ver": 1, "jti": "AT.1", "cid": "0oa1", "uid": "00u1", "scp": ["openid", "llm"],
        "sub": "alice@acme.example", "groups": ["Everyone", "AI-Power-Users"]});
    let alice = identity(Preset::Okta, person).await;
    assert_eq!((&*alice.id, &*alice.subject, alice.kind), ("00u1", "alice@acme.example", Kind::Person));
    assert_eq!(&*alice.directory, "dev-1.okta.com");
    assert_eq!(groups(&alice), ["AI-Power-Users", "Everyone"]);
    assert!(alice.scopes.contains("llm"));
    assert_eq!((alice.client_id.as_deref(), alice.token_id.as_deref()), (Some("0oa1"), Some("AT.1")));

    let service = json!({"iss": iss, "cid": "0oa2", "scp": ["llm"], "sub": "0oa2"});
    let robot = identity(Preset::Okta, service).await;
    assert_eq!((&*robot.id, robot.kind), ("0oa2", Kind::Service));
}

#[tokio::test]
async fn auth0_has_a_slash_an_array_and_permissions() {
    let iss = "https://acme.eu.auth0.com/";
    let person = json!({"iss": iss, "sub": "auth0|1", "aud": [AUDIENCE, "https://acme.eu.auth0.com/userinfo"],
        "azp": "spa", "scope": "openid", "permissions": ["llm.invoke"]});
    let alice = identity(Preset::Auth0, person).await;
    assert_eq!((&*alice.id, alice.kind), ("auth0|1", Kind::Person));
    assert!(alice.scopes.contains("llm.invoke") && alice.scopes.contains("openid"));
    let service = json!({"iss": iss, "sub": "abc@clients", "azp": "abc", "gty": "client-credentials"});
    assert_eq!(identity(Preset::Auth0, service).await.kind, Kind::Service);
}

#[tokio::test]
async fn entra_is_known_by_its_object_id() {
    let iss = "https://login.microsoftonline.com/11111111-2222/v2.0";
    let person = json!({"iss": iss, "sub": "pairwise", "oid": "o-1", "tid": "11111111-2222", "azp": "app",
        "scp": "llm.invoke user.read", "groups": ["g-1"], "roles": ["Approver"], "uti": "t"});
    let alice = identity(Preset::Entra, person).await;
    assert_eq!((&*alice.id, &*alice.subject, alice.kind), ("o-1", "pairwise", Kind::Person));
    assert_eq!(groups(&alice), ["Approver", "g-1"]);
    assert!(alice.scopes.contains("llm.invoke") && !alice.scopes.contains("Approver"));

    for app in [
        json!({"iss": iss, "sub": "o-2", "oid": "o-2", "appid": "app", "roles": ["llm.invoke"], "idtyp": "app"}),
        json!({"iss": iss, "sub": "o-2", "oid": "o-2", "azp": "app", "roles": ["llm.invoke"]}),
    ] {
        let robot = identity(Preset::Entra, app).await;
        assert_eq!((robot.kind, robot.client_id.as_deref()), (Kind::Service, Some("app")));
        assert!(robot.scopes.contains("llm.invoke"));
    }
}

#[tokio::test]
async fn keycloak_roles_are_groups_where_they_are_ours() {
    let iss = "https://sso.acme.example/realms/acme";
    let person = json!({"iss": iss, "sub": "f:1", "typ": "Bearer", "azp": "web", "scope": "profile", "nonce": "n",
        "sid": "s-1", "acr": "1", "preferred_username": "alice", "email": "alice@acme.example",
        "realm_access": {"roles": ["eng"]}, "groups": ["/staff"],
        "resource_access": {AUDIENCE: {"roles": ["llm"]}, "account": {"roles": ["admin"]}}});
    let alice = identity(Preset::Keycloak, person).await;
    assert_eq!(alice.kind, Kind::Person);
    assert_eq!(groups(&alice), ["/staff", "eng", "llm"]);
    assert_eq!((alice.session_id.as_deref(), alice.assurance.acr.as_deref()), (Some("s-1"), Some("1")));

    let service = json!({"iss": iss, "sub": "f:2", "typ": "Bearer", "azp": "robot", "client_id": "robot",
        "preferred_username": "service-account-robot"});
    assert_eq!(identity(Preset::Keycloak, service).await.kind, Kind::Service);
}

#[tokio::test]
async fn any_other_provider_by_rfc_9068() {
    let claims = json!({"iss": "https://idp.test", "sub": "robot", "client_id": "robot", "scope": "llm",
        "acr": "phr", "amr": ["hwk", "pin"], "auth_time": NOW - 60});
    let robot = identity(Preset::Generic, claims).await;
    assert_eq!(robot.kind, Kind::Service);
    assert_eq!(robot.assurance.amr.len(), 2);
    assert!(robot.assurance.auth_time.is_some());
    assert!(robot.expires_at.is_some());
    assert!(!format!("{robot:?}").contains("robot"));
}

fn error(result: Result<IssuerConfig, ConfigError>) -> String {
    let fetch = Arc::new(TestFetch::default());
    let error = match result {
        Ok(config) => OidcVerifier::new(vec![config], fetch).map(|_| ()).expect_err("cannot be meant"),
        Err(error) => error,
    };
    error.to_string()
}

fn config(preset: Preset, issuer: &str) -> Result<IssuerConfig, ConfigError> {
    IssuerConfig::new(preset, issuer, [AUDIENCE.to_owned()])?.jwks_uri("https://idp.test/keys")
}

#[test]
fn the_commonest_mistakes_are_told_at_start() {
    for (preset, issuer, hint) in [
        (Preset::Okta, "https://dev-1.okta.com", "/oauth2/default"),
        (Preset::Generic, "https://dev-1.okta.com", "/oauth2/default"),
        (Preset::Okta, "https://login.acme.example", "authorization server"),
        (Preset::Okta, "https://dev-1-admin.okta.com/oauth2/default", "-admin"),
        (Preset::Okta, "https://dev-1.okta.com/oauth2/default/", "without a slash"),
        (Preset::Auth0, "https://acme.eu.auth0.com", "with a slash"),
        (Preset::Entra, "https://login.microsoftonline.com/common/v2.0", "your own tenant"),
        (Preset::Entra, "https://login.microsoftonline.com/organizations/v2.0", "your own tenant"),
        (Preset::Keycloak, "https://sso.acme.example/realms/acme/", "without a slash"),
        (Preset::Google, "https://accounts.google.com", "hd"),
        (Preset::Generic, "http://idp.test", "https"),
        (Preset::Generic, "idp.test", "URL"),
    ] {
        let message = error(config(preset, issuer));
        assert!(message.contains(hint), "{issuer}: {message}");
    }
    let nobody = IssuerConfig::new(Preset::Okta, "https://dev-1.okta.com/oauth2/default", []);
    assert!(error(nobody).contains("api://default"));
    let allowed =
        config(Preset::Okta, "https://dev-1.okta.com").expect("a configuration").accept_id_tokens(true);
    assert!(OidcVerifier::new(vec![allowed], Arc::new(TestFetch::default())).is_ok());
}

#[test]
fn organisations_on_one_host_are_kept_apart() {
    let new = |configs| OidcVerifier::new(configs, Arc::new(TestFetch::default()));
    let realm =
        |name: &str| config(Preset::Keycloak, &format!("https://sso.example/realms/{name}")).expect("fine");
    assert!(new(vec![realm("a"), realm("b")]).is_err_and(|error| error.to_string().contains("directory")));
    let verifier = new(vec![realm("a").directory("a"), realm("b").directory("b")]).expect("fine");
    assert_eq!(verifier.directories().len(), 2);
    assert!(new(vec![realm("a"), realm("a")]).is_err_and(|error| error.to_string().contains("twice")));
    assert!(new(Vec::new()).is_err());
}

#[test]
fn an_open_door_is_pointed_out() {
    let new =
        |config| OidcVerifier::new(vec![config], Arc::new(TestFetch::default())).expect("fine").warnings();
    let okta = || config(Preset::Okta, "https://dev-1.okta.com/oauth2/default").expect("fine");
    assert_eq!(new(okta()).len(), 1);
    assert_eq!(new(okta().required_scopes(["llm"])).len(), 0);
}

#[test]
fn presets_are_known_by_name() {
    for preset in Preset::ALL {
        assert_eq!(preset.as_str().parse(), Ok(preset));
    }
    assert!("ping".parse::<Preset>().is_err_and(|error| error.to_string().contains("keycloak")));
}
