//! What the client gets back when the answer is streamed, wherever the upstream cuts it.

use serde_json::{Value, json};

use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, Seen, call_in_pieces, chat, placeholders, redactor};

const SSE: &str = "text/event-stream";
const MAIL: &str = "bob@example.org";

fn first(sent: &str) -> String {
    placeholders(sent).into_iter().next().unwrap_or_default()
}

fn data(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>()
}

fn named(events: &[Value]) -> String {
    let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(event))).collect()
}

/// The JSON of every event.
fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// `text` in pieces: cut once at every place, and into single characters.
fn cuts(text: &str) -> Vec<Vec<String>> {
    let mut all: Vec<_> =
        (1..text.len()).map(|at| vec![text[..at].to_owned(), text[at..].to_owned()]).collect();
    all.push(text.chars().map(String::from).collect());
    all.push(vec![text.to_owned()]);
    all
}

async fn streamed(
    path: &str,
    body: &str,
    content_type: &'static str,
    size: usize,
    answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> Seen {
    call_in_pieces(redactor(), path, body, content_type, size, answer).await
}

fn openai_chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

fn openai_text(stream: &str, key: &str) -> String {
    let deltas = events(stream);
    deltas.iter().filter_map(|event| event["choices"][0]["delta"][key].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn openai_content_is_restored_however_it_is_cut() {
    for number in 0..cuts("x PII_EMAIL_00000000, ok").len() {
        let answer = move |sent: &str| {
            let text = format!("x {}, ok", first(sent));
            let mut chunks = vec![openai_chunk(&json!({"role": "assistant", "content": ""}), None)];
            chunks.extend(
                cuts(&text)[number].iter().map(|piece| openai_chunk(&json!({"content": piece}), None)),
            );
            chunks.push(openai_chunk(&json!({}), Some("stop")));
            data(&chunks) + "data: [DONE]\n\n"
        };
        let seen = streamed(CHAT, &chat(MAIL), SSE, usize::MAX, answer).await;
        assert_eq!(
            openai_text(&seen.client, "content"),
            "x bob@example.org, ok",
            "{number}: {}",
            seen.client
        );
        assert!(seen.client.ends_with("data: [DONE]\n\n"));
        assert_eq!(seen.restored_and_withheld(), (1, 0));
        assert!(!seen.headers.contains_key("content-length"));
    }
}

#[tokio::test]
async fn the_upstream_may_cut_its_bytes_anywhere() {
    let answer = |sent: &str| {
        let chunks = [
            openai_chunk(&json!({"content": format!("é {} and", first(sent))}), None),
            openai_chunk(&json!({}), Some("stop")),
        ];
        data(&chunks) + "data: [DONE]\n\n"
    };
    let whole = streamed(CHAT, &chat(MAIL), SSE, usize::MAX, answer).await.client;
    for size in [1, 2, 3, 5, 7, 11, 64] {
        assert_eq!(streamed(CHAT, &chat(MAIL), SSE, size, answer).await.client, whole);
    }
    assert_eq!(openai_text(&whole, "content"), "é bob@example.org and");
}

#[tokio::test]
async fn what_is_held_at_the_end_comes_before_the_end() {
    for tail in ["P", "PII_EM", "PII_EMAIL_"] {
        let answer = move |_: &str| {
            data(&[
                openai_chunk(&json!({"content": format!("see {tail}")}), None),
                openai_chunk(&json!({}), Some("stop")),
            ]) + "data: [DONE]\n\n"
        };
        let seen = streamed(CHAT, &chat(MAIL), SSE, usize::MAX, answer).await;
        assert_eq!(openai_text(&seen.client, "content"), format!("see {tail}"));
        let events = events(&seen.client);
        let flushed = &events[events.len() - 2];
        assert_eq!((&flushed["id"], &flushed["choices"][0]["finish_reason"]), (&json!("c1"), &Value::Null));
        assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_loses_nothing() {
    let answer = |_: &str| data(&[openai_chunk(&json!({"content": "see PII_"}), None)]);
    let seen = streamed(CHAT, &chat(MAIL), SSE, usize::MAX, answer).await;
    assert_eq!(openai_text(&seen.client, "content"), "see PII_");
}

#[tokio::test]
async fn events_that_need_no_change_pass_byte_for_byte() {
    let stream = ": comment\r\n\r\ndata:{ \"choices\" :[{\"index\":0,\"delta\":{\"content\":\"no \\u00e9 pii here\"}}]}\r\n\r\nretry: 5\n\ndata: [DONE]\n\n";
    for size in [1, usize::MAX] {
        let seen = streamed(CHAT, &chat(MAIL), SSE, size, move |_| stream.into()).await;
        assert_eq!(seen.client, stream);
    }
}

#[tokio::test]
async fn tool_calls_choices_and_reasoning_are_kept_apart() {
    let answer = |sent: &str| {
        let pii = first(sent);
        let (a, b) = pii.split_at(7);
        let call = |index: u32, piece: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
        let other = |piece: &str| json!({"id": "c1", "choices": [{"index": 1, "delta": {"content": piece}, "finish_reason": null}]});
        data(&[
            openai_chunk(
                &json!({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
                None,
            ),
            openai_chunk(&call(0, &format!("{{\"to\":\"{a}")), None),
            openai_chunk(&call(1, &format!("{{\"cc\":\"{a}")), None),
            other(a),
            openai_chunk(&json!({"reasoning_content": a}), None),
            openai_chunk(&call(1, &format!("{b}\"}}")), None),
            other(b),
            openai_chunk(&json!({"reasoning_content": b}), None),
            openai_chunk(&call(0, &format!("{b}\"}}")), None),
            openai_chunk(&json!({}), Some("tool_calls")),
        ]) + "data: [DONE]\n\n"
    };
    let secret = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
    let seen = streamed(CHAT, &chat(&format!("our key: {secret}")), SSE, usize::MAX, answer).await;
    let (mut calls, mut other, mut reasoning) =
        ([String::new(), String::new()], String::new(), String::new());
    for event in events(&seen.client) {
        let choice = &event["choices"][0];
        if choice["index"] == 1 {
            other += choice["delta"]["content"].as_str().unwrap();
        }
        reasoning += choice["delta"]["reasoning_content"].as_str().unwrap_or_default();
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            calls[call["index"].as_u64().unwrap() as usize] +=
                call["function"]["arguments"].as_str().unwrap();
        }
    }
    let login = secret.to_owned();
    assert_eq!(serde_json::from_str::<Value>(&calls[0]).unwrap(), json!({"to": login}));
    assert_eq!(serde_json::from_str::<Value>(&calls[1]).unwrap(), json!({"cc": login}));
    assert_eq!((other, reasoning), (login.clone(), login));
}

#[tokio::test]
async fn anthropic_streams_are_restored_however_they_are_cut() {
    let body = json!({"model": "m", "max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": MAIL}]}).to_string();
    for number in 0..cuts("x PII_EMAIL_00000000").len() {
        let answer = move |sent: &str| {
            let pii = first(sent);
            let mut all = vec![
                json!({"type": "message_start", "message": {"id": "m1", "content": []}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ];
            let text = format!("x {pii}");
            all.extend(cuts(&text)[number].iter().map(|piece| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})));
            all.push(json!({"type": "content_block_stop", "index": 0}));
            let text = format!("{{\"{pii}");
            all.extend(cuts(&text)[number].iter().map(|piece| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}})));
            all.push(json!({"type": "content_block_delta", "index": 2, "delta": {"type": "thinking_delta", "thinking": pii}}));
            all.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
            all.push(json!({"type": "message_stop"}));
            named(&all)
        };
        let seen = streamed(MESSAGES, &body, SSE, usize::MAX, answer).await;
        let of = |key: &str| {
            events(&seen.client)
                .iter()
                .filter_map(|event| event["delta"][key].as_str().map(str::to_owned))
                .collect::<String>()
        };
        assert_eq!(of("text"), "x bob@example.org", "{number}");
        assert_eq!(of("partial_json"), "{\"bob@example.org", "{number}");
        assert!(of("thinking").starts_with("PII_EMAIL_"));
        let stop = seen.client.find("content_block_stop").unwrap();
        assert!(!seen.client[stop..].contains("text_delta"), "text comes before its block ends");
        for event in seen.client.split_terminator("\n\n") {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: ").unwrap(), data["type"].as_str().unwrap());
        }
    }
}

#[tokio::test]
async fn the_responses_api_is_restored_in_deltas_and_in_snapshots() {
    let body = json!({"model": "m", "stream": true, "input": MAIL}).to_string();
    let answer = |sent: &str| {
        let pii = first(sent);
        let (a, b) = pii.split_at(5);
        let delta = |kind: &str, piece: &str| json!({"type": format!("response.{kind}.delta"), "item_id": "i", "output_index": 0, "content_index": 0, "delta": piece});
        named(&[
            delta("output_text", a),
            delta("output_text", b),
            delta("output_text", " P"),
            json!({"type": "response.output_text.done", "item_id": "i", "output_index": 0, "content_index": 0, "text": format!("{pii} P")}),
            json!({"type": "response.function_call_arguments.delta", "item_id": "j", "output_index": 1, "delta": format!("{{\"a\":\"{a}")}),
            json!({"type": "response.function_call_arguments.delta", "item_id": "j", "output_index": 1, "delta": b}),
            json!({"type": "response.function_call_arguments.done", "item_id": "j", "output_index": 1, "arguments": format!("{{\"a\":\"{pii}\"}}")}),
            json!({"type": "response.completed", "response": {"output": [{"content": [{"text": pii}]}]}}),
        ])
    };
    let seen = streamed(RESPONSES, &body, SSE, 9, answer).await;
    let of = |kind: &str| {
        events(&seen.client)
            .iter()
            .filter(|event| event["type"] == kind)
            .filter_map(|event| event["delta"].as_str().map(str::to_owned))
            .collect::<String>()
    };
    assert_eq!(of("response.output_text.delta"), "bob@example.org P");
    assert_eq!(of("response.function_call_arguments.delta"), "{\"a\":\"bob@example.org");
    assert!(!seen.client.contains("PII_E"), "{}", seen.client);
    let all = events(&seen.client);
    let done = all.iter().position(|event| event["type"] == "response.output_text.done").unwrap();
    assert_eq!(all[done - 1]["delta"], "P");
}

#[tokio::test]
async fn ollama_lines_are_restored_however_they_are_cut() {
    for (path, generate) in [(OLLAMA, false), ("/api/generate", true)] {
        let body = if generate {
            json!({"model": "m", "prompt": MAIL})
        } else {
            json!({"model": "m", "messages": [{"role": "user", "content": MAIL}]})
        }
        .to_string();
        for number in 0..cuts("x PII_EMAIL_00000000 PI").len() {
            let answer = move |sent: &str| {
                let text = format!("x {} PI", first(sent));
                let line = |piece: &str, done: bool| {
                    let mut line = if generate {
                        json!({"model": "m", "response": piece})
                    } else {
                        json!({"model": "m", "message": {"role": "assistant", "content": piece}})
                    };
                    line["done"] = done.into();
                    format!("{line}\n")
                };
                cuts(&text)[number].iter().map(|piece| line(piece, false)).collect::<String>()
                    + &line("", true)
            };
            let seen = streamed(path, &body, "application/x-ndjson", usize::MAX, answer).await;
            let lines: Vec<Value> =
                seen.client.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let text: String = lines
                .iter()
                .map(|line| if generate { &line["response"] } else { &line["message"]["content"] })
                .map(|text| text.as_str().unwrap())
                .collect();
            assert_eq!(text, "x bob@example.org PI", "{number}");
            assert_eq!(lines.iter().filter(|line| line["done"] == true).count(), 1);
        }
    }
}

#[tokio::test]
async fn completions_are_restored() {
    let answer = |sent: &str| {
        let pii = first(sent);
        let (a, b) = pii.split_at(9);
        let chunk = |piece: &str, finish: Option<&str>| json!({"id": "c", "choices": [{"index": 0, "text": piece, "finish_reason": finish}]});
        data(&[chunk(a, None), chunk(b, None), chunk(" p", None), chunk("", Some("length"))])
            + "data: [DONE]\n\n"
    };
    let body = json!({"model": "m", "stream": true, "prompt": MAIL}).to_string();
    let seen = streamed("/v1/completions", &body, SSE, usize::MAX, answer).await;
    let text: String = events(&seen.client)
        .iter()
        .map(|event| event["choices"][0]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(text, "bob@example.org p");
}
