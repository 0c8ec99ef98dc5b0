//! What a model server may send back.

use serde_json::json;

use crate::support::{
    CHATS, Launch, Reply, Upstream, World, assert_nothing_personal, question, sentence, wire,
};

#[tokio::test]
async fn an_answer_is_asked_for_without_encoding_and_refused_with_one() {
    let upstream = Upstream::with(|seen| wire::model(seen).header("content-encoding", "br")).await;
    let world = World::with(upstream, |launch| launch).await;
    let call = world.post(CHATS[0]).header("Accept-Encoding", "gzip, br, zstd");
    call.json(&question(CHATS[0], "gpt-4o", &sentence())).send().await.expect(502);
    let asked = world.upstream.only();
    assert!(asked.header("accept-encoding").is_none_or(|value| value == "identity"), "{asked:?}");
}

#[tokio::test]
async fn an_answer_of_another_kind_than_was_asked_for_reveals_nothing() {
    // A stream where JSON was asked for, JSON where a stream was, and no text at all.
    for kind in ["text/event-stream", "text/html", "application/octet-stream"] {
        let upstream = Upstream::with(move |seen| {
            let said = String::from_utf8_lossy(&wire::model(seen).bytes()).into_owned();
            Reply::text(kind, said)
        })
        .await;
        let world = World::with(upstream, |launch| launch).await;
        let call = world.post(CHATS[0]).header("Accept", "text/html;q=1, */*;q=0");
        let answer = call.json(&question(CHATS[0], "gpt-4o", &sentence())).send().await;
        // Events are read as events, whatever was asked for; what is neither JSON nor a stream is read by nobody.
        let status = if kind == "text/event-stream" { 200 } else { 502 };
        assert_eq!(answer.status, status, "{kind}: {}", answer.text());
        assert!(status == 200 || !answer.text().contains("PII_"), "{kind}: {}", answer.text());
        assert_nothing_personal(&world.upstream.only().text());
    }
}

#[tokio::test]
async fn what_a_client_accepts_changes_nothing() {
    let world = World::start().await;
    for accept in ["text/event-stream", "application/x-ndjson", "*/*", "nothing/at-all"] {
        let call = world.post(CHATS[0]).header("Accept", accept);
        let answer = call.json(&question(CHATS[0], "gpt-4o", &sentence())).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(world.upstream.last().header("accept"), Some("*/*"));
    }
}

#[tokio::test]
async fn an_error_of_a_model_server_shows_no_credential_and_no_name() {
    let upstream = Upstream::with(|seen| {
        let told = seen.header("authorization").unwrap_or_default().to_owned();
        Reply::json(400, &json!({"error": {"message": format!("bad key {told} at db-7.internal.example")}}))
            .header("x-powered-by", "canary")
            .header("server", "canary")
            .header("set-cookie", "canary=1")
    })
    .await;
    let world = World::with(upstream, |launch: Launch| launch.set("ENGINE_API_KEY", "sk-canary-key")).await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "gpt-4o", "hello")).send().await;
        assert!(answer.status >= 400);
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
}
