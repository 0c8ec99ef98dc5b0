//! Administrators without a token: by the account at a socket, by a client certificate. The identity provider is away.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::listeners::certificates::{Certificates, connect};
use crate::support::admin::{ADMIN, admin_address, config};
use crate::support::{Gateway, Issuer, Launch, TempDir, Upstream, eventually};

const REVOCATIONS: &str = "/admin/v1/revocations";

/// What an answer says.
struct Told {
    status: u16,
    head: String,
    body: Value,
}

async fn ask<S>(mut stream: S, method: &str, path: &str, headers: &str, body: &str) -> Told
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that says goodbye without TLS's own word for it has answered all the same.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
}

/// A gateway whose administrators come by a socket.
struct Local {
    issuer: Issuer,
    upstream: Upstream,
    gateway: Gateway,
    folder: TempDir,
}

impl Local {
    async fn start(auth: &str, more: &str) -> Self {
        let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
        let gateway = Launch::file(&at_socket(&issuer, &upstream, folder.path(), auth, more)).start().await;
        gateway.stderr.line("administrators are listened to").await;
        Self { issuer, upstream, gateway, folder }
    }

    async fn ask(&self, method: &str, headers: &str, body: &str) -> Told {
        self.at(REVOCATIONS, method, headers, body).await
    }

    async fn at(&self, path: &str, method: &str, headers: &str, body: &str) -> Told {
        let stream = UnixStream::connect(self.folder.path().join("s")).await.unwrap();
        ask(stream, method, path, headers, body).await
    }

    fn bearer(&self, groups: &[&str]) -> String {
        let mut claims = self.issuer.claims("root", groups);
        claims["aud"] = json!(ADMIN);
        let token = crate::support::issuer::sign(crate::support::Alg::Rs256, &claims);
        format!("Authorization: Bearer {token}\r\n")
    }
}

/// The file of [`config`] with this `auth`, where administrators are listened to at a socket.
fn at_socket(issuer: &Issuer, upstream: &Upstream, folder: &Path, auth: &str, more: &str) -> String {
    let socket = format!("unix:{}", folder.join("s").display());
    with_auth(&config(issuer, upstream, more), auth)
        .replace("listen = \"127.0.0.1:0\"", &format!("listen = {socket:?}"))
}

fn with_auth(text: &str, auth: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("auth = ")).unwrap();
    text.replace(line, auth)
}

