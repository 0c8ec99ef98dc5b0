//! Ollama's clients in front of a server that speaks OpenAI's interface.

use serde_json::{Value, json};

use crate::support::wire::{self, openai};
use crate::support::{Reply, Step, Upstream, World, answer_text, events, question};

async fn world(upstream: Upstream) -> World {
    World::with(upstream, |launch| launch.set("ENGINE_KIND", "openai")).await
}

fn done(answer: &Value) {
    assert_eq!((&answer["done"], &answer["done_reason"]), (&json!(true), &json!("stop")));
    assert_eq!(answer["prompt_eval_count"], wire::INPUT);
    assert_eq!(answer["eval_count"], wire::OUTPUT);
    assert!(answer["total_duration"].as_u64().unwrap() > 0);
    assert!(answer["created_at"].as_str().unwrap().contains('T'));
}

#[tokio::test]
async fn a_chat_is_translated_both_ways() {
    let world = world(Upstream::model().await).await;
    let body = json!({
        "model": "llama3",
        "stream": false,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "again"},
        ],
        "options": {"temperature": 0.50, "top_p": 0.9, "seed": 7, "num_predict": 40, "stop": ["\n"], "num_ctx": 8192},
        "keep_alive": "5m",
        "format": "json",
    });
    // Numbers are passed as they were written.
    let text = body.to_string().replace("0.5,", "0.50,");
    let answer = world.post("/api/chat").body(text).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.path, "/v1/chat/completions");
    let sent = seen.json();
    assert_eq!(sent["messages"], body["messages"]);
    assert_eq!(
        (&sent["model"], &sent["stream"], &sent["max_tokens"]),
        (&json!("llama3"), &json!(false), &json!(40))
    );
    assert_eq!((&sent["seed"], &sent["top_p"], &sent["stop"]), (&json!(7), &json!(0.9), &json!(["\n"])));
    assert!(seen.text().contains("\"temperature\":0.50"), "{}", seen.text());
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
    assert!(sent.get("options").is_none() && sent.get("keep_alive").is_none());
    assert_eq!(seen.header("x-attach-user"), Some("alice"));
    let dropped = answer.header("x-attach-dropped").unwrap();
    assert!(dropped.contains("num_ctx") && dropped.contains("keep_alive"), "{dropped}");
    let said = answer.json();
    assert_eq!(said["message"], json!({"role": "assistant", "content": "You said: again"}));
    assert_eq!(said["model"], "llama3");
    done(&said);
    let trail = world.gateway.trail(&answer.id());
    assert_eq!((&trail.outcome()["route"]["api"], trail.end()), (&json!("ollama.chat"), "complete"));
    assert_eq!(trail.outcome()["usage"]["source"], "upstream");
}

#[tokio::test]
async fn a_stream_is_translated_wherever_it_is_split() {
    for (letters, bytes) in [(1, 4096), (4, 1), (3, 7), (1000, 13)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world(upstream).await;
        let body = json!({"model": "llama3", "prompt": "count Grüße 👋"});
        for path in ["/api/chat", "/api/generate"] {
            let answer = world.post(path).json(&body).send().await.expect(200);
            assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
            let sent = world.upstream.last().json();
            assert_eq!(sent["stream_options"], json!({"include_usage": true}));
            let lines = events(&answer.text());
            assert!(answer.text().ends_with("}\n"));
            assert_eq!(answer_text(&answer.text()), "You said: count Grüße 👋");
            assert!(lines[..lines.len() - 1].iter().all(|line| line["done"] == false));
            done(lines.last().unwrap());
            let key = if path == "/api/chat" { "message" } else { "response" };
            assert!(lines.iter().all(|line| line.get(key).is_some()), "{lines:?}");
            let usage = world.gateway.trail(&answer.id()).outcome()["usage"].clone();
            assert_eq!(
                (&usage["output_tokens"], &usage["source"]),
                (&json!(wire::OUTPUT), &json!("upstream"))
            );
        }
    }
}

