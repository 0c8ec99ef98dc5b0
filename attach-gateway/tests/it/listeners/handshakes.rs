//! Handshakes that did not come about are counted by why.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::certificates::{Certificates, connect, post};
use super::file;
use crate::support::{CHATS, Call, PATIENCE, Upstream, World, question};

async fn metrics(world: &World) -> String {
    let addr = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["fields"]["telemetry"].as_str()?.parse().ok()
    };
    let addr = world.gateway.stderr.find("the telemetry address", addr).await;
    Call::new(addr, "GET", "/metrics").send().await.expect(200).text()
}

/// How many there were for this reason.
async fn refused(world: &World, reason: &str) -> u64 {
    let metrics = metrics(world).await;
    let ours = |line: &&str| {
        line.starts_with("attach_server_handshakes_refused_total{")
            && line.contains("attach_server_listener=\"data\"")
            && line.contains(&format!("attach_server_handshake_reason=\"{reason}\""))
    };
    let line = metrics.lines().find(ours).unwrap_or_else(|| panic!("no {reason}: {metrics}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

async fn until_refused(world: &World, reason: &str, times: u64) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while refused(world, reason).await < times {
        assert!(tokio::time::Instant::now() < until, "never: {reason}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Shakes hands and asks; whether there was an answer.
async fn served(world: &World, client: rustls::ClientConfig) -> bool {
    let Ok(stream) = connect(world.gateway.addr, client).await else { return false };
    let body = question(CHATS[0], "m", "hello");
    post(stream, CHATS[0], &world.token("alice"), &body).await.is_ok()
}

#[tokio::test]
async fn handshakes_that_fail_are_counted_by_why() {
    let (Some(made), Some(other)) = (Certificates::new(), Certificates::new()) else { return };
    made.issue("revoked");
    made.revoke(&["revoked"], 30);
    let (ca, list) = (made.path("ca.pem"), made.path("list.pem"));
    let tls = made.setting(&format!(", client_ca = {ca:?}, client_crl = [{list:?}]"));
    let server = format!("{tls}timeout = {{ handshake = \"5s\" }}\ntelemetry_listen = \"127.0.0.1:0\"\n");
    let world = World::file(Upstream::model().await, &file(&server)).await;
    let reasons = ["no_certificate", "revoked", "untrusted", "client", "protocol", "broken", "timeout"];
    for reason in reasons.iter().chain(&["expired", "revocation_unknown"]) {
        assert_eq!(refused(&world, reason).await, 0, "{reason} is there from the start");
    }
    assert!(served(&world, made.client(true, &["http/1.1"])).await);

    assert!(!served(&world, made.client(false, &["http/1.1"])).await);
    until_refused(&world, "no_certificate", 1).await;
    // It is shown instead of the client's own.
    let show = |from: &std::path::Path, key: &std::path::Path| {
        std::fs::copy(from, made.path("client.pem")).unwrap();
        std::fs::copy(key, made.path("client.key")).unwrap();
    };
    show(&made.path("revoked.pem"), &made.path("revoked.key"));
    assert!(!served(&world, made.client(true, &["http/1.1"])).await);
    until_refused(&world, "revoked", 1).await;
    show(&other.path("client.pem"), &other.path("client.key"));
    assert!(!served(&world, made.client(true, &["http/1.1"])).await);
    until_refused(&world, "untrusted", 1).await;
    assert!(!served(&world, other.client(true, &["http/1.1"])).await, "it does not believe the gateway");
    until_refused(&world, "client", 1).await;
    let mut clear = TcpStream::connect(world.gateway.addr).await.unwrap();
    clear.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let _ = clear.read_to_end(&mut Vec::new()).await;
    until_refused(&world, "protocol", 1).await;
    drop(TcpStream::connect(world.gateway.addr).await.unwrap());
    until_refused(&world, "broken", 1).await;
    let _silent = TcpStream::connect(world.gateway.addr).await.unwrap();
    until_refused(&world, "timeout", 1).await;
    // A slow machine may have taken too long for another one.
    for reason in reasons.iter().filter(|reason| **reason != "timeout") {
        assert_eq!(refused(&world, reason).await, 1, "{reason}");
    }
}
