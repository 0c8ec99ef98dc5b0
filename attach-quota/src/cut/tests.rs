//! Streams as the providers' documentation shows them, broken off at some point and ended.

use std::time::Duration;

use attach_core::body::sse_events;
use attach_core::{Api, Usage};
use serde_json::{Value, json};

use super::{Tracker, Why};

/// The events of an answer that was ended after `frames`, each with its name.
fn ending_of(tracker: &Tracker) -> Vec<(Option<String>, Value)> {
    let ending = tracker.ending(&why());
    sse_events(&ending)
        .map(|event| {
            let data = if event.data == "[DONE]" { json!("[DONE]") } else { parse(&event.data) };
            (event.name.map(str::to_owned), data)
        })
        .collect()
}

fn parse(data: &str) -> Value {
    serde_json::from_str(data).expect("an event is JSON")
}

fn why() -> Why<'static> {
    let mut usage = Usage::default();
    (usage.input, usage.output, usage.reasoning) = (25, 9, 2);
    Why { limit: "tpm", code: "quota_exceeded", retry_after: 12, usage, elapsed: Duration::from_millis(1500) }
}

fn attach() -> Value {
    json!({"code": "quota_exceeded", "limit": "tpm", "retry_after": 12})
}

fn tracker(api: Api, include_usage: bool, frames: &[&str]) -> Tracker {
    let mut tracker = Tracker::new(api, include_usage).expect("it streams");
    for frame in frames {
        tracker.push(frame.as_bytes());
    }
    tracker
}

// OpenAI API reference, "The chat completion chunk object".
const CHAT: [&str; 3] = [
    "data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":1694268190,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":1694268190,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":1694268190,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_44709d6fcb\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n",
];

#[test]
fn a_chat_completion_ends_for_its_length_under_its_own_name() {
    let tracker = tracker(Api::OpenAiChat, false, &CHAT[..2]);
    assert!(tracker.has_begun() && !tracker.is_over());
    let last = json!({
        "id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_694_268_190, "model": "gpt-4o-mini",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "length"}],
        "attach": attach(),
    });
    assert_eq!(ending_of(&tracker), [(None, last), (None, json!("[DONE]"))]);
}

#[test]
fn usage_ends_a_chat_completion_for_whom_it_was_asked() {
    let events = ending_of(&tracker(Api::OpenAiChat, true, &CHAT[..2]));
    assert_eq!(events[0].1["usage"], Value::Null);
    assert!(events[0].1.get("usage").is_some(), "every chunk has the member");
    assert_eq!(events[1].1["choices"], json!([]));
    assert_eq!(events[1].1["usage"]["prompt_tokens"], 25);
    assert_eq!(events[1].1["usage"]["completion_tokens"], 9);
    assert_eq!(events[1].1["usage"]["total_tokens"], 34);
    assert_eq!(events[1].1["usage"]["completion_tokens_details"]["reasoning_tokens"], 2);
    assert_eq!(events[2].1, json!("[DONE]"));
}

#[test]
fn what_said_why_it_ends_is_over() {
    assert!(tracker(Api::OpenAiChat, false, &CHAT).is_over());
    assert!(tracker(Api::OpenAiChat, false, &["data: {\"choices\":[]}\n\ndata: [DONE]\n\n"]).is_over());
    assert!(tracker(Api::AnthropicMessages, false, &MESSAGE).is_over());
    assert!(tracker(Api::OllamaChat, false, &["{\"done\":true}\n"]).is_over());
    let completed = "data: {\"type\":\"response.completed\",\"response\":{}}\n\n";
    assert!(tracker(Api::OpenAiResponses, false, &[completed]).is_over());
}

#[test]
fn each_choice_that_is_open_ends_and_no_other() {
    let frames = [
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":2,\"delta\":{}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\n",
    ];
    let events = ending_of(&tracker(Api::OpenAiChat, false, &frames));
    let ended: Vec<_> = events[..2].iter().map(|(_, chunk)| chunk["choices"][0]["index"].as_u64()).collect();
    assert_eq!((ended, events.len()), (vec![Some(0), Some(2)], 3));
}

#[test]
fn a_completion_ends_as_one() {
    let frame = "data: {\"id\":\"cmpl-7iA\",\"object\":\"text_completion\",\"created\":1690759702,\"choices\":[{\"text\":\"This\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}],\"model\":\"gpt-3.5-turbo-instruct\"}\n\n";
    let events = ending_of(&tracker(Api::OpenAiCompletions, false, &[frame]));
    assert_eq!(events[0].1["object"], "text_completion");
    let choice = json!({"index": 0, "text": "", "logprobs": null, "finish_reason": "length"});
    assert_eq!(events[0].1["choices"], json!([choice]));
}

