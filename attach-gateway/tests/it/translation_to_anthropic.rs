//! OpenAI's clients in front of a server that speaks Anthropic's interface, and Anthropic's in front of one that speaks
//! Ollama's.

use serde_json::{Value, json};

use crate::support::wire::{self, anthropic};
use crate::support::{Reply, Upstream, World, answer_text, assert_shape, events, question, streamed};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// In front of a server of this kind.
async fn world(kind: &str, upstream: Upstream) -> World {
    World::with(upstream, |launch| launch.set("ENGINE_KIND", kind).set("ATTACH_REDACT", "off")).await
}

#[tokio::test]
async fn openais_clients_reach_anthropics_server() {
    for (letters, bytes) in [(4, 1), (3, 7), (1000, 4096)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world("anthropic", upstream).await;
        for stream in [true, false] {
            let body = json!({
                "model": "claude-haiku-4-5", "stream": stream, "stream_options": {"include_usage": true},
                "temperature": 0.50, "presence_penalty": 1, "max_completion_tokens": 50, "stop": ["END"],
                "messages": [
                    {"role": "developer", "content": "Be brief."},
                    {"role": "user", "content": "count"},
                    {"role": "user", "content": "Grüße 👋"},
                ],
            });
            let answer = world.post(CHAT).json(&body).send().await.expect(200);
            let seen = world.upstream.last();
            assert_eq!(
                (seen.path.as_str(), seen.header("anthropic-version")),
                (MESSAGES, Some("2023-06-01"))
            );
            let texts = ["count", "Grüße 👋"].map(|text| json!({"type": "text", "text": text}));
            assert_eq!(
                seen.json(),
                json!({
                    "model": "claude-haiku-4-5", "max_tokens": 50, "stream": stream, "system": "Be brief.",
                    "temperature": 0.5, "stop_sequences": ["END"], "messages": [{"role": "user", "content": texts}],
                })
            );
            assert_eq!(answer.header("x-attach-dropped"), Some("presence_penalty"));
            assert!(answer_text(&answer.text()).ends_with("Grüße 👋"), "{}", answer.text());
            let usage = events(&answer.text()).pop().unwrap_or_else(|| answer.json())["usage"].clone();
            assert_eq!(
                (&usage["prompt_tokens"], &usage["completion_tokens"]),
                (&json!(wire::INPUT), &json!(wire::OUTPUT))
            );
            let trail = world.gateway.trail(&answer.id());
            assert_eq!(
                (&trail.outcome()["usage"]["output_tokens"], trail.end()),
                (&json!(wire::OUTPUT), "complete")
            );
        }
    }
}

/// A model that asks for two tools.
fn agent(stream: bool) -> Reply {
    let call = |id: &str, name: &str, input: Value| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    let calls = [call("toolu_1", "weather", json!({"city": "Bonn"})), call("toolu_2", "time", json!({}))];
    let said = wire::Said { model: "m".into(), text: String::new(), usage: true };
    let mut message = anthropic::message(&said);
    if !stream {
        (message["content"], message["stop_reason"]) = (json!(calls), json!("tool_use"));
        return Reply::json(200, &message);
    }
    (message["content"], message["stop_reason"]) = (json!([]), Value::Null);
    let mut steps = vec![json!({"type": "message_start", "message": message})];
    for (index, mut call) in calls.into_iter().enumerate() {
        let input = std::mem::replace(&mut call["input"], json!({})).to_string();
        steps.push(json!({"type": "content_block_start", "index": index, "content_block": call}));
        for piece in [&input[..1], &input[1..]] {
            steps.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}}));
        }
        steps.push(json!({"type": "content_block_stop", "index": index}));
    }
    steps.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 9}}));
    steps.push(json!({"type": "message_stop"}));
    let event = |step: &Value| format!("event: {}\ndata: {step}\n\n", step["type"].as_str().unwrap());
    Reply::events("text/event-stream", steps.iter().map(event).collect::<Vec<_>>())
}

/// The calls of an answer, whole or put together from its stream: id, name, arguments.
fn calls(text: &str) -> Vec<[String; 3]> {
    let mut calls: Vec<[String; 3]> = Vec::new();
    for event in events(text) {
        let choice = &event["choices"][0];
        let pieces = [&choice["message"]["tool_calls"], &choice["delta"]["tool_calls"]];
        for (place, piece) in pieces.into_iter().filter_map(Value::as_array).flatten().enumerate() {
            let at = piece["index"].as_u64().map_or(place, |at| usize::try_from(at).unwrap());
            calls.resize_with(calls.len().max(at + 1), Default::default);
            let found = [&piece["id"], &piece["function"]["name"], &piece["function"]["arguments"]];
            for (slot, found) in calls[at].iter_mut().zip(found) {
                slot.push_str(found.as_str().unwrap_or_default());
            }
        }
    }
    calls
}

