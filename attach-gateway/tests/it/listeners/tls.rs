use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Version;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certificates::{Certificates, connect, post, shown};
use super::file;
use crate::support::{CHATS, PATIENCE, Upstream, World, question};

async fn world(certificates: &Certificates, more: &str) -> World {
    World::file(Upstream::model().await, &file(&certificates.setting(more))).await
}

#[tokio::test]
async fn tls_speaks_both_versions_of_http() {
    let Some(made) = Certificates::new() else { return };
    let world = world(&made, "").await;
    let body = question(CHATS[0], "m", "hello");
    for (offered, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let stream = connect(world.gateway.addr, made.client(false, offered)).await.unwrap();
        let told = post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap();
        assert_eq!((told.status, told.version), (200, version), "{}", String::from_utf8_lossy(&told.body));
    }
    let records = world.gateway.records();
    let outcome = records.iter().rfind(|record| record["kind"] == "outcome").unwrap().to_string();
    assert!(outcome.contains("TLSv1.3"), "{outcome}");
    assert!(!world.gateway.stderr.text().contains("CLEAR TEXT"));
}

#[tokio::test]
async fn clear_text_on_a_listener_with_tls_is_answered_by_nobody_and_harms_nobody() {
    let Some(made) = Certificates::new() else { return };
    let world = World::file(
        Upstream::model().await,
        &file(&(made.setting("") + "timeout = { handshake = \"300ms\" }")),
    )
    .await;
    // Somebody who shakes no hands keeps nobody else waiting.
    let silent = TcpStream::connect(world.gateway.addr).await.unwrap();
    let mut plain = TcpStream::connect(world.gateway.addr).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
    let stream = connect(world.gateway.addr, made.client(false, &["h2"])).await.unwrap();
    let body = question(CHATS[0], "m", "hello");
    assert_eq!(post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap().status, 200);
    let mut silent = silent;
    let ended = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "a handshake that never begins is given up");
}

#[tokio::test]
async fn a_client_without_a_certificate_stays_outside_where_one_is_required() {
    let Some(made) = Certificates::new() else { return };
    let ca = made.path("ca.pem");
    let world = world(&made, &format!(", client_ca = {ca:?}, client_auth = \"required\"")).await;
    let body = question(CHATS[0], "m", "hello");
    let stream = connect(world.gateway.addr, made.client(true, &["h2"])).await.unwrap();
    assert_eq!(post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap().status, 200);
    let records = world.gateway.records();
    let intent = records.iter().rfind(|record| record["kind"] == "intent").unwrap().to_string();
    let digest: String =
        Sha256::digest(made.certificate("client.pem")).iter().map(|b| format!("{b:02x}")).collect();
    assert!(intent.contains(&digest) || intent.contains("client_cert"), "{intent}");
    // In TLS 1.3 the client learns of it with what it reads first.
    let refused = match connect(world.gateway.addr, made.client(false, &["h2"])).await {
        Err(_) => true,
        Ok(stream) => post(stream, CHATS[0], &world.token("alice"), &body).await.is_err(),
    };
    assert!(refused);
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_good_with_it_alone() {
    let Some(made) = Certificates::new() else { return };
    let ca = made.path("ca.pem");
    let world = world(&made, &format!(", client_ca = {ca:?}, client_auth = \"optional\"")).await;
    let body = question(CHATS[0], "m", "hello");
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(made.certificate("client.pem")));
    let bound = world.issuer.token_with("cnf", json!({"x5t#S256": digest}));
    let other = world.issuer.token_with("cnf", json!({"x5t#S256": URL_SAFE_NO_PAD.encode([7; 32])}));
    for (shows, token, status) in [
        (true, &bound, 200),
        (false, &bound, 401),
        (true, &other, 401),
        (false, &world.token("alice"), 200),
        (true, &world.token("alice"), 200),
    ] {
        let stream = connect(world.gateway.addr, made.client(shows, &["http/1.1"])).await.unwrap();
        assert_eq!(post(stream, CHATS[0], token, &body).await.unwrap().status, status, "{shows}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_breaking_a_connection() {
    let Some(made) = Certificates::new() else { return };
    let world = world(&made, "").await;
    let old = made.certificate("server.pem");
    let stream = connect(world.gateway.addr, made.client(false, &["http/1.1"])).await.unwrap();
    assert_eq!(shown(stream.get_ref().1), old);
    // Between the two writes key and certificate do not belong together.
    made.issue("server");
    let new = made.certificate("server.pem");
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let stream = connect(world.gateway.addr, made.client(false, &["http/1.1"])).await.unwrap();
        let now = shown(stream.get_ref().1);
        if now == new {
            break;
        }
        assert_eq!(now, old, "one of the two");
        assert!(tokio::time::Instant::now() < until, "the old one is still shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let body = question(CHATS[0], "m", "hello");
    assert_eq!(post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap().status, 200);
    // What makes no sense changes nothing.
    std::fs::write(made.path("server.pem"), "no certificate").unwrap();
    world.gateway.stderr.line("certificate not reloaded").await;
    let stream = connect(world.gateway.addr, made.client(false, &["http/1.1"])).await.unwrap();
    assert_eq!(shown(stream.get_ref().1), new);
}

#[tokio::test]
async fn a_certificate_that_makes_no_sense_is_named_at_the_start() {
    let Some(made) = Certificates::new() else { return };
    let issuer = crate::support::Issuer::start().await;
    let upstream = Upstream::model().await;
    let text = |setting: &str| {
        file(setting).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url())
    };
    for (name, wrong) in
        [("server.pem", "client.key"), ("server.key", "client.key"), ("server.pem", "missing.pem")]
    {
        let setting = made.setting("").replace(name, wrong);
        let said = crate::support::Launch::file(&text(&setting)).refusal().await;
        assert!(
            said.contains("listening address") && said.contains(".pem") || said.contains(".key"),
            "{said}"
        );
    }
}
