//! What is charged, and when.

use std::sync::Arc;
use std::time::Duration;

use attach_quota::{Limit, Rate, Scope};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_client_that_leaves_before_the_headers_pays_for_its_input() {
    let reached = Arc::new(Semaphore::new(0));
    let seen = Arc::clone(&reached);
    let server = serve(per_minute(60_000), move |_| {
        seen.add_permits(1);
        std::future::pending()
    })
    .await;
    let call = tokio::time::timeout(Duration::from_secs(60), server.post(CHAT, HELLO));
    tokio::select! {
        _ = call => panic!("nobody answers"),
        permit = reached.acquire() => drop(permit),
    }
    server.ledger.until_tokens(INPUT).await;
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_stream_that_outgrows_its_reservation_is_charged_while_it_runs() {
    let (writer, body) = stream();
    let body = std::sync::Mutex::new(Some(body));
    let body = Arc::new(body);
    let server = serve(per_minute(1000), move |_| {
        let body = body.lock().unwrap().take();
        async move { body.map_or_else(|| json("{}"), |body| typed(SSE, body)) }
    })
    .await;
    let mut running = server.post(CHAT, HELLO).await;
    for _ in 0..900 {
        writer.send(&chunk("word"));
    }
    let mut read = 0;
    while read < 900 * chunk("word").len() {
        read += running.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    assert!(server.tokens().abs_diff(INPUT + 900) <= 32, "{}", server.tokens());
    assert_eq!(server.status(CHAT, HELLO).await, 429);
    writer.send("data: [DONE]\n\n");
    running.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(server.tokens(), INPUT + 900, "settled before the completing event is seen");
}

#[tokio::test]
async fn a_request_larger_than_the_limit_is_not_refused_for_ever() {
    const USED: &str = r#"{"usage":{"prompt_tokens":30000,"completion_tokens":6000}}"#;
    let server = serve_json(per_minute(2000), USED).await;
    let body: &'static str = HELLO.replace("hello", &"hello ".repeat(20_000)).leak();
    assert_eq!(server.status(CHAT, body).await, 200);
    assert_eq!(server.tokens(), 36_000);
    let refused = server.post(CHAT, body).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1080", "36,000 at 2,000 a minute");
    server.ledger.advance(Duration::from_secs(1080));
    assert_eq!(server.status(CHAT, body).await, 200);
}

#[tokio::test]
async fn a_limit_of_two_thousand_tokens_a_minute_serves_a_run_of_small_chats() {
    const USED: &str = r#"{"usage":{"prompt_tokens":12,"completion_tokens":48}}"#;
    let server = serve_json(per_minute(2000), USED).await;
    let mut chats = 0;
    while server.status(CHAT, HELLO).await == 200 {
        chats += 1;
    }
    assert!((29..=33).contains(&chats), "{chats}");
    assert_eq!(server.tokens(), chats * 60);
    for _ in 0..20 {
        server.ledger.advance(Duration::from_secs(2));
        assert_eq!(server.status(CHAT, HELLO).await, 200, "two seconds bring 66");
    }
}

#[tokio::test]
async fn a_users_limit_holds_although_the_directory_has_one() {
    let limits = vec![
        Limit::tokens("all", Rate::per_minute(1_000_000)).each(Scope::Directory),
        Limit::tokens("each", Rate::per_minute(RESERVED)),
    ];
    let server = serve_json(limits, r#"{"usage":{"prompt_tokens":9,"completion_tokens":200}}"#).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    let refused = server.post(CHAT, HELLO).await;
    assert_eq!(refused.status(), 429);
    assert!(text(refused).await.contains("each"));
    assert_eq!(server.post_as("bob", CHAT, HELLO).await.status(), 200);
}

#[tokio::test]
async fn a_shared_limit_holds_although_each_user_has_one() {
    let limits = vec![
        Limit::tokens("each", Rate::per_minute(1_000_000)),
        Limit::tokens("all", Rate::per_minute(RESERVED)).each(Scope::Everyone),
    ];
    let server = serve_json(limits, r#"{"usage":{"prompt_tokens":9,"completion_tokens":200}}"#).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    let refused = server.post_as("bob", CHAT, HELLO).await;
    assert_eq!(refused.status(), 429);
    assert!(text(refused).await.contains("all"));
    assert_eq!(server.ledger.charged("bob", attach_quota::Unit::Tokens), 0, "all or none");
}

#[tokio::test]
async fn what_remains_goes_down_with_each_answer() {
    let server =
        serve_json(per_minute(60_000), r#"{"usage":{"prompt_tokens":3,"completion_tokens":7}}"#).await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let answer = server.post(CHAT, CAPPED).await;
        let left = answer.headers()["x-ratelimit-remaining-tokens"].to_str().unwrap().to_owned();
        text(answer).await;
        remaining.push(left.parse::<u64>().unwrap());
    }
    assert_eq!(remaining, [60_000 - 13, 60_000 - 13 - 10, 60_000 - 13 - 20]);
}
