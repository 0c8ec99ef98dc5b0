//! What users of other gateways complain about, each as a test that shows we don't.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attach_quota::{Limit, Rate, Scope};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn usage_is_not_lost_when_the_client_disconnects() {
    let server = serve(per_minute(60_000), |_| async {
        let (stream, body) = stream();
        for _ in 0..300 {
            stream.send(&chunk("word"));
        }
        // The upstream says no more, and does not end.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        });
        typed(SSE, body)
    })
    .await;
    let mut answer = server.post(CHAT, HELLO).await;
    let mut read = 0;
    while read < 300 * chunk("word").len() {
        let frame = answer.body_mut().frame().await.unwrap().unwrap();
        read += frame.into_data().unwrap().len();
    }
    assert!(server.tokens() >= RESERVED);
    drop(answer);
    server.ledger.until_tokens(INPUT + 300).await;
    assert_eq!(server.requests(), 1);
}

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
async fn a_token_limit_holds_on_streams() {
    let stream = (0..500).map(|_| chunk("word")).collect::<String>() + "data: [DONE]\n\n";
    let server = serve_stream(per_minute(600), SSE, stream).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.status(CHAT, HELLO).await, 429, "9 + 500 are used, and 265 more do not fit");
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
async fn a_burst_of_concurrent_requests_does_not_sail_past_the_limit() {
    const USED: &str = r#"{"usage":{"prompt_tokens":40,"completion_tokens":60}}"#;
    let (inside, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, doors) = (Arc::clone(&inside), Arc::clone(&gate));
    let server = serve(per_minute(10_000), move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let doors = Arc::clone(&doors);
        async move {
            doors.acquire().await.unwrap().forget();
            json(USED)
        }
    })
    .await;
    let server = Arc::new(server);
    let refused = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (server, refused) = (Arc::clone(&server), Arc::clone(&refused));
            tokio::spawn(async move {
                let status = server.status(CHAT, HELLO).await;
                refused.fetch_add(usize::from(status == 429), Ordering::SeqCst);
            })
        })
        .collect();
    while inside.load(Ordering::SeqCst) + refused.load(Ordering::SeqCst) < 200 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let admitted = inside.load(Ordering::SeqCst);
    assert_eq!(admitted as u64, 10_000 / RESERVED);
    gate.add_permits(200);
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(server.tokens(), admitted as u64 * 100);
    assert_eq!(server.requests(), admitted as u64);
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
    for _ in 0..29 {
        assert_eq!(server.status(CHAT, HELLO).await, 200);
    }
    assert_eq!(server.tokens(), 29 * 60);
    assert_eq!(server.status(CHAT, HELLO).await, 429, "260 are left");
    for _ in 0..20 {
        server.ledger.advance(Duration::from_secs(2));
        assert_eq!(server.status(CHAT, HELLO).await, 200, "two seconds bring 66");
    }
}

#[tokio::test]
async fn cumulative_counts_of_anthropic_are_not_added_up() {
    let stream = concat!(
        "event: message_start\n",
        r#"data: {"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":20,"cache_creation_input_tokens":30,"cache_read_input_tokens":50,"output_tokens":1}}}"#,
        "\n\nevent: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
        "\n\nevent: message_delta\n",
        r#"data: {"type":"message_delta","delta":{},"usage":{"output_tokens":7}}"#,
        "\n\nevent: message_delta\n",
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}"#,
        "\n\nevent: message_stop\n",
        r#"data: {"type":"message_stop"}"#,
        "\n\n",
    );
    let server = serve_stream(per_minute(60_000), SSE, stream.to_owned()).await;
    assert_eq!(server.status("/v1/messages", HELLO).await, 200);
    assert_eq!(server.tokens(), 100 + 15);
}

#[tokio::test]
async fn cached_tokens_are_not_billed_twice() {
    const USED: &str = r#"{"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
        "prompt_tokens_details":{"cached_tokens":1920},"completion_tokens_details":{"reasoning_tokens":200}}}"#;
    let server = serve_json(per_minute(60_000), USED).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), 2306);
}

#[tokio::test]
async fn every_operation_is_counted() {
    const CASES: [(&str, &str, &str, u64); 8] = [
        (CHAT, HELLO, r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#, 7),
        (
            "/v1/completions",
            r#"{"model":"m","prompt":"hi"}"#,
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            7,
        ),
        (
            "/v1/embeddings",
            r#"{"model":"m","input":"hi"}"#,
            r#"{"usage":{"prompt_tokens":3,"total_tokens":3}}"#,
            3,
        ),
        (
            "/v1/responses",
            r#"{"model":"m","input":"hi"}"#,
            r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#,
            7,
        ),
        ("/v1/messages", HELLO, r#"{"usage":{"input_tokens":3,"output_tokens":4}}"#, 7),
        ("/api/chat", HELLO, r#"{"done":true,"prompt_eval_count":3,"eval_count":4}"#, 7),
        (
            "/api/generate",
            r#"{"model":"m","prompt":"hi"}"#,
            r#"{"done":true,"prompt_eval_count":3,"eval_count":4}"#,
            7,
        ),
        ("/api/embed", r#"{"model":"m","input":"hi"}"#, r#"{"prompt_eval_count":3}"#, 3),
    ];
    for (path, body, answer, tokens) in CASES {
        let server = serve_json(per_minute(60_000), answer).await;
        assert_eq!(server.status(path, body).await, 200, "{path}");
        assert_eq!((server.tokens(), server.requests()), (tokens, 1), "{path}");
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
async fn a_limit_bites_on_this_request_and_not_on_the_next() {
    let server = serve_json(vec![Limit::requests("rpm", Rate::per_minute(3))], "{}").await;
    for _ in 0..3 {
        assert_eq!(server.status(CHAT, HELLO).await, 200);
    }
    assert_eq!(server.status(CHAT, HELLO).await, 429);
    server.ledger.advance(Duration::from_secs(20));
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.status(CHAT, HELLO).await, 429);
}

#[tokio::test]
async fn what_remains_goes_down_with_each_answer() {
    let server =
        serve_json(per_minute(60_000), r#"{"usage":{"prompt_tokens":3,"completion_tokens":7}}"#).await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let answer = server.post(CHAT, HELLO).await;
        let left = answer.headers()["x-ratelimit-remaining-tokens"].to_str().unwrap().to_owned();
        text(answer).await;
        remaining.push(left.parse::<u64>().unwrap());
    }
    assert_eq!(remaining, [60_000 - RESERVED, 60_000 - RESERVED - 10, 60_000 - RESERVED - 20]);
}
