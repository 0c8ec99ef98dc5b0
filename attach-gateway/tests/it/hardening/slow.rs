//! Clients that take their time.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::wire::openai::chat_chunk;
use crate::support::{CHATS, Reply, Step, Upstream, World, eventually, raw, streamed};

const FILE: &str = r#"
    [server]
    timeout = { head = "400ms", body = "400ms", write = "1s" }
    [[issuer]]
    issuer = "{ISSUER}"
    audience = ["api://attach-test"]
    [[upstream]]
    name = "m"
    kind = "openai"
    trusted = true
    url = "{UPSTREAM}"
    [access]
    default = "allow"
"#;

/// Sends a byte now and then, for as long as it is let.
async fn trickle(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_a_408() {
    let world = World::file(Upstream::model().await, FILE).await;
    let head = raw::head("POST", CHATS[0], &[&format!("X-Long: {}", "x".repeat(1000))]);
    for already in [0, 60] {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        let (at_once, slowly) = head.as_bytes().split_at(already);
        stream.write_all(at_once).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let sending = async {
            for byte in slowly {
                if write.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let hearing = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
        let _ = tokio::select! { heard = hearing => heard.map(drop), () = sending => Ok(()) };
        assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    // Who says nothing at all is told nothing.
    let mut silent = TcpStream::connect(world.gateway.addr).await.unwrap();
    let heard = raw::hear(&mut silent).await;
    assert!(heard.closed && heard.text.is_empty(), "{}", heard.text);
}

#[tokio::test]
async fn a_connection_that_waits_between_requests_is_closed_without_a_word() {
    let world = World::file(Upstream::model().await, FILE).await;
    let heard = raw::send(world.gateway.addr, raw::head("GET", "/healthz", &[])).await;
    heard.expect_closed(200);
}

#[tokio::test]
async fn a_body_that_pauses_is_a_408_and_on_record() {
    let world = World::file(Upstream::model().await, FILE).await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    let head = raw::head("POST", CHATS[0], &[&bearer, "Content-Length: 1000"]);
    stream.write_all((head + "{\"model\":").as_bytes()).await.unwrap();
    trickle(&mut stream, b"\"m\",").await;
    let heard = raw::hear(&mut stream).await;
    heard.expect_closed(408);
    assert!(heard.text.contains("body_timeout"), "{}", heard.text);
    let refused = |record: &Value| record["decision"]["reason"] == "body_timeout";
    eventually("the refusal's record", || world.gateway.records().iter().any(refused).then_some(())).await;
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up_and_on_record() {
    let upstream = Upstream::with(|_| {
        let piece = chat_chunk("m", &json!({"content": "x".repeat(60_000)}), &Value::Null);
        Reply::stream("text/event-stream", (0..4000).map(|_| Step::Send(piece.clone().into())).collect())
    })
    .await;
    let world = World::file(upstream, FILE).await;
    let answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", "write")).stream().await;
    let id = answer.id();
    let trail = world.gateway.finished(&id).await;
    assert_eq!(trail.end(), "client_abort");
    // What the model server sent stayed in sockets, not in the gateway.
    assert!(world.gateway.peak() < 400, "{} MiB", world.gateway.peak());
    world.upstream.abandoned().await;
    drop(answer);
}