// Anthropic API reference, "Streaming messages", "Streaming request with tool use".
const MESSAGE: [&str; 7] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_014p7gG3wDgGV9EUtLvnow3U\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-4-1-20250805\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":472,\"output_tokens\":2},\"content\":[],\"stop_reason\":null}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Okay\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_01T1x1fJ34qAmk2tNTrN7Up6\",\"name\":\"get_weather\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"location\\\":\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":89}}\n\n",
];

#[test]
fn a_message_closes_its_block_and_stops_for_its_tokens() {
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
        "usage": {"output_tokens": 9},
        "attach": attach(),
    });
    let stop = json!({"type": "message_stop", "attach": attach()});
    for (frames, open) in [(1, None), (2, Some(0)), (3, None), (5, Some(1)), (6, None)] {
        let tracker = tracker(Api::AnthropicMessages, false, &MESSAGE[..frames]);
        assert!(tracker.has_begun() && !tracker.is_over());
        let mut expected = vec![("message_delta", delta.clone()), ("message_stop", stop.clone())];
        if let Some(index) = open {
            expected.insert(0, ("content_block_stop", json!({"type": "content_block_stop", "index": index})));
        }
        let expected: Vec<_> =
            expected.into_iter().map(|(name, data)| (Some(name.to_owned()), data)).collect();
        assert_eq!(ending_of(&tracker), expected, "after {frames} frames");
    }
}

// Ollama docs/api.md, "Generate a chat completion" and "Generate a completion".
#[test]
fn an_ollama_answer_ends_with_the_line_that_is_done() {
    let chat = "{\"model\":\"llama3.2\",\"created_at\":\"2023-08-04T08:52:19.385406455-07:00\",\"message\":{\"role\":\"assistant\",\"content\":\"The\"},\"done\":false}\n";
    let generate = "{\"model\":\"llama3.2\",\"created_at\":\"2023-08-04T08:52:19.385406455-07:00\",\"response\":\"The\",\"done\":false}\n";
    let said = json!({"role": "assistant", "content": ""});
    for (api, line, key, value) in
        [(Api::OllamaChat, chat, "message", said), (Api::OllamaGenerate, generate, "response", json!(""))]
    {
        let tracker = tracker(api, false, &[line]);
        assert!(tracker.has_begun() && !tracker.is_over());
        let ending = tracker.ending(&why());
        assert!(ending.ends_with(b"}\n"));
        let mut expected = json!({
            "model": "llama3.2", "created_at": "2023-08-04T08:52:19.385406455-07:00", "done": true,
            "done_reason": "length", "total_duration": 1_500_000_000, "prompt_eval_count": 25, "eval_count": 9,
            "attach": attach(),
        });
        expected[key] = value;
        assert_eq!(parse(std::str::from_utf8(&ending).expect("UTF-8")), expected);
    }
}

// OpenAI API reference, "Streaming events" of Responses.
const RESPONSE: [&str; 4] = [
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_67c9\",\"object\":\"response\",\"created_at\":1741290958,\"status\":\"in_progress\",\"error\":null,\"incomplete_details\":null,\"instructions\":\"You are a helpful assistant.\",\"model\":\"gpt-4.1-2025-04-14\",\"output\":[],\"parallel_tool_calls\":true,\"usage\":null}}\n\n",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":2,\"output_index\":0,\"item\":{\"id\":\"msg_67c9\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n",
    "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":3,\"item_id\":\"msg_67c9\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_67c9\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hi\"}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":5,\"item_id\":\"msg_67c9\",\"output_index\":0,\"content_index\":0,\"delta\":\" there\"}\n\n",
];

#[test]
fn a_response_closes_what_is_open_and_is_incomplete() {
    let tracker = tracker(Api::OpenAiResponses, false, &RESPONSE);
    assert!(tracker.has_begun() && !tracker.is_over());
    let events = ending_of(&tracker);
    let part = json!({"type": "output_text", "text": "Hi there", "annotations": []});
    let item = json!({
        "id": "msg_67c9", "type": "message", "status": "incomplete", "role": "assistant", "content": [part],
    });
    let place = |mut event: Value, number: u64| {
        event["sequence_number"] = number.into();
        event["output_index"] = 0.into();
        if event.get("item").is_none() {
            event["item_id"] = "msg_67c9".into();
            event["content_index"] = 0.into();
        }
        event
    };
    let text = json!({"type": "response.output_text.done", "text": "Hi there", "logprobs": []});
    assert_eq!(events[0], (Some("response.output_text.done".into()), place(text, 6)));
    assert_eq!(events[1].1, place(json!({"type": "response.content_part.done", "part": part}), 7));
    assert_eq!(events[2].1, place(json!({"type": "response.output_item.done", "item": item}), 8));
    let last = &events[3].1;
    assert_eq!((&last["type"], &last["sequence_number"]), (&json!("response.incomplete"), &json!(9)));
    assert_eq!(last["attach"], attach());
    let response = &last["response"];
    assert_eq!(response["id"], "resp_67c9");
    assert_eq!(response["instructions"], "You are a helpful assistant.");
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(response["output"], json!([item]));
    assert_eq!(response["usage"]["output_tokens_details"], json!({"reasoning_tokens": 2}));
    assert_eq!(events.len(), 4);
}

