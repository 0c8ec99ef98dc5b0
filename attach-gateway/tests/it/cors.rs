//! Web pages that call, and web pages that may not.

use crate::support::{CHATS, Call, Response, Upstream, World, eventually, question, streamed};

const FILE: &str = r#"
    [server]
    cors = { allowed_origins = ["https://chat.example.com", "http://localhost:3000"] }
    [[issuer]]
    issuer = "{ISSUER}"
    audience = ["api://attach-test"]
    [[upstream]]
    name = "m"
    kind = "openai"
    url = "{UPSTREAM}"
    [access]
    default = "allow"
    [[quota]]
    id = "few"
    requests = "2/min"
    burst = 2
"#;

const PAGE: &str = "https://chat.example.com";

async fn preflight(world: &World, origin: &str) -> Response {
    let call = Call::new(world.gateway.addr, "OPTIONS", CHATS[0]).header("Origin", origin);
    let call = call.header("Access-Control-Request-Method", "POST");
    call.header("Access-Control-Request-Headers", "authorization, content-type, x-stainless-os").send().await
}

/// The page that may read this answer.
fn reader(answer: &Response) -> Option<&str> {
    assert!(
        answer.header("vary").is_some_and(|vary| vary.to_ascii_lowercase().contains("origin")),
        "{answer:?}"
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn a_listed_page_may_ask_and_read_answers_and_refusals() {
    let world = World::file(Upstream::model().await, FILE).await;
    let asked = preflight(&world, PAGE).await.expect(200);
    assert_eq!(reader(&asked), Some(PAGE));
    assert!(asked.header("access-control-allow-methods").unwrap().contains("POST"));
    let headers = asked.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
    for name in ["authorization", "content-type", "x-api-key", "x-stainless-os"] {
        assert!(headers.contains(name), "{headers}");
    }
    let body = question(CHATS[0], "m", "hello");
    let refused = world.gateway.post(CHATS[0]).header("Origin", PAGE).json(&body).send().await.expect(401);
    assert_eq!(reader(&refused), Some(PAGE));
    assert!(refused.header("www-authenticate").is_some());
    let exposed = refused.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    assert!(exposed.contains("www-authenticate") && exposed.contains("x-request-id"), "{exposed}");
    let answer = world.post(CHATS[0]).header("Origin", PAGE).json(&body).send().await.expect(200);
    assert_eq!(reader(&answer), Some(PAGE));
    let stream = world.post(CHATS[0]).header("Origin", "http://localhost:3000");
    let stream = stream.json(&streamed(CHATS[0], "m", "hello")).send().await.expect(200);
    assert_eq!(reader(&stream), Some("http://localhost:3000"));
    let over = world.post(CHATS[0]).header("Origin", PAGE).json(&body).send().await.expect(429);
    assert_eq!(reader(&over), Some(PAGE));
    let nowhere = world.post("/v1/files").header("Origin", PAGE).json(&body).send().await.expect(404);
    assert_eq!(reader(&nowhere), Some(PAGE));
}

#[tokio::test]
async fn no_other_page_may_read_anything() {
    let world = World::file(Upstream::model().await, FILE).await;
    for origin in [
        "https://chat.example.com.evil.example",
        "https://evil.example",
        "http://chat.example.com",
        "https://chat.example.com:8443",
        "https://CHAT.example.com",
        "null",
        "*",
    ] {
        assert_eq!(reader(&preflight(&world, origin).await), None, "{origin}");
        let stranger = world.gateway.post(CHATS[0]).header("Origin", origin);
        assert_eq!(reader(&stranger.send().await.expect(401)), None, "{origin}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn what_a_browser_asks_beforehand_is_no_call() {
    let world = World::file(Upstream::model().await, FILE).await;
    for _ in 0..5 {
        preflight(&world, PAGE).await.expect(200);
    }
    let body = question(CHATS[0], "m", "hello");
    let id = world.post(CHATS[0]).json(&body).send().await.expect(200).id();
    eventually("the call", || (!world.gateway.trail(&id).kinds().is_empty()).then_some(())).await;
    let records = world.gateway.records();
    assert!(records.iter().all(|record| record["kind"] != "reject"), "{records:?}");
}

#[tokio::test]
async fn without_a_listed_page_there_is_none() {
    let world = World::start().await;
    let asked = preflight(&world, PAGE).await.expect(405);
    assert_eq!(asked.header("access-control-allow-origin"), None);
    let answer =
        world.post(CHATS[0]).header("Origin", PAGE).json(&question(CHATS[0], "m", "hello")).send().await;
    assert_eq!(answer.expect(200).header("access-control-allow-origin"), None);
}
