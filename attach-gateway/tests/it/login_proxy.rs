//! `login --proxy`: programs that know no tokens call through a port of this machine.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::hosts::{HOSTS, text};
use crate::support::issuer::{now, sign};
use crate::support::{
    Alg, CHATS, Call, Gateway, Issuer, Launch, PATIENCE, Reply, Step, TempDir, Upstream, World, answer_text,
    assert_error, question,
};

/// Somebody who is logged in on a machine, and the forwarder that runs there.
struct Desk {
    place: TempDir,
    issuer: Issuer,
}

impl Desk {
    /// A place for logins, as private as they have to be.
    fn place() -> TempDir {
        let place = TempDir::new();
        std::fs::create_dir(place.path().join("login")).unwrap();
        std::fs::set_permissions(place.path().join("login"), std::fs::Permissions::from_mode(0o700)).unwrap();
        place
    }

    /// What a login leaves.
    fn keep(&self, token: &str, expires_at: u64) {
        let kept = json!({
            "issuer": self.issuer.url(), "client_id": "cli", "client_secret_env": null, "audience": null,
            "resource": null, "id_token": false, "subject": "alice", "token": token, "expires_at": expires_at,
            "refresh_token": null,
        });
        let path = self.place.write("login/one.json", &kept.to_string());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Launch {
        let dir = self.place.path().join("login").display().to_string();
        Launch::bare().set("ATTACH_LOGIN_DIR", &dir).arguments(words)
    }

    /// Starts the forwarder.
    async fn forward(&self, gateway: &str) -> (Gateway, SocketAddr) {
        self.forward_to(&[gateway]).await
    }

    async fn forward_to(&self, gateway: &[&str]) -> (Gateway, SocketAddr) {
        let words = ["login", "--proxy", "127.0.0.1:0", "--server"];
        let forwarder = self.command(&words).arguments(gateway).spawn();
        let address = |line: &str| {
            line.split_once("http://").and_then(|(_, rest)| rest.split_once(" forwards to "))?.0.parse().ok()
        };
        let here = forwarder.stderr.find("where it listens", address).await;
        (forwarder, here)
    }
}

/// What comes back for these bytes, until the other side has said something.
async fn raw(to: SocketAddr, bytes: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

async fn world(upstream: Upstream) -> (World, Desk) {
    let world = World::with(upstream, |launch| launch).await;
    let desk = Desk { place: Desk::place(), issuer: Issuer::start().await };
    desk.keep(&world.issuer.token("alice", &[]), now() + 300);
    (world, desk)
}

#[tokio::test]
async fn a_program_without_a_token_calls_as_whoever_is_logged_in() {
    let (world, desk) = world(Upstream::model().await).await;
    let (mut forwarder, here) = desk.forward(&world.gateway.url()).await;
    // What such programs send in the place of a key takes no part.
    for (name, value) in [("X-Nothing", "x"), ("Authorization", "Bearer ollama"), ("x-api-key", "sk-none")] {
        for path in CHATS {
            let call = Call::new(here, "POST", path).header(name, value);
            let answer = call.json(&question(path, "llama3", "hello")).send().await.expect(200);
            assert_eq!(answer_text(&answer.text()), "You said: hello");
            assert_eq!(answer.header("x-attach-user"), Some("alice"));
        }
    }
    Call::new(here, "HEAD", "/").send().await.expect(200);
    let refused = Call::new(here, "POST", CHATS[0]).body("{").send().await.expect(400);
    assert!(refused.header("x-request-id").is_some(), "the gateway's own answer");
    forwarder.terminate();
    assert!(forwarder.ended().await.success(), "{}", forwarder.stderr.text());
}

#[tokio::test]
async fn pieces_of_an_answer_pass_as_they_come() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let upstream = Upstream::with(move |_| {
        let event = |text: &str| {
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
            Step::Send(format!("data: {chunk}\n\n").into())
        };
        let end = Step::Send("data: [DONE]\n\n".into());
        Reply::stream(
            "text/event-stream",
            vec![event("first"), Step::Await(Arc::clone(&wait)), event("second"), end],
        )
    });
    let (world, desk) = world(upstream.await).await;
    let (_forwarder, here) = desk.forward(&world.gateway.url()).await;
    let mut body = question(CHATS[0], "llama3", "hello");
    body["stream"] = true.into();
    let mut answer = Call::new(here, "POST", CHATS[0]).json(&body).stream().await;
    // The model server says no more before somebody has seen the first piece.
    answer.until("first").await;
    go.notify_one();
    answer.until("second").await;
}

#[tokio::test]
async fn pages_of_a_browser_and_names_that_were_made_to_lead_here_are_refused() {
    let (world, desk) = world(Upstream::model().await).await;
    let (_forwarder, here) = desk.forward(&world.gateway.url()).await;
    let ask = |name: &str, value: &str| Call::new(here, "GET", "/v1/models").header(name, value);
    let origin = ask("Origin", "https://evil.example").send().await.expect(403);
    assert_eq!(origin.code(), "origin_not_allowed");
    ask("Sec-Fetch-Site", "cross-site").send().await.expect(403);
    ask("Sec-Fetch-Site", "none").send().await.expect(200);
    let host = raw(here, "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert!(host.starts_with("HTTP/1.1 421"), "{host}");
    let elsewhere = "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let proxied = raw(here, elsewhere).await;
    assert!(proxied.starts_with("HTTP/1.1 421"), "{proxied}");
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn whoever_is_not_logged_in_hears_it_at_the_start_and_while_it_runs() {
    let (world, desk) = world(Upstream::model().await).await;
    let (forwarder, here) = desk.forward(&world.gateway.url()).await;
    Call::new(here, "GET", "/v1/models").send().await.expect(200);
    // The token ends, and there is nothing to get another one with.
    desk.keep(&sign(Alg::Rs256, &world.issuer.claims("alice", &[])), now());
    let until = tokio::time::Instant::now() + PATIENCE;
    let refused = loop {
        let answer = Call::new(here, "GET", "/v1/models").send().await;
        if answer.status != 200 {
            break answer.expect(401);
        }
        assert!(tokio::time::Instant::now() < until, "waited in vain for the end of the token");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(refused.code(), "not_logged_in");
    forwarder.stderr.line("log in again").await;
    let words = ["login", "--proxy", "127.0.0.1:0", "--server", &world.gateway.url()];
    let said = desk.command(&words).run().await;
    assert!(said.code == Some(3) && said.stderr.contains("log in again"), "{said:?}");
}

#[tokio::test]
async fn a_gateway_that_is_away_is_said_in_the_programs_own_shape() {
    let (_world, desk) = world(Upstream::model().await).await;
    let (_forwarder, here) = desk.forward("http://127.0.0.1:9").await;
    for path in CHATS {
        let call = Call::new(here, "POST", path).json(&question(path, "llama3", "hello"));
        let away = call.send().await.expect(502);
        assert_error(path, &away.json(), "gateway_unreachable");
    }
}

#[tokio::test]
async fn it_forwards_to_a_gateway_at_a_socket_by_one_of_its_names() {
    let (acme, globex) = (Issuer::start().await, Issuer::start().await);
    let (upstream, folder) = (Upstream::model().await, TempDir::new());
    let server = format!("unix:{}", folder.path().join("calls").display());
    let file = text(&acme, &globex, &upstream, &format!("[server]\nlisten = {server:?}\n{HOSTS}"));
    let gateway = Launch::file(&file).without_port().spawn();
    gateway.stderr.line("is listening").await;
    let desk = Desk { place: Desk::place(), issuer: Issuer::start().await };
    desk.keep(&acme.token("alice", &[]), now() + 300);
    let (_named, here) = desk.forward_to(&[&server, "--host", "acme.example"]).await;
    for _ in 0..2 {
        let call = Call::new(here, "POST", CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello"));
        let answer = call.send().await.expect(200);
        assert_eq!(answer.header("x-attach-user"), Some("alice"));
    }
    let (_unnamed, here) = desk.forward(&server).await;
    Call::new(here, "GET", "/v1/models").send().await.expect(421);
}
