use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use attach_core::Outcome;
use attach_redact::{Fault, Inspect, Inspection, WhenDown};
use serde_json::Value;

use super::{Down, STREAMS, Strict, ask, judging, kind, stream, told};
use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES};

/// The last events of a stream that is blocked, after the client has read `begun`.
fn expected_end(path: &str) -> Vec<&'static str> {
    match path {
        // Which member comes first is nobody's to rely on.
        CHAT | "/v1/completions" => vec![r#""finish_reason":"content_filter""#, "data: [DONE]"],
        MESSAGES => {
            vec![r#""type":"content_block_stop""#, r#""stop_reason":"refusal""#, r#"{"type":"message_stop"}"#]
        }
        RESPONSES => vec![r#""incomplete_details":{"reason":"content_filter"}"#],
        _ => vec![r#""done_reason":"content_filter""#],
    }
}

fn filler(characters: usize) -> Vec<String> {
    (0..characters / 10).map(|number| format!("word {number:04} ")).collect()
}

#[tokio::test]
async fn a_stream_that_is_blocked_ends_as_its_dialects_content_filter_ends_one() {
    for path in STREAMS {
        for before in [0, 2000] {
            let words = filler(before);
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            words.extend(["a poi", "son recipe", " and more"]);
            let answer = stream(path, &words);
            let seen = ask(judging(Strict::default(), WhenDown::Closed), path, kind(path), 37, &answer).await;
            assert_eq!(seen.status, 200);
            assert!(
                !seen.client.contains("poi\"") && !seen.client.contains("recipe"),
                "{path}: {}",
                seen.client
            );
            assert_eq!(seen.client.contains("word 0001"), before > 0, "{path}: {}", seen.client);
            let mut rest = &*seen.client;
            for part in expected_end(path) {
                rest =
                    rest.split_once(part).unwrap_or_else(|| panic!("{path}: no {part} in {}", seen.client)).1;
            }
            assert!(
                !seen.client.contains(r#""stop""#) && !seen.client.contains("end_turn"),
                "{}",
                seen.client
            );
            assert_eq!(seen.client.contains("message_start"), path == MESSAGES);
            assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked), "{path}");
            assert_eq!(told(&seen), "200 content_blocked the answer, by strict: contentPolicy POISON");
        }
    }
}

#[tokio::test]
async fn a_stream_that_nobody_objects_to_is_left_as_it_came_however_it_is_cut() {
    for path in STREAMS {
        let words = filler(900);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = stream(path, &words);
        for size in [1, 64, answer.len()] {
            let seen =
                ask(judging(Strict::default(), WhenDown::Closed), path, kind(path), size, &answer).await;
            assert_eq!(seen.client, answer, "{path} {size}");
            assert_eq!(seen.exchange.outcome(), Some(Outcome::Complete));
        }
    }
}

#[tokio::test]
async fn what_is_blocked_is_blocked_wherever_the_stream_is_cut() {
    for path in [CHAT, MESSAGES, OLLAMA] {
        let answer = stream(path, &["a ", "poi", "son"]);
        let redactor = judging(Strict::default(), WhenDown::Closed);
        for size in 1..answer.len() {
            let seen = ask(redactor.clone(), path, kind(path), size, &answer).await;
            assert!(
                !seen.client.contains("poi") && !seen.client.contains("\"son"),
                "{size}: {}",
                seen.client
            );
            assert!(
                seen.client.contains(expected_end(path)[0]) || path == MESSAGES,
                "{size}: {}",
                seen.client
            );
        }
    }
}

#[tokio::test]
async fn a_piece_is_shown_with_what_came_before_it() {
    let words = filler(3000);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let strict = Strict::default();
    ask(judging(strict.clone(), WhenDown::Closed), CHAT, kind(CHAT), 64, &stream(CHAT, &words)).await;
    let shown = strict.shown();
    assert!(shown.len() >= 5 && shown.len() <= 9, "{}", shown.len());
    for (before, after) in shown.iter().zip(shown.iter().skip(1)) {
        let (before, after) = (&before[0], &after[0]);
        assert!(before.len() <= 600 && after.len() <= 600, "{} {}", before.len(), after.len());
        assert!(before.ends_with(&after[..100]), "{before}\n{after}");
    }
}

#[tokio::test]
async fn the_last_events_of_responses_are_not_shown_again() {
    let strict = Strict::default();
    ask(
        judging(strict.clone(), WhenDown::Closed),
        RESPONSES,
        kind(RESPONSES),
        64,
        &stream(RESPONSES, &["one ", "two"]),
    )
    .await;
    assert_eq!(strict.shown(), [["one two"]]);
}

#[tokio::test]
async fn a_stream_without_a_verdict_ends_in_an_error_unless_that_is_permitted() {
    for path in STREAMS {
        let answer = stream(path, &["a cake"]);
        let seen = ask(judging(Down, WhenDown::Closed), path, kind(path), 64, &answer).await;
        assert!(seen.client.contains("redaction_failed") && !seen.client.contains("cake"), "{}", seen.client);
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Failed), "{path}");
        let seen = ask(judging(Down, WhenDown::Open), path, kind(path), 64, &answer).await;
        assert_eq!(seen.client, answer);
    }
}