#[test]
fn a_response_that_is_calling_a_function_closes_the_call() {
    let frames = [
        RESPONSE[0],
        "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]},\"sequence_number\":2}\n\n",
        "data: {\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"id\":\"fc_1\",\"type\":\"function_call\",\"status\":\"in_progress\",\"arguments\":\"\",\"call_id\":\"call_1\",\"name\":\"get_weather\"},\"sequence_number\":3}\n\n",
        "data: {\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"fc_1\",\"output_index\":1,\"delta\":\"{\\\"loc\",\"sequence_number\":4}\n\n",
    ];
    let events = ending_of(&tracker(Api::OpenAiResponses, false, &frames));
    let kinds: Vec<_> = events.iter().map(|(name, _)| name.as_deref().unwrap_or_default()).collect();
    let expected =
        ["response.function_call_arguments.done", "response.output_item.done", "response.incomplete"];
    assert_eq!(kinds, expected);
    assert_eq!(events[0].1["arguments"], "{\"loc");
    assert_eq!(events[0].1["item_id"], "fc_1");
    assert_eq!(events[1].1["item"]["status"], "incomplete");
    assert_eq!(events[1].1["item"]["arguments"], "{\"loc");
    let output = &events[2].1["response"]["output"];
    assert_eq!((&output[0]["id"], &output[1]["id"]), (&json!("rs_1"), &json!("fc_1")));
}

#[test]
fn a_response_that_is_too_long_to_be_repeated_ends_all_the_same() {
    let mut tracker = tracker(Api::OpenAiResponses, false, &RESPONSE[..3]);
    let delta = format!(
        "data: {{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"{}\"}}\n\n",
        "long ".repeat(20_000)
    );
    for _ in 0..20 {
        tracker.push(delta.as_bytes());
    }
    let events = ending_of(&tracker);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1["response"]["output"], json!([]));
    assert_eq!(events[0].1["response"]["status"], "incomplete");
}

#[test]
fn odd_input_is_passed_over() {
    let odd = [
        "",
        ": comment\n\n",
        "data: [1,2]\n\n",
        "data: 7\n\n",
        "data: \"text\"\n\n",
        "data: {\"choices\":7,\"type\":[],\"index\":-1,\"response\":3,\"output_index\":\"0\"}\n\n",
        "data: {\"choices\":[7,null,{\"index\":\"x\",\"finish_reason\":3}],\"id\":[],\"created\":\"now\"}\n\n",
        "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":[1]}\n\n",
        "data: {\"type\":\"response.content_part.added\",\"output_index\":0,\"content_index\":9,\"part\":1}\n\n",
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":5}\n\n",
        "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"x\"}\n\n",
        "event: content_block_start\ndata: {\"index\":18446744073709551615}\n\n",
        "{\"model\":5,\"message\":null}\n\u{fffd}\n{",
    ];
    for api in [
        Api::OpenAiChat,
        Api::OpenAiCompletions,
        Api::OpenAiResponses,
        Api::AnthropicMessages,
        Api::OllamaChat,
        Api::OllamaGenerate,
    ] {
        let tracker = tracker(api, true, &odd);
        assert!(!tracker.ending(&why()).is_empty(), "{api:?}");
    }
    assert!(Tracker::new(Api::OpenAiEmbeddings, false).is_none());
}

#[test]
fn what_is_remembered_of_a_stranger_is_bounded() {
    let name = "n".repeat(10_000);
    let mut tracker = tracker(Api::OpenAiChat, false, &[]);
    for index in 0..1000 {
        let chunk = format!(
            "data: {{\"id\":\"{name}\",\"model\":\"m\",\"choices\":[{{\"index\":{index},\"delta\":{{}}}}]}}\n\n"
        );
        tracker.push(chunk.as_bytes());
    }
    let events = ending_of(&tracker);
    assert_eq!(events.len(), 128 + 1);
    assert_eq!((&events[0].1["id"], &events[0].1["model"]), (&Value::Null, &json!("m")));
}
