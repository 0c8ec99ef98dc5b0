//! Anthropic's clients in front of a server that speaks OpenAI's interface, and Ollama's in front of one that speaks
//! Anthropic's.

use serde_json::{Value, json};

use crate::support::wire::{self, openai};
use crate::support::{
    Reply, Step, Upstream, World, answer_text, assert_error, assert_shape, events, question, streamed,
};

const MESSAGES: &str = "/v1/messages";

/// In front of a server of this kind.
async fn world(kind: &str, upstream: Upstream) -> World {
    World::with(upstream, |launch| launch.set("ENGINE_KIND", kind).set("ATTACH_REDACT", "off")).await
}

fn usage(world: &World, id: &str) -> Value {
    let usage = world.gateway.trail(id).outcome()["usage"].clone();
    assert_eq!(usage["source"], "upstream");
    json!([usage["input_tokens"], usage["output_tokens"]])
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn a_message_is_translated_both_ways() {
    let world = world("openai", Upstream::model().await).await;
    let body = json!({
        "model": "gpt-4o", "max_tokens": 40, "system": "Be brief.", "temperature": 0.50, "top_k": 3, "stop_sequences": ["END"],
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": [{"type": "text", "text": "hi"}]},
            {"role": "user", "content": "again"},
        ],
        "metadata": {"user_id": "u-1"},
    });
    let text = body.to_string().replace("0.5,", "0.50,");
    let answer = world.post(MESSAGES).body(text).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.path, "/v1/chat/completions");
    assert!(seen.text().contains("\"temperature\":0.50"), "{}", seen.text());
    assert!(!seen.text().contains("u-1") && seen.header("anthropic-version").is_none());
    let sent = seen.json();
    assert_eq!(sent["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!((&sent["stop"], &sent["messages"][3]["content"]), (&json!(["END"]), &json!("again")));
    let dropped = answer.header("x-attach-dropped").unwrap();
    assert!(dropped.contains("metadata") && dropped.contains("top_k"), "{dropped}");
    let said = answer.json();
    assert_eq!(said["id"], format!("msg_{}", answer.id()));
    assert_eq!(
        (&said["type"], &said["role"], &said["model"]),
        (&json!("message"), &json!("assistant"), &json!("gpt-4o"))
    );
    assert_eq!(said["content"], json!([{"type": "text", "text": "You said: again"}]));
    assert_eq!((&said["stop_reason"], &said["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    assert_eq!(
        said["usage"],
        json!({"input_tokens": wire::INPUT, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": wire::OUTPUT})
    );
    let trail = world.gateway.trail(&answer.id());
    assert_eq!((&trail.outcome()["route"]["api"], trail.end()), (&json!("anthropic.messages"), "complete"));
    assert_eq!(usage(&world, &answer.id()), json!([wire::INPUT, wire::OUTPUT]));
}

#[tokio::test]
async fn a_stream_becomes_a_stream_of_blocks_wherever_it_is_split() {
    for (letters, bytes) in [(1, 4096), (4, 1), (3, 7), (1000, 13)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world("openai", upstream).await;
        let body = streamed(MESSAGES, "gpt-4o", "count Grüße 👋");
        let answer = world.post(MESSAGES).json(&body).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(world.upstream.only().json()["stream_options"], json!({"include_usage": true}));
        assert_eq!(answer_text(&answer.text()), "You said: count Grüße 👋");
        let frames = events(&answer.text());
        let expected = [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(kinds(&frames), expected);
        for (frame, kind) in
            frames.iter().zip(answer.text().lines().filter_map(|line| line.strip_prefix("event: ")))
        {
            assert_eq!(frame["type"], kind);
        }
        assert_eq!(frames[0]["message"]["id"], format!("msg_{}", answer.id()));
        let last = &frames[frames.len() - 2];
        assert_eq!(last["delta"], json!({"stop_reason": "end_turn", "stop_sequence": null}));
        assert_eq!(last["usage"]["output_tokens"], wire::OUTPUT);
        assert_eq!(usage(&world, &answer.id()), json!([wire::INPUT, wire::OUTPUT]));
    }
}

/// A model that thinks, and asks for two tools at once, in pieces that interleave.
pub(crate) fn agent(stream: bool) -> Reply {
    let call = |index: u64, id: Option<&str>, name: Option<&str>, arguments: &str| json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]});
    if !stream {
        let mut answer = openai::chat(&wire::Said { model: "m".into(), text: String::new(), usage: true });
        let mut message = call(0, Some("call_a"), Some("weather"), "{\"city\":\"Bonn\"}");
        let second = call(1, Some("call_b"), Some("time"), "{\"zone\":\"CET\"}");
        message["tool_calls"].as_array_mut().unwrap().push(second["tool_calls"][0].clone());
        (message["role"], message["content"], message["reasoning_content"]) =
            (json!("assistant"), Value::Null, json!("hm"));
        (answer["choices"][0]["message"], answer["choices"][0]["finish_reason"]) =
            (message, json!("tool_calls"));
        return Reply::json(200, &answer);
    }
    let chunk = |delta: Value, finish: Value| openai::chat_chunk("m", &delta, &finish);
    let deltas = [
        json!({"role": "assistant", "reasoning_content": "hm"}),
        call(0, Some("call_a"), Some("weather"), ""),
        call(0, None, None, "{\"city\":"),
        call(1, Some("call_b"), Some("time"), "{\"zone\":"),
        call(0, None, None, "\"Bonn\"}"),
        call(1, None, None, "\"CET\"}"),
    ];
    let events = deltas.into_iter().map(|delta| chunk(delta, Value::Null));
    let end = [chunk(json!({}), json!("tool_calls")), "data: [DONE]\n\n".to_owned()];
    Reply::events("text/event-stream", events.chain(end).collect::<Vec<_>>())
}

/// The blocks of an answer, whole or put together from its stream.
fn blocks(text: &str) -> Vec<Value> {
    if let Ok(whole) = serde_json::from_str::<Value>(text) {
        return whole["content"].as_array().unwrap().clone();
    }
    let mut blocks: Vec<Value> = Vec::new();
    for frame in events(text) {
        if frame["type"] == "content_block_start" {
            assert_eq!(frame["index"], blocks.len());
            blocks.push(frame["content_block"].clone());
        } else if frame["type"] == "content_block_delta" {
            assert_eq!(frame["index"], blocks.len() - 1);
            let block = blocks.last_mut().unwrap();
            for (key, piece) in frame["delta"].as_object().unwrap().iter().filter(|(key, _)| *key != "type") {
                block[key] =
                    json!(block[key].as_str().unwrap_or_default().to_owned() + piece.as_str().unwrap());
            }
        }
    }
    for block in &mut blocks {
        if let Some(json) = block.as_object_mut().unwrap().remove("partial_json") {
            block["input"] = serde_json::from_str(json.as_str().unwrap()).unwrap();
        }
    }
    blocks
}

#[tokio::test]
async fn thoughts_and_parallel_tools_go_there_and_back() {
    let world = world("openai", Upstream::with(|seen| agent(seen.json()["stream"] == true)).await).await;
    for stream in [false, true] {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let body = json!({
            "model": "gpt-4o", "max_tokens": 64, "stream": stream,
            "tools": [{"name": "weather", "description": "The weather", "input_schema": schema}],
            "messages": [
                {"role": "user", "content": "weather?"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}]},
                    {"type": "text", "text": "and Bonn?"},
                ]},
            ],
        });
        let answer = world.post(MESSAGES).json(&body).send().await.expect(200);
        let sent = world.upstream.last().json();
        assert_eq!(
            sent["tools"][0]["function"],
            json!({"name": "weather", "description": "The weather", "parameters": schema})
        );
        let call = &sent["messages"][1]["tool_calls"][0];
        assert_eq!(
            (&call["id"], &call["function"]["arguments"]),
            (&json!("toolu_1"), &json!("{\"city\":\"Rome\"}"))
        );
        assert_eq!(
            sent["messages"][2],
            json!({"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"})
        );
        assert_eq!(sent["messages"][3], json!({"role": "user", "content": "and Bonn?"}));
        assert_eq!(
            blocks(&answer.text()),
            [
                json!({"type": "thinking", "thinking": "hm", "signature": ""}),
                json!({"type": "tool_use", "id": "call_a", "name": "weather", "input": {"city": "Bonn"}}),
                json!({"type": "tool_use", "id": "call_b", "name": "time", "input": {"zone": "CET"}}),
            ]
        );
        assert!(answer.text().contains("\"stop_reason\":\"tool_use\""));
    }
}

