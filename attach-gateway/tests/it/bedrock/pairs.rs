//! Callers of OpenAI's and Anthropic's interfaces in front of Amazon Bedrock.

use serde_json::{Value, json};

use super::replay::{
    self, INPUT, OUTPUT, SECRET, checked, failure, message, metadata, model, stop, stream, text,
};
use super::{MODEL, signed, world};
use crate::support::{
    CHATS, Reply, Response, Seen, Upstream, World, answer_text, assert_error, events, streamed,
};

/// Those of OpenAI and of Anthropic.
const PAIRS: [&str; 2] = [CHATS[0], CHATS[1]];

const BLOCKED: &str = "Sorry, the model cannot answer this question.";

fn question(path: &str, stream: bool) -> Value {
    let mut body = streamed(path, MODEL, "hello");
    body["stream"] = json!(stream);
    if stream && path == CHATS[0] {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

async fn ask(world: &World, path: &str, stream: bool) -> Response {
    world.post(path).json(&question(path, stream)).send().await
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

/// The question with a tool that has to be called.
fn tool_question(path: &str, stream: bool) -> Value {
    let mut body = question(path, stream);
    let (name, about) = ("weather", "Weather of a city");
    if path == CHATS[0] {
        let function = json!({"name": name, "description": about, "parameters": schema()});
        body["tools"] = json!([{"type": "function", "function": function}]);
        body["tool_choice"] = json!("required");
    } else {
        body["tools"] = json!([{"name": name, "description": about, "input_schema": schema()}]);
        body["tool_choice"] = json!({"type": "any"});
    }
    body
}

/// Calls for two cities, unless there are results already.
fn calls(seen: &Seen) -> Reply {
    if seen.json()["messages"].as_array().unwrap().len() > 1 {
        return model(seen);
    }
    let used = |id: &str, city: &str| json!({"toolUse": {"toolUseId": id, "name": "weather", "input": {"city": city}}});
    if !seen.path.ends_with("/converse-stream") {
        let content =
            json!([{"text": "Let me look."}, used("tooluse_1", "Paris"), used("tooluse_2", "Rome")]);
        return replay::whole(&content, "tool_use");
    }
    let call = |block: u64, id: &str, pieces: [&str; 2]| {
        let start = json!({"toolUse": {"toolUseId": id, "name": "weather"}});
        let begun = json!({"contentBlockIndex": block, "start": start});
        let delta = |input: &str| {
            let delta = json!({"contentBlockIndex": block, "delta": {"toolUse": {"input": input}}});
            replay::event("contentBlockDelta", &delta)
        };
        [
            replay::event("contentBlockStart", &begun),
            delta(pieces[0]),
            delta(pieces[1]),
            replay::event("contentBlockStop", &json!({"contentBlockIndex": block})),
        ]
    };
    let mut all = vec![text("Let me look.")];
    all.extend(call(1, "tooluse_1", ["{\"city\":", "\"Paris\"}"]));
    all.extend(call(2, "tooluse_2", ["{\"ci", "ty\":\"Rome\"}"]));
    all.extend([stop("tool_use"), metadata()]);
    stream(all)
}

/// Id, name and arguments of the calls in an answer, and why it stopped.
fn called(path: &str, body: &str) -> (Vec<(String, String, Value)>, String) {
    let mut calls: Vec<(String, String, String)> = Vec::new();
    let mut why = String::new();
    for event in events(body) {
        if path == CHATS[0] {
            let choice = &event["choices"][0];
            why = choice["finish_reason"].as_str().map_or(why, str::to_owned);
            let said = [&choice["message"]["tool_calls"], &choice["delta"]["tool_calls"]];
            for part in said.into_iter().filter_map(Value::as_array).flatten() {
                let at = part["index"].as_u64().map_or(calls.len(), |at| usize::try_from(at).unwrap());
                if at == calls.len() {
                    calls.push(Default::default());
                }
                calls[at].0 += part["id"].as_str().unwrap_or_default();
                calls[at].1 += part["function"]["name"].as_str().unwrap_or_default();
                calls[at].2 += part["function"]["arguments"].as_str().unwrap_or_default();
            }
            continue;
        }
        let stops = [&event["stop_reason"], &event["delta"]["stop_reason"]];
        why = stops.into_iter().find_map(Value::as_str).map_or(why, str::to_owned);
        let whole = event["content"].as_array().into_iter().flatten();
        for block in whole.chain([&event["content_block"]]).filter(|block| block["type"] == "tool_use") {
            let input = Some(block["input"].to_string()).filter(|input| input != "{}").unwrap_or_default();
            let part = |name: &str| block[name].as_str().unwrap().to_owned();
            calls.push((part("id"), part("name"), input));
        }
        if let Some(piece) = event["delta"]["partial_json"].as_str() {
            calls.last_mut().unwrap().2 += piece;
        }
    }
    let parsed = calls.into_iter().map(|(id, name, text)| (id, name, serde_json::from_str(&text).unwrap()));
    (parsed.collect(), why)
}

/// The conversation after the calls: what the assistant said, and the tools' results.
fn with_results(path: &str, mut body: Value) -> Value {
    let first = body["messages"][0].clone();
    let ids = [("tooluse_1", "Paris", "sunny"), ("tooluse_2", "Rome", "rain")];
    if path == CHATS[0] {
        let call = |(id, city, _): (&str, &str, &str)| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": json!({"city": city}).to_string()}});
        let result =
            |(id, _, said): (&str, &str, &str)| json!({"role": "tool", "tool_call_id": id, "content": said});
        let said = json!({"role": "assistant", "content": "Let me look.", "tool_calls": ids.map(call)});
        body["messages"] = json!([first, said, result(ids[0]), result(ids[1])]);
        body["tool_choice"] = json!("auto");
    } else {
        let call = |(id, city, _): (&str, &str, &str)| json!({"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}});
        let result = |(id, _, said): (&str, &str, &str)| json!({"type": "tool_result", "tool_use_id": id, "content": said});
        let said = [json!({"type": "text", "text": "Let me look."}), call(ids[0]), call(ids[1])];
        body["messages"] = json!([
            first,
            {"role": "assistant", "content": said},
            {"role": "user", "content": ids.map(result)},
        ]);
        body["tool_choice"] = json!({"type": "auto"});
    }
    body
}

#[tokio::test]
async fn tools_go_to_bedrock_and_calls_and_results_come_and_go() {
    for (path, why) in PAIRS.into_iter().zip(["tool_calls", "tool_use"]) {
        for stream in [false, true] {
            let world = signed(calls).await;
            let body = tool_question(path, stream);
            let answer = world.post(path).json(&body).send().await.expect(200);
            let spec = json!({"name": "weather", "description": "Weather of a city", "inputSchema": {"json": schema()}});
            let sent = world.upstream.last().json();
            assert_eq!(sent["toolConfig"], json!({"tools": [{"toolSpec": spec}], "toolChoice": {"any": {}}}));
            let (calls, stopped) = called(path, &answer.text());
            let call = |id: &str, city: &str| (id.to_owned(), "weather".to_owned(), json!({"city": city}));
            assert_eq!(calls, [call("tooluse_1", "Paris"), call("tooluse_2", "Rome")], "{path} {stream}");
            assert_eq!(stopped, why, "{path} {stream}: {}", answer.text());
            assert_eq!(answer_text(&answer.text()), "Let me look.");
            world.post(path).json(&with_results(path, body)).send().await.expect(200);
            let sent = world.upstream.last().json();
            let used = |id: &str, city: &str| json!({"toolUse": {"toolUseId": id, "name": "weather", "input": {"city": city}}});
            let said =
                json!([{"text": "Let me look."}, used("tooluse_1", "Paris"), used("tooluse_2", "Rome")]);
            assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": said}), "{path}");
            let results = sent["messages"][2]["content"].as_array().unwrap();
            let result = |result: &Value| {
                (
                    result["toolResult"]["toolUseId"].clone(),
                    result["toolResult"]["content"][0]["text"].clone(),
                )
            };
            let results: Vec<_> = results.iter().map(result).collect();
            assert_eq!(results, [(json!("tooluse_1"), json!("sunny")), (json!("tooluse_2"), json!("rain"))]);
        }
    }
}

#[tokio::test]
async fn what_was_used_is_in_the_answer_and_in_the_record() {
    for path in PAIRS {
        for (stream, size) in [(false, usize::MAX), (true, 1), (true, 64), (true, usize::MAX)] {
            let world = signed(move |seen| model(seen).in_pieces_of(size)).await;
            let answer = ask(&world, path, stream).await.expect(200);
            let text = answer.text();
            assert_eq!(answer_text(&text), "You said: hello", "{path} {stream}");
            let usage = events(&text)
                .into_iter()
                .rev()
                .find_map(|event| event.get("usage").filter(|usage| !usage.is_null()).cloned());
            let usage = usage.expect("an event that says it");
            if path == CHATS[0] {
                assert_eq!(
                    (&usage["prompt_tokens"], &usage["completion_tokens"]),
                    (&json!(INPUT), &json!(OUTPUT))
                );
                assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 10, "{usage}");
                assert!(!stream || text.ends_with("data: [DONE]\n\n"), "{text}");
            } else {
                assert_eq!(usage["output_tokens"], OUTPUT, "{usage}");
                assert_eq!(
                    (&usage["input_tokens"], &usage["cache_read_input_tokens"]),
                    (&json!(20), &json!(10))
                );
                assert!(!stream || text.contains("event: message_stop"), "{text}");
            }
            let trail = world.gateway.finished(&answer.id()).await;
            let usage = &trail.outcome()["usage"];
            assert_eq!((trail.end(), &usage["source"]), ("complete", &json!("upstream")), "{path} {stream}");
            assert_eq!(
                (&usage["output_tokens"], &usage["cache_read_input_tokens"]),
                (&json!(OUTPUT), &json!(10))
            );
        }
    }
}

#[tokio::test]
async fn throttling_is_a_429_in_the_callers_shape_with_its_time() {
    for path in PAIRS {
        for stream in [false, true] {
            let world = signed(|_| {
                failure(429, "ThrottlingException", "Too many requests, please wait.")
                    .header("retry-after", "17")
            })
            .await;
            let answer = ask(&world, path, stream).await.expect(429);
            assert_eq!(answer.header("retry-after"), Some("17"));
            let error = answer.json();
            assert_error(path, &error, "ThrottlingException");
            assert_eq!(error["error"]["message"], "Too many requests, please wait.");
            assert_eq!(error["error"]["type"], "rate_limit_error", "{path}: {error}");
        }
        let slow = message("exception", "throttlingException", &json!({"message": "slow down"}));
        let world = signed(move |_| stream(vec![text("Hel"), slow.clone()])).await;
        let answer = ask(&world, path, true).await.expect(200);
        let error = events(&answer.text()).into_iter().find(|event| event["error"].is_object());
        assert_eq!(error.expect("an error event")["error"]["message"], "slow down");
        assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error", "{path}");
    }
}

#[tokio::test]
async fn what_a_guardrail_blocks_is_a_content_filter_in_every_dialect() {
    for (path, word) in CHATS.into_iter().zip(["content_filter", "refusal", "content_filter"]) {
        let upstream = Upstream::with(|seen| {
            checked(seen, SECRET, |seen| {
                if seen.path.ends_with("/converse") {
                    replay::whole(&json!([{"text": BLOCKED}]), "guardrail_intervened")
                } else {
                    replay::streamed(BLOCKED, "guardrail_intervened")
                }
            })
        });
        let world = world(upstream.await, "guardrail = { id = \"gr1d2e3f4g5h\", version = \"2\" }").await;
        for stream in [false, true] {
            let answer = ask(&world, path, stream).await.expect(200);
            assert_eq!(answer_text(&answer.text()), BLOCKED, "{path}");
            let places = ["/choices/0/finish_reason", "/stop_reason", "/delta/stop_reason", "/done_reason"];
            let why = events(&answer.text()).iter().rev().find_map(|event| {
                places.iter().find_map(|place| event.pointer(place)?.as_str().map(str::to_owned))
            });
            assert_eq!(why.as_deref(), Some(word), "{path} {stream}");
        }
    }
}

#[tokio::test]
async fn an_error_that_repeats_the_key_is_held_back() {
    let repeated = || format!("bad key {SECRET}");
    for path in CHATS {
        let world = signed(move |_| failure(400, "ValidationException", &repeated())).await;
        let answer = ask(&world, path, false).await.expect(502);
        assert_eq!(answer.code(), "upstream_credential_rejected");
        assert!(!answer.text().contains(SECRET), "{path}");
        let broken = message("exception", "validationException", &json!({"message": repeated()}));
        let world = signed(move |_| stream(vec![text("Hel"), broken.clone()])).await;
        let answer = ask(&world, path, true).await.expect(200);
        assert!(!answer.text().contains(SECRET), "{path}: {}", answer.text());
        assert!(answer.text().contains("upstream_credential_rejected"), "{path}: {}", answer.text());
    }
}
