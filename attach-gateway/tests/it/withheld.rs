//! Where values do not come back, by the file's settings.

use serde_json::json;

use crate::support::{CHATS, Reply, Upstream, World, answer_text, wire};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "outside"
kind = "openai"
url = "{UPSTREAM}"
[access]
default = "allow"
[redact]
external_tools = ["web_*"]
restore_system = false
"#;

#[tokio::test]
async fn tools_that_run_elsewhere_get_placeholders() {
    let upstream = Upstream::with(|seen| {
        let said = seen.json()["messages"][0]["content"].clone();
        let call = |name: &str| json!({"id": name, "type": "function", "function": {"name": name, "arguments": json!({"q": said}).to_string()}});
        let mut answer =
            wire::openai::chat(&wire::Said { model: "m".into(), text: String::new(), usage: false });
        answer["choices"][0]["message"]["tool_calls"] = json!([call("web_search"), call("send")]);
        Reply::json(200, &answer)
    })
    .await;
    let world = World::file(upstream, FILE).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "jane.doe@example.com"}]});
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let calls = answer.json()["choices"][0]["message"]["tool_calls"].clone();
    let arguments = |call: usize| calls[call]["function"]["arguments"].as_str().unwrap().to_owned();
    assert!(arguments(0).contains("PII_EMAIL_") && !arguments(0).contains("jane"), "{}", arguments(0));
    assert_eq!(arguments(1), r#"{"q":"jane.doe@example.com"}"#);
    assert_eq!(world.gateway.trail(&answer.id()).outcome()["redaction"]["withheld"], 1);
}

#[tokio::test]
async fn what_the_system_prompt_alone_says_is_not_given_away() {
    let upstream = Upstream::with(|seen| {
        let text = seen.json()["messages"].to_string();
        let said = wire::Said { model: "m".into(), text, usage: false };
        Reply::json(200, &wire::openai::chat(&said))
    })
    .await;
    let world = World::file(upstream, FILE).await;
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": "The boss is boss@example.com"},
        {"role": "user", "content": "I am jane.doe@example.com"},
    ]});
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let text = answer_text(&answer.text());
    assert!(text.contains("jane.doe@example.com") && !text.contains("boss@example.com"), "{text}");
}
