//! HTTP as some clients speak it.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{CHATS, Upstream, World, answer_text, eventually, question, streamed, wire};

#[tokio::test]
async fn http_2_works_without_tls_too() {
    let world = World::start().await;
    let stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let requests = CHATS.map(|path| {
        let request = Request::post(format!("http://{}{path}", world.gateway.addr))
            .header("authorization", format!("Bearer {}", world.token("alice")))
            .header("x-attach-user", "root")
            .body(Full::new(Bytes::from(streamed(path, "m", "mail jane.doe@example.com").to_string())));
        tokio::spawn(client.send_request(request.unwrap()))
    });
    for request in requests {
        let answer = request.await.unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-attach-user"], "alice");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(answer_text(&String::from_utf8_lossy(&body)), "You said: mail jane.doe@example.com");
    }
    assert!(world.upstream.seen().iter().all(|seen| !seen.everything().contains("root")));
}

#[tokio::test]
async fn http_1_0_gets_a_whole_answer() {
    let world = World::start().await;
    let body = streamed(CHATS[0], "m", "hello").to_string();
    let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.0\r\nAuthorization: bearer {}\r\nContent-Length: {}\r\n\r\n",
        CHATS[0],
        world.token("alice"),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 ") && !head.to_ascii_lowercase().contains("chunked"), "{head}");
    assert_eq!(answer_text(body), "You said: hello");
}

#[tokio::test]
async fn a_large_body_that_waits_for_leave_gets_it() {
    let world = World::start().await;
    let body = question(CHATS[0], "m", &"words and ".repeat(200_000));
    let call = world.post(CHATS[0]).header("Expect", "100-continue").json(&body);
    call.send().await.expect(200);
    assert_eq!(world.upstream.only().body.len(), body.to_string().len());
}

#[tokio::test]
async fn a_query_goes_no_further_and_is_in_no_log() {
    let world = World::start().await;
    let path = "/v1/messages?beta=true&canary=jane.doe@example.com";
    let answer = world.post(path).json(&question("/v1/messages", "m", "hello")).send().await.expect(200);
    assert_eq!(world.upstream.only().path, "/v1/messages");
    assert_eq!(world.gateway.trail(&answer.id()).outcome()["route"]["path"], "/v1/messages");
    assert!(!format!("{:?}", world.gateway.records()).contains("canary"));
}

#[tokio::test]
async fn an_upstreams_own_path_stays_in_front() {
    let upstream = Upstream::with(|seen| {
        let mut seen = seen.clone();
        seen.path = seen.path.strip_prefix("/gateway/openai").expect("the path in front").to_owned();
        wire::model(&seen)
    })
    .await;
    let place = format!("{}/gateway/openai/v1/", upstream.url());
    let world = World::with(upstream, |launch| launch.set("ENGINE_URL", &place)).await;
    world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
    assert_eq!(world.upstream.only().path, "/gateway/openai/v1/chat/completions");
    world.get("/v1/models").send().await.expect(200);
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_no_further_and_is_on_record() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 500\r\n\r\n{{\"model\":",
        CHATS[0],
        world.token("alice")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    let record = eventually("a record", || {
        world.gateway.records().into_iter().find(|record| record["kind"] == "reject")
    })
    .await;
    let reason = record["decision"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason == "body_incomplete" || record["end"] == "client_abort", "{record}");
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn what_is_no_http_is_answered_or_dropped_and_harms_nobody() {
    let world = World::start().await;
    for nonsense in
        ["\x16\x03\x01\x02\x00\x01\x00\x01", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n\0\0\0\0"]
    {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{answer}"
        );
    }
    world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
}

#[tokio::test]
async fn more_headers_than_anybody_needs_are_refused() {
    let world = World::start().await;
    let many = (0..200).fold(world.post(CHATS[0]), |call, number| call.header(&format!("x-{number}"), "1"));
    assert_eq!(many.json(&question(CHATS[0], "m", "hello")).send().await.status, 431);
    let long = world.post(CHATS[0]).header("x-long", &"x".repeat(100_000));
    assert_eq!(long.json(&question(CHATS[0], "m", "hello")).send().await.status, 431);
    assert!(world.upstream.seen().is_empty());
}