/// Who runs the test.
fn uid() -> u32 {
    std::fs::metadata(TempDir::new().path()).unwrap().uid()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_tokens(and: &str) -> String {
    format!("auth = {{ audience = \"{ADMIN}\", groups = {{ operator = \"ops\" }}, {and} }}")
}

fn users(role: &str, uid: u32) -> String {
    format!("users = {{ {role} = [{uid}] }}")
}

fn order(directory: &str, user: &str, effect: &str) -> String {
    json!({"directory": directory, "user": user, "effect": effect}).to_string()
}

#[tokio::test]
async fn an_operator_at_the_socket_locks_somebody_out_while_the_identity_provider_is_away() {
    let auth = format!("auth = {{ {} }}", users("operator", uid()));
    let mut local = Local::start(&auth, "").await;
    let bob = local.issuer.token("bob", &[]);
    local.gateway.get("/v1/models").bearer(&bob).send().await.expect(200);
    local.issuer.set_down(true);
    assert_eq!(local.ask("GET", "", "").await.body["revocations"], json!([]));
    let told = local.ask("POST", "", &order("acme", "bob", "disabled")).await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(local.ask("GET", "", "").await.body["revocations"][0]["user"], "bob");
    local.gateway.get("/v1/models").bearer(&bob).send().await.expect(401);
    let records = local.gateway.records();
    let deed = records.iter().find(|record| record["kind"] == "revocation").expect("a record");
    let id = format!("uid:{}", uid());
    assert_eq!((&deed["actor"]["uid"], &deed["custom"]["target"]), (&json!(id), &json!("bob")));
    let call = records.iter().find(|record| record["actor"]["proof"] == "account").expect("the call");
    assert_eq!((&call["actor"]["directory"], &call["actor"]["uid"]), (&json!("local"), &json!(id)));
    local.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn a_gateway_that_never_saw_its_identity_provider_is_administered_at_the_socket() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    issuer.set_down(true);
    let text = at_socket(&issuer, &upstream, folder.path(), &by_tokens(&users("operator", uid())), "");
    let gateway = Launch::file(&text).start().await;
    gateway.stderr.line("administrators are listened to").await;
    let local = Local { issuer, upstream, gateway, folder };
    assert_eq!(local.ask("POST", "", &order("acme", "bob", "disabled")).await.status, 200);
    // What is shown counts, and nobody can say whether it is good.
    assert_eq!(local.ask("GET", &local.bearer(&["ops"]), "").await.status, 503);
    assert_eq!(local.upstream.seen().len(), 0);
}

#[tokio::test]
async fn an_account_that_is_not_listed_stays_outside() {
    let local = Local::start(&by_tokens(&users("operator", uid() + 1)), "").await;
    let told = local.ask("GET", "", "").await;
    assert_eq!(told.status, 401);
    assert!(
        told.head.contains("application/problem+json") && told.head.contains("attach-admin"),
        "{}",
        told.head
    );
    assert_eq!(local.ask("GET", &local.bearer(&["ops"]), "").await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_shown_has_to_be_good_and_counts_alone() {
    let local = Local::start(&by_tokens(&users("auditor", uid())), "").await;
    assert_eq!(local.ask("GET", "", "").await.status, 200);
    let locked = order("acme", "bob", "disabled");
    let told = local.ask("POST", "", &locked).await;
    assert_eq!(told.status, 403, "an auditor reads");
    assert!(told.head.contains("application/problem+json"), "{}", told.head);
    for (shown, read, write) in [
        (local.bearer(&["ops"]), 200, 200),
        (local.bearer(&["eng"]), 403, 403),
        (format!("Authorization: Bearer {}\r\n", local.issuer.token("root", &["ops"])), 401, 401),
        ("Authorization: Bearer x.y.z\r\n".to_owned(), 401, 401),
        ("Authorization: Basic YTpi\r\n".to_owned(), 401, 401),
        ("X-Api-Key: ak_nothing\r\n".to_owned(), 401, 401),
    ] {
        assert_eq!(local.ask("GET", &shown, "").await.status, read, "{shown}");
        assert_eq!(local.ask("POST", &shown, &locked).await.status, write, "{shown}");
    }
}

#[tokio::test]
async fn where_no_audience_is_set_a_token_opens_nothing() {
    let local = Local::start(&format!("auth = {{ {} }}", users("operator", uid())), "").await;
    assert_eq!(local.ask("GET", &local.bearer(&["ops"]), "").await.status, 401);
    assert_eq!(local.ask("GET", "", "").await.status, 200);
}

#[tokio::test]
async fn a_socket_answers_to_localhost_and_to_no_other_site() {
    let local = Local::start(&by_tokens(&users("operator", uid())), "").await;
    assert_eq!(local.ask("GET", "Host: rebound.example\r\n", "").await.status, 421);
    assert_eq!(local.ask("GET", "Origin: https://evil.example\r\n", "").await.status, 403);
    assert_eq!(local.ask("GET", "Origin: http://localhost\r\n", "").await.status, 200);
}

#[tokio::test]
async fn an_administrator_of_the_machine_is_refused_like_anybody() {
    let local = Local::start(&by_tokens(&users("operator", uid())), "").await;
    let id = format!("uid:{}", uid());
    // It is done, and answered to somebody who is refused by now.
    assert_eq!(local.ask("POST", "", &order("local", &id, "disabled")).await.status, 401);
    assert_eq!(local.ask("GET", "", "").await.status, 401);
    let operator = local.bearer(&["ops"]);
    assert_eq!(local.ask("POST", &operator, &order("local", &id, "enabled")).await.status, 200);
    assert_eq!(local.ask("GET", "", "").await.status, 200);
}

#[tokio::test]
async fn rules_about_verbs_take_from_an_account_and_add_nothing_to_it() {
    let rules = "[[access.allow]]\nid = \"all\"\nverbs = [\"keys.*\"]\n\
                 [[access.deny]]\nid = \"frozen\"\nverbs = [\"revocations.write\"]\n";
    let local = Local::start(&by_tokens(&users("quota_admin", uid())), rules).await;
    assert_eq!(local.at("/admin/v1/keys", "GET", "", "").await.status, 403);
    assert_eq!(local.ask("GET", "", "").await.status, 403);
    let local = Local::start(&by_tokens(&users("operator", uid())), rules).await;
    assert_eq!(local.ask("GET", "", "").await.status, 200);
    assert_eq!(local.ask("POST", "", &order("acme", "bob", "disabled")).await.status, 403);
}

#[tokio::test]
async fn who_is_listed_changes_with_the_file() {
    let local = Local::start(&format!("auth = {{ {} }}", users("operator", uid())), "").await;
    let text = |auth: &str| at_socket(&local.issuer, &local.upstream, local.folder.path(), auth, "");
    local.gateway.reload(&text(&by_tokens(&users("operator", uid() + 1))));
    let until = tokio::time::Instant::now() + crate::support::PATIENCE;
    while local.ask("GET", "", "").await.status != 401 {
        assert!(tokio::time::Instant::now() < until, "the account is still listed");
    }
    assert_eq!(local.ask("GET", &local.bearer(&["ops"]), "").await.status, 200);
}

/// A gateway whose administrators come by TLS.
async fn over_tls(made: &Certificates, issuer: &Issuer, upstream: &Upstream, listed: &str) -> Gateway {
    let ca = made.path("ca.pem");
    let tls = made.setting(&format!(", client_ca = {ca:?}, client_auth = \"optional\""));
    let auth = by_tokens(&format!("certificates = {{ operator = [{listed}] }}"));
    Launch::file(&with_auth(&config(issuer, upstream, ""), &(tls + &auth))).start().await
}

#[tokio::test]
async fn an_operator_with_a_certificate_locks_somebody_out_while_the_identity_provider_is_away() {
    let Some(made) = Certificates::new() else { return };
    made.issue_for("client", "URI:spiffe://acme/ops,DNS:ops.acme.example");
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let digest = hex(&Sha256::digest(made.certificate("client.pem")));
    for listed in ["spiffe://acme/ops".to_owned(), "OPS.acme.example".into(), format!("sha256:{digest}")] {
        issuer.set_down(true);
        let gateway = over_tls(&made, &issuer, &upstream, &format!("{listed:?}")).await;
        let admin = admin_address(&gateway).await;
        let connected = |shows| connect(admin, made.client(shows, &["http/1.1"]));
        let call = async |shows, method: &str, headers: &str, body: &str| {
            ask(connected(shows).await.unwrap(), method, REVOCATIONS, headers, body).await
        };
        assert_eq!(call(true, "GET", "", "").await.status, 200, "{listed}");
        assert_eq!(call(true, "POST", "", &order("acme", "bob", "disabled")).await.status, 200);
        assert_eq!(call(true, "GET", "", "").await.body["revocations"][0]["user"], "bob");
        assert_eq!(call(false, "GET", "", "").await.status, 401, "without a certificate");
        assert_eq!(call(true, "GET", "Authorization: Bearer x\r\n", "").await.status, 401);
        let eve = order("acme", "eve", "disabled");
        let crossed = call(true, "POST", "Origin: https://evil.example\r\n", &eve);
        assert_eq!(crossed.await.status, 403, "a browser shows the certificate to whoever asks it to");
        let record = eventually("the call's record", || {
            gateway.records().into_iter().find(|record| record["actor"]["proof"] == "certificate")
        });
        let actor = record.await["actor"].clone();
        assert_eq!(actor["uid"], format!("x509:{digest}"));
        if !listed.starts_with("sha256:") {
            assert_eq!(actor["sub"], listed.to_lowercase());
            // By the name that is listed, whatever certificate is made for it next.
            let out = order("local", &listed.to_lowercase(), "disabled");
            assert_eq!(call(true, "POST", "", &out).await.status, 401);
            assert_eq!(call(true, "GET", "", "").await.status, 401);
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_is_nobodys() {
    let Some(made) = Certificates::new() else { return };
    made.issue_for("client", "URI:spiffe://acme/ops/deputy,DNS:ops.acme.example.evil.example");
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let listed = "\"spiffe://acme/ops\", \"ops.acme.example\"";
    let gateway = over_tls(&made, &issuer, &upstream, listed).await;
    let stream = connect(admin_address(&gateway).await, made.client(true, &["http/1.1"])).await.unwrap();
    assert_eq!(ask(stream, "GET", REVOCATIONS, "", "").await.status, 401);
}

#[tokio::test]
async fn a_listing_that_could_let_in_nobody_or_anybody_is_refused() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let tcp = |auth: &str| with_auth(&config(&issuer, &upstream, ""), auth);
    let socket = |auth: &str| at_socket(&issuer, &upstream, folder.path(), auth, "");
    let certificate = by_tokens("certificates = { operator = [\"spiffe://acme/ops\"] }");
    for (text, says) in [
        (tcp(&certificate), "admin.tls.client_ca"),
        (socket(&certificate), "admin.tls.client_ca"),
        (tcp(&by_tokens(&users("operator", 0))), "admin.listen"),
        (socket(&by_tokens("users = { operator = [\"no such account\"] }")), "/etc/passwd"),
        (socket(&by_tokens(&users("operator", 65534))), "user namespace"),
        (socket(&by_tokens(&users("god", 0))), "god"),
        (socket("auth = {}"), "admin.auth.audience"),
        (socket("auth = { users = { operator = [] } }"), "admin.auth.audience"),
        (socket(&by_tokens(&users("operator", 0))).replace("\"acme\"", "\"local\""), "\"local\""),
    ] {
        let said = Launch::file(&text).check().await;
        assert!(!said.ok && said.stderr.contains(says), "{says}: {said:?}");
    }
    let said = Launch::file(&socket(&by_tokens("users = { auditor = [\"root\"] }"))).check().await;
    assert!(said.ok && said.stdout.contains("auditor = uid 0"), "{said:?}");
}
