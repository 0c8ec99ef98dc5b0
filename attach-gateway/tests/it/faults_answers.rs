//! Model servers that answer late, in part, in nonsense or in lies: nobody else is asked, and nothing of it is believed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fleet::{BOTH, Fleet, ONE, raw};
use crate::support::{CHATS, Reply, Step, Upstream, assert_shape, question, streamed, wire};

#[tokio::test]
async fn upstream_slow_ttft_is_waited_for_and_nobody_else_is_asked() {
    let said = wire::openai::chat_events(
        &wire::Said { model: "m".into(), text: "late".into(), usage: true },
        usize::MAX,
    );
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let (url, asked) = raw(Duration::from_secs(2), format!("{head}{}", said.concat())).await;
    let b = Upstream::model().await;
    let settings = "timeout = { first_byte = \"25s\", idle = \"1s\" }";
    let fleet = Fleet::start(&[("a", &url, settings), ("b", &b.url(), "")], BOTH).await;
    let answer = fleet.post(CHATS[0]).json(&streamed(CHATS[0], "m", "hello")).send().await.expect(200);
    assert!(answer.text().contains("late") && answer.text().ends_with("[DONE]\n\n"), "{}", answer.text());
    assert_eq!((asked.load(Ordering::SeqCst), b.seen().len()), (1, 0));
}

#[tokio::test]
async fn nothing_is_sent_again_once_the_answer_has_begun() {
    let first = wire::openai::chat_chunk("m", &json!({"content": "half"}), &Value::Null);
    let a = Upstream::with(move |_| {
        Reply::stream("text/event-stream", vec![Step::Send(first.clone().into()), Step::Break])
    })
    .await;
    let b = Upstream::model().await;
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &b.url(), "")], BOTH).await;
    let answer = fleet.post(CHATS[0]).json(&streamed(CHATS[0], "m", "hello")).send().await.expect(200);
    assert!(answer.text().contains("half") && answer.text().contains("upstream_broke"), "{}", answer.text());
    assert_eq!((a.seen().len(), b.seen().len()), (1, 0));
}

#[tokio::test]
async fn upstream_garbage_is_a_502_where_it_has_to_be_understood() {
    let ok = |kind: &str, length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    let cases = [
        ("not JSON", format!("{}{{\"choices\":[", ok("application/json", 12)), "upstream_unreadable"),
        ("another type", format!("{}<html></html>", ok("text/html", 13)), "upstream_unreadable"),
        ("shorter than said", format!("{}{{}}", ok("application/json", 500)), "upstream_broke"),
        ("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "upstream_broke"),
    ];
    for (what, bytes, code) in cases {
        let (url, _) = raw(Duration::ZERO, bytes).await;
        let fleet = Fleet::start(&[("a", &url, "")], ONE).await;
        let path = "/api/chat";
        let answer = fleet.post(path).json(&question(path, "m", "hello")).send().await;
        assert_eq!(answer.status, 502, "{what}: {}", answer.text());
        assert_shape(path, &answer, code);
        assert_eq!(fleet.gateway.trail(&answer.id()).end(), "upstream_error", "{what}");
    }
}

#[tokio::test]
async fn upstream_garbage_of_one_endless_line_ends_the_stream_and_is_not_kept() {
    let line = Arc::new(vec![b'x'; 4 << 20]);
    let a = Upstream::with(move |_| {
        let piece = || Step::Send(bytes::Bytes::copy_from_slice(&line));
        let steps = std::iter::once(Step::Send("data: ".into())).chain((0..16).map(|_| piece()));
        Reply::stream("text/event-stream", steps.collect())
    })
    .await;
    let fleet = Fleet::start(&[("a", &a.url(), "")], ONE).await;
    let answer = fleet.post(CHATS[0]).json(&streamed(CHATS[0], "m", "hello")).send().await.expect(200);
    assert!(answer.body.len() < 8 << 20, "{} bytes passed", answer.body.len());
    assert_eq!(fleet.gateway.finished(&answer.id()).await.end(), "upstream_error");
    // One that does not fit is not the end of the others.
    fleet.gateway.get("/healthz").send().await.expect(200);
}

#[tokio::test]
async fn upstream_lies_usage_is_not_believed_and_estimated_instead() {
    let most = 1_000_000_000_000_000_000_u64;
    let cases = [
        json!(null),
        json!({"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12}),
        json!({"prompt_tokens": 1e18, "completion_tokens": 1e18}),
        json!({"prompt_tokens": most, "completion_tokens": most}),
        json!("many"),
    ];
    for usage in cases {
        let said = usage.clone();
        let a = Upstream::with(move |_| {
            let text = wire::Said { model: "m".into(), text: "hi".into(), usage: true };
            let mut answer = wire::openai::chat(&text);
            answer["usage"] = said.clone();
            Reply::json(200, &answer)
        })
        .await;
        let more = format!("{ONE}[[quota]]\nid = \"q\"\neach = \"user\"\ntokens = \"1000000/h\"\n");
        let fleet = Fleet::start(&[("a", &a.url(), "")], &more).await;
        let answer = fleet.chat("m").send().await.expect(200);
        let found = fleet.gateway.finished(&answer.id()).await.outcome()["usage"].clone();
        assert_eq!(found["source"], "estimated", "{usage}: {found}");
        for key in ["input_tokens", "output_tokens"] {
            assert!((1..100).contains(&found[key].as_u64().unwrap()), "{usage}: {found}");
        }
        // Nobody is locked out for it.
        fleet.chat("m").send().await.expect(200);
    }
}
