use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};

use super::certificates::{Certificates, connect_over, post};
use super::file;
use crate::support::raw::{Heard, head, hear, send};
use crate::support::{CHATS, Issuer, Launch, PATIENCE, TempDir, Upstream, World, question};

const LISTED: &str = "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\nproxy_protocol = true\n";

async fn world(more: &str) -> World {
    World::file(Upstream::model().await, &file(&format!("{LISTED}{more}"))).await
}

/// Version 2: a command, and a client at 192.0.2.7 over IPv4.
fn binary(command: u8) -> Vec<u8> {
    let addresses = [192, 0, 2, 7, 127, 0, 0, 1, 0xDC, 0x04, 0x01, 0xBB];
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, 0x11, 0, 12], &addresses].concat()
}

fn line(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 127.0.0.1 4711 443\r\n").into_bytes()
}

/// A question after whatever a proxy says, with more headers.
fn call(world: &World, said: &[u8], headers: &[&str]) -> Vec<u8> {
    let body = question(CHATS[0], "m", "hello").to_string();
    let (bearer, length) = (
        format!("Authorization: Bearer {}", world.token("alice")),
        format!("Content-Length: {}", body.len()),
    );
    let headers = [headers, &[&*bearer, &*length, "Connection: close"]].concat();
    [said, head("POST", CHATS[0], &headers).as_bytes(), body.as_bytes()].concat()
}

/// The address that the log has for the one call that was made so far.
fn address(world: &World, heard: &Heard) -> String {
    assert_eq!(heard.statuses(), [200], "{heard:?}");
    let records = world.gateway.records();
    let intent = records.iter().rfind(|record| record["kind"] == "intent").unwrap();
    intent["src"]["ip"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_listed_proxy_says_for_whom_it_connects() {
    let world = world("").await;
    let six = b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n".to_vec();
    for (said, client) in [
        (line("192.0.2.7"), "192.0.2.7"),
        (six, "2001:db8::7"),
        (binary(0x21), "192.0.2.7"),
        (binary(0x20), "127.0.0.1"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ] {
        let heard = send(world.gateway.addr, call(&world, &said, &[])).await;
        assert_eq!(address(&world, &heard), client, "{}", String::from_utf8_lossy(&said));
    }
}

#[tokio::test]
async fn a_header_of_a_request_counts_only_when_the_named_client_is_a_proxy() {
    let world = world("").await;
    let forwarded = ["Forwarded: for=203.0.113.9"];
    for (said, client) in [
        (line("192.0.2.7"), "192.0.2.7"),
        (line("10.1.2.3"), "203.0.113.9"),
        // Who is at the other end is not known, and so might write what it likes.
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (binary(0x20), "127.0.0.1"),
    ] {
        let heard = send(world.gateway.addr, call(&world, &said, &forwarded)).await;
        assert_eq!(address(&world, &heard), client, "{}", String::from_utf8_lossy(&said));
    }
}

#[tokio::test]
async fn a_connection_without_the_header_is_closed_without_a_word() {
    let world = world("").await;
    for said in
        [&b""[..], b"PROXY TCP4 192.0.2.7\r\n", b"PROXY UNKNOWN\n", b"PRI * HTTP/2.0\r\n\r\n", &binary(0x22)]
    {
        let heard = send(world.gateway.addr, call(&world, said, &[])).await;
        assert!(heard.closed && heard.text.is_empty(), "{heard:?}");
    }
    world.gateway.stderr.line("no PROXY protocol header").await;
    assert!(
        world.upstream.seen().is_empty() && !world.gateway.records().iter().any(|r| r["kind"] == "intent")
    );
    let twice = [line("192.0.2.7"), line("192.0.2.8")].concat();
    let heard = send(world.gateway.addr, call(&world, &twice, &[])).await;
    heard.expect_closed(400);
}

#[tokio::test]
async fn nobody_else_connects() {
    let listed = LISTED.replace("\"127.0.0.1\", ", "");
    let world = World::file(Upstream::model().await, &file(&listed)).await;
    for said in [Vec::new(), line("10.1.2.3"), binary(0x21)] {
        let heard = send(world.gateway.addr, call(&world, &said, &[])).await;
        assert!(heard.closed && heard.text.is_empty(), "{heard:?}");
    }
    world.gateway.stderr.line("not from server.trusted_proxies").await;
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn where_it_is_off_the_header_is_no_http() {
    let world = World::file(Upstream::model().await, &file("")).await;
    let heard = send(world.gateway.addr, call(&world, &line("192.0.2.7"), &[])).await;
    heard.expect_closed(400);
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte() {
    let world = world("").await;
    for said in [line("192.0.2.7"), binary(0x21)] {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in call(&world, &said, &[]) {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(address(&world, &hear(&mut stream).await), "192.0.2.7");
    }
}

#[tokio::test]
async fn a_header_that_does_not_come_in_time_is_given_up() {
    let world = world("timeout = { handshake = \"300ms\" }").await;
    for said in [&b""[..], b"PROXY TCP4 192.0.2.7 ", &binary(0x21)[..20]] {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        stream.write_all(said).await.unwrap();
        let heard = hear(&mut stream).await;
        assert!(heard.closed && heard.text.is_empty(), "{heard:?}");
    }
    let heard = send(world.gateway.addr, call(&world, &line("192.0.2.7"), &[])).await;
    assert_eq!(address(&world, &heard), "192.0.2.7", "everybody else is served");
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_however_many_its_proxy_has() {
    let world = world("max_connections_per_address = 1").await;
    let open = async |client: &str| {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        let request = [line(client), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()].concat();
        stream.write_all(&request).await.unwrap();
        let mut first = [0; 12];
        let read = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first);
        let answered = tokio::time::timeout(PATIENCE, read).await.expect("an answer, or an end").is_ok();
        (stream, answered)
    };
    let (_first, answered) = open("192.0.2.7").await;
    assert!(answered);
    assert!(!open("192.0.2.7").await.1, "one more of the same address");
    assert!(open("192.0.2.8").await.1, "another");
    assert!(open("10.1.2.3").await.1 && open("10.1.2.3").await.1, "a proxy");
}

#[tokio::test]
async fn a_rule_about_networks_goes_by_the_named_address() {
    let rules = "[[access.allow]]\nid = \"office\"\nmodels = [\"*\"]\nnetworks = [\"192.0.2.0/24\"]\n";
    let text = file(LISTED).replace("[access]\ndefault = \"allow\"\n", rules);
    let world = World::file(Upstream::model().await, &text).await;
    for (client, status) in [("192.0.2.7", 200), ("198.51.100.7", 403)] {
        let heard = send(world.gateway.addr, call(&world, &line(client), &[])).await;
        assert_eq!(heard.statuses(), [status], "{client}");
    }
}

#[tokio::test]
async fn the_header_comes_before_the_handshake() {
    let Some(made) = Certificates::new() else { return };
    let listed = "trusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = true\n";
    let world = World::file(Upstream::model().await, &file(&(made.setting("") + listed))).await;
    let body = question(CHATS[0], "m", "hello");
    for (said, client) in [(line("192.0.2.7"), "192.0.2.7"), (binary(0x21), "192.0.2.7")] {
        for version in ["h2", "http/1.1"] {
            let stream = said_first(world.gateway.addr, &said).await;
            let stream = connect_over(stream, made.client(false, &[version])).await.unwrap();
            let told = post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap();
            assert_eq!(told.status, 200);
            let records = world.gateway.records();
            let intent = records.iter().rfind(|record| record["kind"] == "intent").unwrap();
            assert_eq!(intent["src"]["ip"], client, "{intent}");
        }
    }
    let stream = said_first(world.gateway.addr, b"").await;
    assert!(connect_over(stream, made.client(false, &["h2"])).await.is_err(), "a handshake is no header");
}

async fn said_first(addr: SocketAddr, said: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(said).await.unwrap();
    stream
}

#[tokio::test]
async fn at_a_socket_in_the_file_system_everybody_is_such_a_proxy() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let path = folder.path().join("s");
    let text = file(&format!("listen = \"unix:{}\"\nproxy_protocol = true\n", path.display()))
        .replace("{ISSUER}", issuer.url())
        .replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).without_port().spawn();
    gateway.stderr.line("is listening").await;
    let world = World { issuer, upstream, gateway };
    for (said, status) in [(line("192.0.2.7"), "HTTP/1.1 200"), (Vec::new(), "")] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let _ = stream.write_all(&call(&world, &said, &["Forwarded: for=203.0.113.9"])).await;
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(status) && answer.is_empty() == status.is_empty(), "{answer}");
    }
    let records = world.gateway.records();
    let intents: Vec<_> = records.iter().filter(|record| record["kind"] == "intent").collect();
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0]["src"]["ip"], "192.0.2.7");
}

