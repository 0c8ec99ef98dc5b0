//! What a directory says takes effect: provisioning by SCIM, logout at the provider.

use serde_json::{Value, json};

use crate::support::admin::config;
use crate::support::tools::{Idp, free_port};
use crate::support::{CHATS, Call, Gateway, Governed, Issuer, Launch, Response, Upstream, question};

const SECRET: &str = "b7f3d1a95c2e48e6a1d07f9c3b58e246";

async fn ask(gateway: &Gateway, token: &str) -> Response {
    gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "m", "hello")).send().await
}

/// A gateway whose directory provisions by SCIM.
async fn provisioned(more: &str) -> Governed {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let scim = format!(
        "[revocation]\nscim = {{ token = {{ env = \"SCIM_TOKEN\" }}, directory = \"acme\"{more} }}\n"
    );
    let launch = Launch::file(&config(&issuer, &upstream, &scim)).set("SCIM_TOKEN", SECRET);
    let gateway = launch.start().await;
    Governed::of(issuer, upstream, gateway).await
}

fn scim(world: &Governed, method: &str, path: &str, body: &Value) -> Call {
    let call = Call::new(world.gateway.addr, method, &format!("/scim/v2{path}")).bearer(SECRET);
    call.header("Content-Type", "application/scim+json").body(body.to_string())
}

/// As Okta creates a user.
async fn create(world: &Governed, name: &str) -> String {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@acme.example"), "externalId": name, "active": true,
        "emails": [{"primary": true, "value": format!("{name}@acme.example"), "type": "work"}],
    });
    let created = scim(world, "POST", "/Users", &user).send().await.expect(201);
    created.json()["id"].as_str().expect("an id").to_owned()
}

fn active(is: bool) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": is}}],
    })
}

#[tokio::test]
async fn a_user_who_is_deactivated_is_refused_from_the_answer_on() {
    let world = provisioned("").await;
    let (alice, bob) = (world.issuer.token("alice", &[]), world.issuer.token("bob", &[]));
    let id = create(&world, "bob").await;
    ask(&world.gateway, &bob).await.expect(200);
    let path = format!("/Users/{id}");
    scim(&world, "PATCH", &path, &active(false)).send().await.expect(200);
    assert_eq!(ask(&world.gateway, &bob).await.expect(401).code(), "revoked");
    ask(&world.gateway, &alice).await.expect(200);
    let records = world.gateway.records();
    assert!(records.iter().any(|record| record["kind"] == "revocation"), "{records:?}");
    scim(&world, "PATCH", &path, &active(true)).send().await.expect(200);
    ask(&world.gateway, &bob).await.expect(200);
}

#[tokio::test]
async fn only_the_directory_itself_provisions() {
    let world = provisioned("").await;
    let token = world.issuer.token("alice", &["ops"]);
    for bearer in ["", "x", &token, &world.admin_token(&["ops"])] {
        let call = Call::new(world.gateway.addr, "GET", "/scim/v2/Users").bearer(bearer);
        call.send().await.expect(401);
    }
    // And its secret is no token.
    ask(&world.gateway, SECRET).await.expect(401);
    let log = format!("{:?} {}", world.gateway.records(), world.gateway.stderr.text());
    assert!(!log.contains(SECRET));
}

#[tokio::test]
async fn a_secret_that_could_be_guessed_keeps_the_gateway_from_starting() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let scim = "[revocation]\nscim = { token = { env = \"SCIM_TOKEN\" }, directory = \"acme\" }\n";
    let launch = Launch::file(&config(&issuer, &upstream, scim)).set("SCIM_TOKEN", "password");
    let said = launch.refusal().await;
    assert!(said.contains("revocation.scim") && !said.contains("password"), "{said}");
}

#[tokio::test]
async fn groups_of_scim_grant_nothing_unless_they_may() {
    for (may, status) in [("", 403), (", may_grant = true", 200)] {
        let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
        let more = format!(
            "[[access.allow]]\nid = \"eng\"\ngroups = [\"eng\"]\n\
             [revocation]\nscim = {{ token = {{ env = \"SCIM_TOKEN\" }}{may} }}\n"
        );
        let text = config(&issuer, &upstream, &more).replace("default = \"allow\"", "default = \"deny\"");
        let gateway = Launch::file(&text).set("SCIM_TOKEN", SECRET).start().await;
        let world = Governed::of(issuer, upstream, gateway).await;
        let id = create(&world, "bob").await;
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "eng", "members": [{"value": id}],
        });
        scim(&world, "POST", "/Groups", &group).send().await.expect(201);
        ask(&world.gateway, &world.issuer.token("bob", &[])).await.expect(status);
        ask(&world.gateway, &world.issuer.token("alice", &[])).await.expect(403);
    }
}

#[tokio::test]
async fn a_logout_at_a_certified_provider_ends_what_was_issued() {
    let port = free_port();
    let here = format!("http://127.0.0.1:{port}/oidc/backchannel-logout");
    let Some(idp) = Idp::announcing(&here).await else { return };
    let upstream = Upstream::model().await;
    let text = format!(
        "[[issuer]]\ndirectory = \"acme\"\nissuer = \"{}\"\naudience = [\"urn:llm-gateway\"]\n\
         [[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n\
         [access]\ndefault = \"allow\"\n[revocation]\nbackchannel_logout = true\n",
        idp.url(),
        upstream.url()
    );
    let gateway = Launch::file(&text).port(&port.to_string()).start().await;
    let (alice, bob) = (idp.person("alice").await, idp.person("bob").await);
    ask(&gateway, &alice).await.expect(200);
    idp.logout("alice").await;
    assert_eq!(ask(&gateway, &alice).await.expect(401).code(), "revoked");
    ask(&gateway, &bob).await.expect(200);
    let records = gateway.records();
    let deed = records.iter().find(|record| record["kind"] == "revocation").expect("a record");
    assert_eq!(deed["actor"]["directory"], "acme");
}

#[tokio::test]
async fn nobody_is_taken_for_a_provisioned_user_by_a_name_they_chose() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let more = "[[access.allow]]\nid = \"eng\"\ngroups = [\"eng\"]\n\
                [revocation]\nscim = { token = { env = \"SCIM_TOKEN\" }, may_grant = true }\n";
    let text = config(&issuer, &upstream, more).replace("default = \"allow\"", "default = \"deny\"");
    let gateway = Launch::file(&text).set("SCIM_TOKEN", SECRET).start().await;
    let world = Governed::of(issuer, upstream, gateway).await;
    let id = create(&world, "victim").await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "eng", "members": [{"value": id}],
    });
    scim(&world, "POST", "/Groups", &group).send().await.expect(201);
    ask(&world.gateway, &world.issuer.token("victim", &[])).await.expect(200);
    let mut claims = world.issuer.claims("mallory", &[]);
    claims["preferred_username"] = json!("victim@acme.example");
    let token = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
    ask(&world.gateway, &token).await.expect(403);
}

#[tokio::test]
async fn a_strangers_body_is_not_read() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = provisioned("").await;
    let mut open = tokio::net::TcpStream::connect(world.gateway.addr).await.unwrap();
    let head = "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nonsense\r\nContent-Length: 900000\r\n\r\n";
    open.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    open.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 401");
}