#[tokio::test]
async fn tools_of_openais_clients_go_there_and_back() {
    let world = world("anthropic", Upstream::with(|seen| agent(seen.json()["stream"] == true)).await).await;
    for stream in [false, true] {
        let body = json!({
            "model": "claude-opus-5", "stream": stream, "tool_choice": "auto", "parallel_tool_calls": false,
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "functions.weather:0", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}},
                ]},
                {"role": "tool", "tool_call_id": "functions.weather:0", "content": "sunny"},
                {"role": "user", "content": "and Bonn?"},
            ],
        });
        let answer = world.post(CHAT).json(&body).send().await.expect(200);
        let sent = world.upstream.last().json();
        assert_eq!(sent["tool_choice"], json!({"type": "auto", "disable_parallel_tool_use": true}));
        assert_eq!(
            sent["messages"],
            json!([
                {"role": "user", "content": [
                    {"type": "text", "text": "this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "functions_weather_0", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "functions_weather_0", "content": [{"type": "text", "text": "sunny"}]},
                    {"type": "text", "text": "and Bonn?"},
                ]},
            ])
        );
        let found = calls(&answer.text());
        let expected = [["toolu_1", "weather", "{\"city\":\"Bonn\"}"], ["toolu_2", "time", "{}"]];
        assert_eq!(found, expected.map(|call| call.map(str::to_owned)));
        assert!(answer.text().contains("\"finish_reason\":\"tool_calls\""));
    }
}

#[tokio::test]
async fn a_schema_is_demanded_of_anthropics_server() {
    let world = world("anthropic", Upstream::model().await).await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let mut body = question(CHAT, "claude-opus-5", "hello");
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    body["reasoning_effort"] = json!("low");
    world.post(CHAT).json(&body).send().await.expect(200);
    let sent = world.upstream.only().json();
    let mut closed = schema;
    closed["additionalProperties"] = json!(false);
    assert_eq!(
        sent["output_config"],
        json!({"effort": "low", "format": {"type": "json_schema", "schema": closed}})
    );
    assert_eq!(sent["thinking"]["type"], "adaptive");
}

#[tokio::test]
async fn errors_of_anthropics_server_come_in_openais_shape() {
    let upstream = Upstream::with(|_| {
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        Reply::json(529, &error).header("retry-after", "3")
    })
    .await;
    let world = world("anthropic", upstream).await;
    let answer = world.post(CHAT).json(&question(CHAT, "claude-opus-5", "hello")).send().await.expect(529);
    let error = answer.json()["error"].clone();
    assert_eq!((&error["message"], answer.header("retry-after")), (&json!("Overloaded"), Some("3")));
    let mut several = question(CHAT, "claude-opus-5", "hello");
    several["messages"] = json!([{"role": "assistant", "content": "Hello!"}]);
    let answer = world.post(CHAT).json(&several).send().await.expect(400);
    assert_shape(CHAT, &answer, "invalid_request");
}

#[tokio::test]
async fn anthropics_clients_reach_ollamas_server() {
    for (letters, bytes) in [(4, 1), (3, 7), (1000, 4096)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world("ollama", upstream).await;
        for body in
            [question(MESSAGES, "llama3", "count Grüße 👋"), streamed(MESSAGES, "llama3", "count Grüße 👋")]
        {
            let answer = world.post(MESSAGES).json(&body).send().await.expect(200);
            let seen = world.upstream.last();
            assert_eq!(
                (seen.path.as_str(), &seen.json()["options"]["num_predict"]),
                ("/api/chat", &json!(64))
            );
            assert_eq!(answer_text(&answer.text()), "You said: count Grüße 👋");
            assert!(answer.text().contains("\"stop_reason\":\"end_turn\""));
            assert!(answer.text().contains(&format!("\"output_tokens\":{}", wire::OUTPUT)));
            if body["stream"] == true {
                assert_eq!(answer.header("content-type"), Some("text/event-stream"));
                assert_eq!(events(&answer.text()).last().unwrap()["type"], "message_stop");
            }
        }
    }
}

#[tokio::test]
async fn a_call_of_ollamas_model_has_an_id_for_anthropics_clients() {
    let upstream = Upstream::with(|_| {
        Reply::json(200, &json!({
            "model": "llama3", "created_at": "2023-08-04T08:52:19.385406455-07:00", "done": true, "done_reason": "stop",
            "message": {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Bonn"}}},
                {"function": {"name": "weather", "arguments": {"city": "Rome"}}},
            ]},
            "prompt_eval_count": 3, "eval_count": 4,
        }))
    })
    .await;
    let world = world("ollama", upstream).await;
    let answer =
        world.post(MESSAGES).json(&question(MESSAGES, "llama3", "weather?")).send().await.expect(200);
    let said = answer.json();
    assert_eq!(
        (&said["stop_reason"], &said["content"][1]["input"]),
        (&json!("tool_use"), &json!({"city": "Rome"}))
    );
    let ids = [&said["content"][0]["id"], &said["content"][1]["id"]];
    assert!(ids.iter().all(|id| id.as_str().is_some_and(|id| !id.is_empty())) && ids[0] != ids[1], "{said}");
}