#[tokio::test]
async fn a_generation_is_translated() {
    let world = world(Upstream::model().await).await;
    let body = json!({"model": "llama3", "system": "Be brief.", "prompt": "why?", "stream": false});
    let answer = world.post("/api/generate").json(&body).send().await.expect(200);
    let sent = world.upstream.only();
    assert_eq!(sent.path, "/v1/chat/completions");
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "why?"}]);
    assert_eq!(sent.json()["messages"], messages);
    assert_eq!(answer.json()["response"], "You said: why?");
    done(&answer.json());
    for field in ["suffix", "template", "context", "raw"] {
        let mut body = body.clone();
        body[field] = if field == "raw" {
            json!(true)
        } else if field == "context" {
            json!([1])
        } else {
            json!("x")
        };
        let answer = world.post("/api/generate").json(&body).send().await;
        assert!((400..500).contains(&answer.status), "{field}: {answer:?}");
    }
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn embeddings_and_lists_of_models_are_translated() {
    let world = world(Upstream::model().await).await;
    let body = json!({"model": "all-minilm", "input": ["one", "two"]});
    let answer = world.post("/api/embed").json(&body).send().await.expect(200).json();
    let sent = world.upstream.only();
    assert_eq!((sent.path.as_str(), &sent.json()["input"]), ("/v1/embeddings", &json!(["one", "two"])));
    assert_eq!(answer["embeddings"], json!([[0.25, -0.5, 0.125], [0.25, -0.5, 0.125]]));
    assert_eq!((&answer["model"], &answer["prompt_eval_count"]), (&json!("all-minilm"), &json!(wire::INPUT)));
    let tags = world.get("/api/tags").send().await.expect(200).json();
    let names: Vec<_> =
        tags["models"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, wire::MODELS);
    assert!(tags["models"][0]["details"].is_object() && tags["models"][0]["model"].is_string());
}

const TOOL_TEXT: &str = "{\"city\":\"Paris\",\"days\":2}";

fn tools(stream: bool) -> Reply {
    let call = |name: Option<&str>, arguments: &str| json!([{"index": 0, "id": "call_abc", "type": "function", "function": {"name": name, "arguments": arguments}}]);
    if !stream {
        let mut answer = openai::chat(&wire::Said { model: "m".into(), text: String::new(), usage: true });
        answer["choices"][0]["message"] =
            json!({"role": "assistant", "content": null, "tool_calls": call(Some("weather"), TOOL_TEXT)});
        answer["choices"][0]["finish_reason"] = json!("tool_calls");
        return Reply::json(200, &answer);
    }
    let chunk = |delta: Value, finish: Value| openai::chat_chunk("m", &delta, &finish);
    let (front, back) = TOOL_TEXT.split_at(9);
    let events = vec![
        chunk(
            json!({"role": "assistant", "content": null, "tool_calls": call(Some("weather"), "")}),
            Value::Null,
        ),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": front}}]}), Value::Null),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": back}}]}), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    Reply::events("text/event-stream", events)
}

#[tokio::test]
async fn tools_go_there_and_back() {
    let upstream = Upstream::with(|seen| tools(seen.json()["stream"] == true)).await;
    let world = world(upstream).await;
    let definition = json!([{"type": "function", "function": {
        "name": "weather", "description": "The weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }}]);
    let body = |stream: bool| {
        json!({
            "model": "llama3", "stream": stream, "tools": definition,
            "messages": [
                {"role": "user", "content": "weather?"},
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}]},
                {"role": "tool", "tool_name": "weather", "content": "sunny"},
                {"role": "user", "content": "and Paris?"},
            ],
        })
    };
    for stream in [false, true] {
        let answer = world.post("/api/chat").json(&body(stream)).send().await.expect(200);
        let sent = world.upstream.last().json();
        assert_eq!(sent["tools"], definition);
        let call = &sent["messages"][1]["tool_calls"][0];
        assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
        let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({"city": "Rome"}));
        assert_eq!(
            (&sent["messages"][2]["role"], &sent["messages"][2]["tool_call_id"]),
            (&json!("tool"), &call["id"])
        );
        let lines = events(&answer.text());
        let calls: Vec<_> = lines.iter().filter_map(|line| line["message"].get("tool_calls")).collect();
        let expected = json!([{"function": {"name": "weather", "arguments": {"city": "Paris", "days": 2}}}]);
        assert_eq!(calls, [&expected], "{lines:?}");
        assert_eq!(lines.last().unwrap()["done"], true);
    }
}

#[tokio::test]
async fn images_are_sent_as_parts() {
    let upstream = Upstream::model().await;
    let world =
        World::with(upstream, |launch| launch.set("ENGINE_KIND", "openai").set("ATTACH_REDACT", "off")).await;
    let body = json!({"model": "llava", "stream": false, "messages": [{"role": "user", "content": "what?", "images": ["iVBORw0K"]}]});
    world.post("/api/chat").json(&body).send().await.expect(200);
    let parts = world.upstream.only().json()["messages"][0]["content"].clone();
    assert_eq!(parts[0], json!({"type": "text", "text": "what?"}));
    assert_eq!(parts[1]["image_url"]["url"], "data:image/png;base64,iVBORw0K");
}