#[tokio::test]
async fn each_choice_and_each_call_of_a_tool_is_a_text_of_its_own() {
    let chunk = |choice: Value| format!("data: {}\n\n", serde_json::json!({"id": "c", "choices": [choice]}));
    let mut answer = String::new();
    for part in ["left ", "side"] {
        answer += &chunk(serde_json::json!({"index": 0, "delta": {"content": part}, "finish_reason": null}));
        answer += &chunk(serde_json::json!({"index": 1, "delta": {"tool_calls": [
            {"index": 0, "function": {"arguments": part}}]}, "finish_reason": null}));
    }
    answer += "data: [DONE]\n\n";
    let strict = Strict::default();
    let seen = ask(judging(strict.clone(), WhenDown::Closed), CHAT, kind(CHAT), 64, &answer).await;
    assert_eq!(strict.shown(), [["left side", "left side"]]);
    assert_eq!(seen.client, answer);
    let poisoned = answer.replace("side", "poison");
    let seen = ask(judging(strict, WhenDown::Closed), CHAT, kind(CHAT), 64, &poisoned).await;
    let chunks = seen.client.split("data: ").filter_map(|chunk| serde_json::from_str::<Value>(chunk).ok());
    let choices = chunks.flat_map(|chunk| chunk["choices"].as_array().cloned().unwrap_or_default());
    let ended = choices.filter(|choice| choice["finish_reason"] == "content_filter");
    assert_eq!(ended.map(|choice| choice["index"].clone()).collect::<Vec<_>>(), [0, 1], "{}", seen.client);
}

#[tokio::test]
async fn thinking_is_shown_as_one_text() {
    let event = |text: &str| {
        let event = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}});
        format!("event: content_block_delta\ndata: {event}\n\n")
    };
    let answer = event("poi") + &event("son") + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let seen = ask(judging(Strict::default(), WhenDown::Closed), MESSAGES, kind(MESSAGES), 64, &answer).await;
    assert!(!seen.client.contains("poi") && seen.client.contains("refusal"), "{}", seen.client);
}

#[derive(Clone, Default)]
struct Never(Arc<Mutex<Option<tokio::sync::oneshot::Sender<()>>>>, Arc<AtomicUsize>);

impl Inspect for Never {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        struct Dropped(Arc<AtomicUsize>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let _dropped = Dropped(Arc::clone(&self.1));
        let asked = self.0.lock().unwrap().take();
        asked.unwrap().send(()).unwrap();
        std::future::pending().await
    }
}

#[tokio::test]
async fn who_leaves_is_waited_for_no_longer() {
    let (sender, asked) = tokio::sync::oneshot::channel();
    let never = Never(Arc::new(Mutex::new(Some(sender))), Arc::default());
    let answer = stream(CHAT, &["a cake"]);
    let redactor = judging(never.clone(), WhenDown::Closed);
    let mut call = Box::pin(ask(redactor, CHAT, kind(CHAT), 64, &answer));
    tokio::select! {
        _ = &mut call => panic!("nobody said that it may go on"),
        told = asked => told.unwrap(),
    }
    drop(call);
    assert_eq!(never.1.load(Ordering::SeqCst), 1);
}
