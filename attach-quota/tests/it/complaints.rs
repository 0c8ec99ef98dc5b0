//! What users of the field's gateways complain about. Each sentence is a test, by that name, that shows we don't.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attach_core::identity::Group;
use attach_quota::{Action, Budget, Limit, Period, Price, Prices, QuotaLayer, Rate, Scope};
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::sync::Semaphore;

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn usage_lost_when_the_client_disconnects() {
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
async fn token_limits_never_enforced_on_streams() {
    let stream = (0..500).map(|_| chunk("word")).collect::<String>() + "data: [DONE]\n\n";
    let server = serve_stream(per_minute(600), SSE, stream).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.status(CHAT, HELLO).await, 429, "9 + 500 are used, and 265 more do not fit");
}

#[tokio::test]
async fn a_burst_of_concurrent_requests_sailing_past_the_limit() {
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
async fn a_users_budget_ignored_because_a_team_has_one() {
    let team = || Group::new("acme", "research");
    let month = |usd: u64| Budget::new(usd * 1_000_000, Period::Month);
    let limits = vec![
        Limit::micro_usd("team", month(1000)).groups([team()]).each(Scope::Group),
        Limit::micro_usd("each", month(1)),
    ];
    // USD 60 and 600 for a million tokens: the answer costs 0.6.
    let prices = Prices::new().model("*".parse().unwrap(), Price::new(60_000_000, 600_000_000));
    const USED: &str = r#"{"usage":{"prompt_tokens":0,"completion_tokens":1000}}"#;
    let layer = QuotaLayer::new(limits).prices(prices);
    let server = serve_under(layer, |_| async { json(USED) }).await;
    let call = async |who: &str| {
        let request = Request::post(format!("http://{}{CHAT}", server.addr));
        let request = request.header("x-user", who).header("x-groups", "research");
        let answer = server.send(request.body(Full::from(HELLO)).unwrap()).await;
        (answer.status().as_u16(), text(answer).await)
    };
    assert_eq!(call("alice").await.0, 200);
    assert_eq!(call("alice").await.0, 200, "0.4 are left, of which little is reserved");
    let (status, body) = call("alice").await;
    assert_eq!(status, 429);
    assert!(body.contains("each") && body.contains("1.00 USD per month"), "{body}");
    assert_eq!(call("bob").await.0, 200, "the team has a budget still");
}

#[tokio::test]
async fn endpoints_that_are_not_counted() {
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
async fn cached_tokens_billed_twice() {
    const USED: &str = r#"{"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,
        "prompt_tokens_details":{"cached_tokens":1920},"completion_tokens_details":{"reasoning_tokens":200}}}"#;
    let server = serve_json(per_minute(60_000), USED).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), 2306);
}

#[tokio::test]
async fn anthropics_cumulative_counts_added_up() {
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

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_redis_hiccup_freezing_every_request() {
    use attach_quota::WhenDown;
    use attach_quota::store::RedisStore;

    let Some(redis) = crate::redis::server::RedisServer::start(&[]).await else { return };
    let store = RedisStore::new(&redis.url(), "hiccup").unwrap();
    let beside = store.clone();
    tokio::spawn(async move { beside.run().await });
    let limits = vec![
        Limit::tokens("local", Rate::per_minute(100_000)),
        Limit::requests("open", Rate::per_minute(100_000)).when_store_down(WhenDown::Open),
    ];
    let layer = QuotaLayer::new(limits).store(store);
    let addr =
        serve_layer(layer, |_| async { json(r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#) })
            .await;
    let server = Server { addr, ledger: Ledger::default() };
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    redis.signal("STOP");
    let begin = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(server.status(CHAT, HELLO).await, 200);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    redis.signal("CONT");
}

#[tokio::test]
async fn limits_that_bite_only_on_the_next_request() {
    let limits = vec![
        Limit::tokens("tpm", Rate::per_minute(100)).action(Action::Cut),
        Limit::requests("rpm", Rate::per_minute(3)),
    ];
    let server = serve(limits, |_| async {
        let (stream, body) = stream();
        for _ in 0..500 {
            stream.send(&chunk("word"));
        }
        stream.send("data: [DONE]\n\n");
        typed(SSE, body)
    })
    .await;
    // This stream is ended by the limit, and not the next one refused.
    let answer = text(server.post(CHAT, HELLO).await).await;
    let words = answer.matches("\"word\"").count();
    assert!((85..110).contains(&words), "{words} of 100 tokens, of which {INPUT} are input");
    assert!(answer.contains(r#""finish_reason":"length""#) && answer.ends_with("data: [DONE]\n\n"));
    // And the fourth call in a minute is refused, not the fifth.
    server.ledger.advance(Duration::from_secs(60));
    for status in [200, 200, 200, 429] {
        assert_eq!(server.status("/v1/models/none", "{}").await, status);
    }
}