#[tokio::test]
async fn personal_data_is_replaced_and_restored_in_translation() {
    for bytes in [1, 7, 4096] {
        let upstream = Upstream::with(move |seen| wire::model_in_words(seen, 3).in_pieces_of(bytes)).await;
        let world = world(upstream).await;
        for (path, stream) in
            [("/api/chat", true), ("/api/chat", false), ("/api/generate", true), ("/api/generate", false)]
        {
            let body =
                json!({"model": "llama3", "prompt": "mail jane.doe@example.com today", "stream": stream});
            let answer = world.post(path).json(&body).send().await.expect(200);
            assert!(!world.upstream.last().text().contains("jane.doe"));
            assert_eq!(answer_text(&answer.text()), "You said: mail jane.doe@example.com today");
            let trail = world.gateway.trail(&answer.id());
            assert_eq!(trail.outcome()["redaction"]["counts"]["EMAIL_ADDRESS"], 1);
        }
    }
}

#[tokio::test]
async fn a_model_can_be_shown_though_the_server_has_no_word_for_it() {
    let world = world(Upstream::model().await).await;
    let shown = world.post("/api/show").json(&json!({"model": "llama3"})).send().await.expect(200).json();
    assert!(shown["details"].is_object() && shown["capabilities"].is_array(), "{shown}");
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn errors_are_translated() {
    let upstream = Upstream::with(|_| {
        let body = json!({"error": {"message": "model 'x' not found", "type": "invalid_request_error", "code": 404}});
        Reply::json(404, &body)
    })
    .await;
    let world = world(upstream).await;
    for stream in [true, false] {
        let body = json!({"model": "x", "prompt": "hello", "stream": stream});
        let answer = world.post("/api/chat").json(&body).send().await.expect(404);
        assert_eq!(answer.json()["error"], "model 'x' not found");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn a_translated_stream_that_breaks_off_ends_in_an_error() {
    let upstream = Upstream::with(|_| {
        let event = openai::chat_chunk("m", &json!({"content": "one"}), &Value::Null);
        Reply::stream("text/event-stream", vec![Step::Send(event.into()), Step::Break])
    })
    .await;
    let world = world(upstream).await;
    let answer = world.post("/api/chat").json(&json!({"model": "m", "prompt": "x"})).send().await.expect(200);
    let lines = events(&answer.text());
    assert_eq!(lines[0]["message"]["content"], "one");
    assert_eq!(lines[1]["code"], "upstream_broke");
    assert!(lines.iter().all(|line| line["done"] != true), "{lines:?}");
    assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error");
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_502() {
    let world = world(Upstream::with(|_| Reply::text("text/html", "<html>hello</html>")).await).await;
    let body = question("/api/chat", "m", "hello");
    let answer = world.post("/api/chat").json(&body).send().await.expect(502);
    assert_eq!(answer.code(), "upstream_unreadable");
}

#[tokio::test]
async fn pairs_that_are_not_translated_say_so_in_the_callers_shape() {
    let openai = world(Upstream::model().await).await;
    for (path, body) in [("/v1/messages/count_tokens", question("/v1/messages", "m", "hello"))] {
        let answer = openai.post(path).json(&body).send().await.expect(501);
        crate::support::assert_shape(path, &answer, "translation_not_available");
        assert!(openai.gateway.trail(&answer.id()).outcome()["decision"]["http_status"] == 501);
    }
    let anthropic =
        World::with(Upstream::model().await, |launch| launch.set("ENGINE_KIND", "anthropic")).await;
    for path in ["/v1/embeddings", "/api/embed"] {
        let body = json!({"model": "m", "input": "hello"});
        let answer = anthropic.post(path).json(&body).send().await.expect(501);
        crate::support::assert_shape(path, &answer, "translation_not_available");
    }
    let answer = anthropic.post("/v1/messages").json(&question("/v1/messages", "m", "hello")).send().await;
    answer.expect(200);
    assert!(openai.upstream.seen().is_empty());
    assert_eq!(anthropic.upstream.only().header("anthropic-version"), Some("2023-06-01"));
}