#[tokio::test]
async fn a_health_check_asks_where_no_header_is_needed() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let port = crate::support::tools::free_port();
    let text = |more: &str| {
        let text = file(&format!("{LISTED}{more}"));
        text.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url())
    };
    let said = Launch::file(&text("")).without_port().command(&["healthcheck"]).await;
    assert!(!said.ok && said.stderr.contains("set server.telemetry_listen"), "{said:?}");
    let listening = text(&format!("telemetry_listen = \"127.0.0.1:{port}\"\n"));
    let gateway = Launch::file(&listening).start().await;
    let asked = || Launch::file(&listening).without_port().command(&["healthcheck"]);
    let until = tokio::time::Instant::now() + PATIENCE;
    while !asked().await.ok {
        assert!(tokio::time::Instant::now() < until, "never ready: {}", gateway.stderr.text());
    }
}

#[tokio::test]
async fn curl_sends_what_is_understood() {
    let Some(()) = crate::support::tools::program("curl") else { return };
    let world = world("").await;
    let output = tokio::process::Command::new("curl")
        .args(["-sS", "--haproxy-protocol", "--data", &question(CHATS[0], "m", "hello").to_string()])
        .args(["-H", &format!("Authorization: Bearer {}", world.token("alice"))])
        .arg(world.gateway.url() + CHATS[0])
        .output()
        .await
        .unwrap();
    assert!(output.status.success() && world.upstream.seen().len() == 1, "{output:?}");
}
