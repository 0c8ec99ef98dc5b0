//! The orderly end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::{CHATS, Launch, Upstream, World, eventually, question, streamed};

#[tokio::test]
async fn a_running_stream_finishes_and_nobody_else_comes_in() {
    let told = Arc::new(Notify::new());
    let mut world = World::with(Upstream::until(&told).await, |launch| launch).await;
    let mut answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", "count")).stream().await;
    answer.until("one").await;
    let id = answer.id();
    world.gateway.terminate();
    world.gateway.stderr.line("stopping").await;
    let addr = world.gateway.addr;
    let refused = TcpStream::connect(addr).await;
    assert!(refused.is_err(), "still listening");
    told.notify_waiters();
    let rest = answer.whole().await;
    assert!(!rest.broken);
    assert!(rest.text().contains("two") && rest.text().ends_with("data: [DONE]\n\n"), "{}", rest.text());
    assert_eq!(world.gateway.ended().await.code(), Some(0));
    let trail = world.gateway.trail(&id);
    assert_eq!(trail.end(), "complete");
    assert_eq!(world.gateway.records().pop().unwrap()["kind"], "stop");
    let folder = world.gateway.audit_folder().display().to_string();
    assert!(Launch::bare().arguments(&["audit", "verify", &folder]).run().await.ok);
}

#[tokio::test]
async fn a_stop_right_after_the_start_is_an_orderly_end_too() {
    for _ in 0..5 {
        let mut world = World::start().await;
        world.gateway.stop_and_verify().await;
        assert_eq!(world.gateway.records().pop().unwrap()["kind"], "stop");
    }
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_the_end() {
    let mut world = World::start().await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).stream().await;
    let (answer, _connection) = answer.whole_and_connection().await;
    answer.expect(200);
    let _silent = TcpStream::connect(world.gateway.addr).await.unwrap();
    let since = Instant::now();
    world.gateway.terminate();
    assert_eq!(world.gateway.ended().await.code(), Some(0));
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
}

#[tokio::test]
async fn what_does_not_finish_in_time_over_http_2_is_on_record_too() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let mut world = World::file(Upstream::until(&Arc::new(Notify::new())).await, SHORT).await;
    let stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let body = streamed(CHATS[0], "m", "count").to_string();
    let request = http::Request::post(format!("http://{}{}", world.gateway.addr, CHATS[0]))
        .header("authorization", format!("Bearer {}", world.token("alice")))
        .body(Full::new(bytes::Bytes::from(body)));
    let mut answer = client.send_request(request.unwrap()).await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    answer.frame().await.unwrap().unwrap();
    world.gateway.terminate();
    assert_eq!(world.gateway.ended().await.code(), Some(0));
    let trail = world.gateway.trail(&id);
    assert_eq!(trail.kinds(), ["intent", "outcome"], "{trail:?}");
}

const SHORT: &str = r#"
    [server]
    drain = "300ms"
    [[issuer]]
    issuer = "{ISSUER}"
    audience = ["api://attach-test"]
    [[upstream]]
    name = "slow"
    kind = "openai"
    url = "{UPSTREAM}"
    [access]
    default = "allow"
"#;

#[tokio::test]
async fn what_does_not_finish_in_time_is_broken_off_and_on_record() {
    let told = Arc::new(Notify::new());
    let mut world = World::file(Upstream::until(&told).await, SHORT).await;
    let mut answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", "count")).stream().await;
    answer.until("one").await;
    let id = answer.id();
    world.gateway.terminate();
    assert_eq!(world.gateway.ended().await.code(), Some(0));
    answer.whole().await;
    let trail = eventually("the outcome", || Some(world.gateway.trail(&id))).await;
    assert_eq!(trail.kinds(), ["intent", "outcome"], "{trail:?}");
    assert_ne!(trail.end(), "complete");
}