#[tokio::test]
async fn images_become_parts_and_documents_are_refused() {
    let world = world("openai", Upstream::model().await).await;
    let ask = async |block: Value| {
        let content = json!([{"type": "text", "text": "what?"}, block]);
        let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
        world.post(MESSAGES).json(&body).send().await
    };
    let source = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0K"});
    ask(json!({"type": "image", "source": source})).await.expect(200);
    let parts = world.upstream.only().json()["messages"][0]["content"].clone();
    assert_eq!(parts[1]["image_url"]["url"], "data:image/png;base64,iVBORw0K");
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="});
    let answer = ask(json!({"type": "document", "source": source})).await.expect(400);
    assert_shape(MESSAGES, &answer, "unsupported_field");
    assert_eq!(answer.json()["error"]["param"], "$.messages[0].content[1]");
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn errors_come_in_anthropics_shape_with_their_status() {
    for (status, kind) in
        [(404, "not_found_error"), (429, "rate_limit_error"), (500, "api_error"), (529, "overloaded_error")]
    {
        let upstream = Upstream::with(move |_| {
            let body = json!({"error": {"message": "the server's own words", "type": "x", "code": "y"}});
            Reply::json(status, &body).header("retry-after", "17")
        })
        .await;
        let world = world("openai", upstream).await;
        for body in [question(MESSAGES, "m", "hello"), streamed(MESSAGES, "m", "hello")] {
            let answer = world.post(MESSAGES).json(&body).send().await.expect(status);
            let said = answer.json();
            assert_eq!(
                said["error"],
                json!({"type": kind, "message": "the server's own words", "code": "y"})
            );
            assert_eq!((&said["type"], &said["request_id"]), (&json!("error"), &json!(answer.id())));
            assert_eq!(answer.header("retry-after"), Some("17"));
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_in_an_error_event() {
    let upstream = Upstream::with(|_| {
        let event = openai::chat_chunk("m", &json!({"content": "one"}), &Value::Null);
        Reply::stream("text/event-stream", vec![Step::Send(event.into()), Step::Break])
    })
    .await;
    let world = world("openai", upstream).await;
    let answer = world.post(MESSAGES).json(&streamed(MESSAGES, "m", "x")).send().await.expect(200);
    let frames = events(&answer.text());
    assert_eq!(kinds(&frames), ["message_start", "content_block_start", "content_block_delta", "error"]);
    assert_error(MESSAGES, frames.last().unwrap(), "upstream_broke");
    assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error");
}

#[tokio::test]
async fn personal_data_is_replaced_and_restored_on_the_way() {
    for bytes in [1, 7, 4096] {
        let upstream = Upstream::with(move |seen| wire::model_in_words(seen, 3).in_pieces_of(bytes)).await;
        let world = World::with(upstream, |launch| launch.set("ENGINE_KIND", "openai")).await;
        let text = "mail jane.doe@example.com today";
        for body in [question(MESSAGES, "m", text), streamed(MESSAGES, "m", text)] {
            let answer = world.post(MESSAGES).json(&body).send().await.expect(200);
            assert!(!world.upstream.last().text().contains("jane.doe"));
            assert_eq!(answer_text(&answer.text()), format!("You said: {text}"));
            let trail = world.gateway.trail(&answer.id());
            assert_eq!(trail.outcome()["redaction"]["counts"]["EMAIL_ADDRESS"], 1);
        }
    }
}

#[tokio::test]
async fn ollamas_clients_reach_anthropics_server() {
    for (letters, bytes) in [(4, 1), (3, 7), (1000, 4096)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world("anthropic", upstream).await;
        for (path, stream) in
            [("/api/chat", true), ("/api/chat", false), ("/api/generate", true), ("/api/generate", false)]
        {
            let body = json!({
                "model": "claude-haiku-4-5", "prompt": "count Grüße 👋", "stream": stream,
                "options": {"num_predict": 40, "temperature": 2.0, "seed": 7},
            });
            let answer = world.post(path).json(&body).send().await.expect(200);
            let seen = world.upstream.last();
            assert_eq!(
                (seen.path.as_str(), seen.header("anthropic-version")),
                (MESSAGES, Some("2023-06-01"))
            );
            let sent = seen.json();
            assert_eq!((&sent["max_tokens"], &sent["temperature"]), (&json!(40), &json!(1)));
            assert_eq!(answer.header("x-attach-dropped"), Some("temperature, seed"));
            assert_eq!(answer_text(&answer.text()), "You said: count Grüße 👋");
            let last = events(&answer.text()).pop().unwrap();
            assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
            assert_eq!(
                (&last["prompt_eval_count"], &last["eval_count"]),
                (&json!(wire::INPUT), &json!(wire::OUTPUT))
            );
            assert_eq!(usage(&world, &answer.id()), json!([wire::INPUT, wire::OUTPUT]));
        }
    }
}

#[tokio::test]
async fn an_overloaded_anthropic_server_is_told_to_ollamas_clients() {
    let upstream = Upstream::with(|seen| {
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        if seen.json()["stream"] != true {
            return Reply::json(529, &error).header("retry-after", "3");
        }
        let start = json!({"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 3, "output_tokens": 1}}});
        let text = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one"}});
        let events = [start, text, error].map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
        Reply::events("text/event-stream", events)
    })
    .await;
    let world = world("anthropic", upstream).await;
    let body = |stream: bool| json!({"model": "claude-opus-5", "prompt": "x", "stream": stream});
    let answer = world.post("/api/chat").json(&body(false)).send().await.expect(529);
    assert_eq!((&answer.json()["error"], answer.header("retry-after")), (&json!("Overloaded"), Some("3")));
    let answer = world.post("/api/chat").json(&body(true)).send().await.expect(200);
    let lines = events(&answer.text());
    assert_eq!(
        (&lines[0]["message"]["content"], lines.last().unwrap()),
        (&json!("one"), &json!({"error": "Overloaded"}))
    );
    assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error");
}
