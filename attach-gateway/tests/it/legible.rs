//! What the two sides have to be able to read: answers in a coding that nobody asked for, thoughts of another model.

use std::time::Duration;

use serde_json::json;

use crate::support::{Reply, Step, TempDir, Upstream, World, question, streamed, wire};

fn file(kind: &str) -> String {
    format!(
        "[[issuer]]\nissuer = \"{{ISSUER}}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\n\
         kind = \"{kind}\"\nurl = \"{{UPSTREAM}}\"\ntrusted = true\n[access]\ndefault = \"allow\"\n"
    )
}

#[tokio::test]
async fn servers_are_asked_for_no_coding_and_an_encoded_error_is_not_passed_on() {
    let upstream = Upstream::with(|_| {
        Reply::json(400, &json!({"error": {"message": "as it was"}})).header("content-encoding", "gzip")
    });
    let world = World::file(upstream.await, &file("openai")).await;
    let call = world.post("/v1/chat/completions").json(&question("/v1/chat/completions", "m", "hello"));
    let answer = call.header("accept-encoding", "gzip").send().await.expect(502);
    assert_eq!((answer.code().as_str(), answer.header("content-encoding")), ("upstream_encoded", None));
    assert!(!answer.text().contains("as it was"));
    assert_eq!(world.upstream.only().header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn what_is_translated_has_to_be_readable() {
    for stream in [false, true] {
        let upstream = Upstream::with(|seen| wire::model(seen).header("content-encoding", "br")).await;
        let world = World::file(upstream, &file("openai")).await;
        let ask = if stream { streamed } else { question };
        let call = world.post("/v1/messages").json(&ask("/v1/messages", "m", "hello"));
        let answer = call.send().await.expect(502);
        assert_eq!(answer.header("content-encoding"), None, "stream: {stream}");
        assert!(answer.text().contains("the model server compressed"), "{}", answer.text());
        assert_eq!(world.gateway.trail(&answer.id()).end(), "upstream_error", "stream: {stream}");
    }
}

#[tokio::test]
async fn thoughts_of_another_model_do_not_keep_a_conversation_from_anthropics() {
    let world = World::file(Upstream::model().await, &file("anthropic")).await;
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "hello"}]},
        {"role": "user", "content": "and now?"},
    ]});
    let answer = world.post("/v1/messages").json(&body).send().await.expect(200);
    assert_eq!(answer.header("x-attach-dropped"), Some("messages.thinking"));
    let sent = world.upstream.only().json();
    assert_eq!(sent["messages"][1]["content"], json!([{"type": "text", "text": "hello"}]));
}

#[tokio::test]
async fn a_key_that_comes_back_in_two_pieces_is_withheld_all_the_same() {
    let folder = TempDir::new();
    let key = folder.write("key", "sk-example-of-nobody");
    let upstream = Upstream::with(|_| {
        let steps = vec![
            Step::Send("data: {\"error\":{\"message\":\"wrong key sk-exam".into()),
            Step::Pause(Duration::from_millis(50)),
            Step::Send("ple-of-nobody\"}}\n\ndata: [DONE]\n\n".into()),
        ];
        Reply::stream("text/event-stream", steps)
    });
    let text = file("openai").replace("trusted", &format!("key = {{ file = {key:?} }}\ntrusted"));
    let world = World::file(upstream.await, &text).await;
    let path = "/v1/chat/completions";
    let answer = world.post(path).json(&streamed(path, "m", "hello")).send().await.expect(200).text();
    assert!(answer.contains("upstream_credential_rejected"), "{answer}");
    assert!(!answer.contains("sk-exam") && !answer.contains("of-nobody"), "{answer}");
}
