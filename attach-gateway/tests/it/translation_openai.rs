//! OpenAI's clients in front of a server that speaks Ollama's own interface alone.

use serde_json::{Value, json};

use crate::support::tools::{client_py, python};
use crate::support::wire::{self, ollama};
use crate::support::{
    Reply, Seen, Step, TempDir, Upstream, World, answer_text, assert_error, events, question, streamed,
};

const CHAT: &str = "/v1/chat/completions";

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "local"
kind = "ollama"
dialects = ["ollama"]
url = "{UPSTREAM}"

[[price]]
models = "llama3"
input = 2.5
output = 10

[[quota]]
id = "per-user"
each = "user"
tokens = "1000000/min"

[redact]
uninspectable = { images = "allow", token_ids = "allow" }

[access]
default = "allow"
"#;

async fn world(upstream: Upstream) -> World {
    World::file(upstream, FILE).await
}

/// The events of a stream, its end checked and left out.
fn chunks(text: &str) -> Vec<Value> {
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    events(text)
}

#[tokio::test]
async fn a_chat_is_translated_both_ways_and_its_cost_is_right() {
    let world = world(Upstream::model().await).await;
    let body = json!({
        "model": "llama3", "temperature": 0.5, "max_completion_tokens": 40, "stop": "\n", "seed": 7, "reasoning_effort": "low",
        "response_format": {"type": "json_object"}, "logprobs": true, "user": "someone",
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hello"}],
    });
    let text = body.to_string().replace("0.5,", "0.50,");
    let answer = world.post(CHAT).body(text).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.path, "/api/chat");
    assert!(seen.text().contains("\"temperature\":0.50"), "{}", seen.text());
    assert_eq!(
        seen.json(),
        json!({
            "model": "llama3", "stream": false, "format": "json", "think": "low",
            "options": {"temperature": 0.5, "seed": 7, "stop": ["\n"], "num_predict": 40},
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        })
    );
    assert_eq!(answer.header("x-attach-dropped"), Some("logprobs, user"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let said = answer.json();
    assert_eq!((&said["object"], &said["model"]), (&json!("chat.completion"), &json!("llama3")));
    assert_eq!(said["id"], format!("chatcmpl-{}", answer.id()));
    assert_eq!(said["choices"][0]["message"]["content"], "You said: hello");
    assert_eq!(said["usage"]["total_tokens"], wire::INPUT + wire::OUTPUT);
    let trail = world.gateway.trail(&answer.id());
    let outcome = trail.outcome();
    assert_eq!((&outcome["route"]["api"], trail.end()), (&json!("openai.chat"), "complete"));
    let usage = &outcome["usage"];
    assert_eq!((&usage["source"], &usage["input_tokens"]), (&json!("upstream"), &json!(wire::INPUT)));
    // USD 2.50 and 10 for a million tokens.
    assert_eq!(usage["cost_microusd"], (wire::INPUT * 25 + wire::OUTPUT * 100).div_ceil(10), "{usage}");
}

#[tokio::test]
async fn a_stream_is_translated_wherever_it_is_split() {
    for (letters, bytes) in [(1, 4096), (4, 1), (3, 7), (1000, 13)] {
        let upstream =
            Upstream::with(move |seen| wire::model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = world(upstream).await;
        for usage in [true, false] {
            let mut body = streamed(CHAT, "llama3", "count Grüße 👋");
            body["stream_options"] = json!({"include_usage": usage});
            let answer = world.post(CHAT).json(&body).send().await.expect(200);
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
            assert_eq!(answer_text(&answer.text()), "You said: count Grüße 👋");
            let chunks = chunks(&answer.text());
            assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
            let reported = chunks.last().unwrap();
            assert_eq!(reported["usage"]["completion_tokens"].as_u64(), usage.then_some(wire::OUTPUT));
            let finish = &chunks[chunks.len() - 1 - usize::from(usage)];
            assert_eq!(finish["choices"][0]["finish_reason"], "stop");
            let trail = world.gateway.finished(&answer.id()).await;
            let counted = trail.outcome()["usage"].clone();
            assert_eq!(
                (trail.end(), &counted["output_tokens"], &counted["source"]),
                ("complete", &json!(wire::OUTPUT), &json!("upstream"))
            );
        }
    }
}

#[tokio::test]
async fn personal_data_is_replaced_and_restored_in_translation() {
    for bytes in [1, 7, 4096] {
        let upstream = Upstream::with(move |seen| wire::model_in_words(seen, 3).in_pieces_of(bytes)).await;
        let world = world(upstream).await;
        for body in [question, streamed].map(|ask| ask(CHAT, "llama3", "mail jane.doe@example.com today")) {
            let answer = world.post(CHAT).json(&body).send().await.expect(200);
            assert!(!world.upstream.last().text().contains("jane.doe"));
            assert_eq!(answer_text(&answer.text()), "You said: mail jane.doe@example.com today");
            let trail = world.gateway.finished(&answer.id()).await;
            assert_eq!(trail.outcome()["redaction"]["counts"]["EMAIL_ADDRESS"], 1);
        }
    }
}

fn weather(city: &str) -> Value {
    json!({"function": {"name": "weather", "arguments": {"city": city}}})
}

/// A model that asks for the weather where it may, answers with what it was told, and knows one person.
fn assistant(seen: &Seen) -> Reply {
    let body = seen.json();
    let said = wire::Said { model: "llama3".into(), text: String::new(), usage: true };
    let last = body["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let mut line = ollama::line(&said, "", true, true);
    match body["model"].as_str() {
        Some("missing") => return Reply::json(404, &json!({"error": "model 'missing' not found"})),
        Some("busy") => return Reply::json(429, &json!({"error": "busy"})).header("retry-after", "17"),
        _ => {}
    }
    if body["format"].is_object() {
        line["message"]["content"] = json!("{\"name\":\"Ada\",\"age\":36}");
    } else if body["tools"].is_array() && last["role"] == "user" {
        line["message"]["tool_calls"] = json!([weather("Paris"), weather("Rome")]);
    } else {
        return wire::model(seen);
    }
    if body["stream"] == false {
        return Reply::json(200, &line);
    }
    let mut first = line.clone();
    first["done"] = json!(false);
    line["message"] = json!({"role": "assistant", "content": ""});
    Reply::events("application/x-ndjson", [first, line].map(|line| format!("{line}\n")))
}

#[tokio::test]
async fn tools_go_there_and_back_with_ids_that_find_them_again() {
    let world = world(Upstream::with(assistant).await).await;
    let mut body = question(CHAT, "llama3", "weather?");
    body["tools"] =
        json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let first = world.post(CHAT).json(&body).send().await.expect(200).json();
    let choice = &first["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls[1]["function"], json!({"name": "weather", "arguments": "{\"city\":\"Rome\"}"}));
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(choice["message"].clone());
    messages.extend(calls.iter().map(
        |call| json!({"role": "tool", "tool_call_id": call["id"], "content": call["function"]["arguments"]}),
    ));
    let second = world.post(CHAT).json(&body).send().await.expect(200);
    let sent = world.upstream.last().json();
    assert_eq!(sent["messages"][1]["tool_calls"], json!([weather("Paris"), weather("Rome")]));
    let result = json!({"role": "tool", "tool_name": "weather", "content": "{\"city\":\"Rome\"}"});
    assert_eq!(sent["messages"][3], result);
    assert!(answer_text(&second.text()).contains("Rome"));
}

#[tokio::test]
async fn images_are_sent_beside_the_text_and_addresses_of_images_are_refused() {
    let world = world(Upstream::model().await).await;
    let ask = |url: &str| {
        let parts =
            json!([{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]);
        json!({"model": "llava", "messages": [{"role": "user", "content": parts}]})
    };
    world.post(CHAT).json(&ask("data:image/png;base64,iVBORw0K")).send().await.expect(200);
    let message = json!({"role": "user", "content": "what?", "images": ["iVBORw0K"]});
    assert_eq!(world.upstream.only().json()["messages"], json!([message]));
    let refused = world.post(CHAT).json(&ask("https://example.com/a.png")).send().await.expect(400);
    assert_error(CHAT, &refused.json(), "unsupported_field");
    assert_eq!(refused.json()["error"]["param"], "$.image_url");
    assert_eq!(world.upstream.seen().len(), 1);
    assert_eq!(world.gateway.trail(&refused.id()).outcome()["decision"]["http_status"], 400);
}

#[tokio::test]
async fn settings_are_refused_where_the_configuration_says_so() {
    let strict = format!("{FILE}\n[translation]\nunsupported = \"refuse\"\n");
    let world = World::file(Upstream::model().await, &strict).await;
    let mut body = question(CHAT, "llama3", "hello");
    world.post(CHAT).json(&body).send().await.expect(200);
    body["logit_bias"] = json!({"50256": -100});
    let refused = world.post(CHAT).json(&body).send().await.expect(400);
    assert_eq!(refused.json()["error"]["param"], "$.logit_bias");
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn errors_keep_their_status_and_when_to_come_again() {
    let upstream = Upstream::with(|seen| {
        let status = seen.json()["model"].as_str().unwrap().parse().unwrap();
        Reply::json(status, &json!({"error": format!("said {status}")})).header("retry-after", "17")
    });
    let world = world(upstream.await).await;
    for status in [400, 404, 429, 500, 503] {
        for ask in [question, streamed] {
            let body = ask(CHAT, &status.to_string(), "hello");
            let answer = world.post(CHAT).json(&body).send().await.expect(status);
            let error = &answer.json()["error"];
            assert_eq!(error["message"], format!("said {status}"));
            assert!(error["type"].is_string() && error["code"].is_null(), "{error}");
            assert_eq!(answer.header("retry-after"), Some("17"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
}

#[tokio::test]
async fn an_error_that_repeats_the_credential_is_held_back() {
    let upstream = Upstream::with(|seen| {
        let shown = seen.header("authorization").unwrap_or_default();
        Reply::json(400, &json!({"error": format!("what is {shown}?")}))
    });
    let files = TempDir::new();
    let key = files.write("key", "not-for-clients").display().to_string();
    let with_key = FILE.replace("[[price]]", &format!("key = {{ file = {key:?} }}\n\n[[price]]"));
    let world = World::file(upstream.await, &with_key).await;
    let answer = world.post(CHAT).json(&question(CHAT, "llama3", "hello")).send().await.expect(502);
    assert!(world.upstream.only().header("authorization").unwrap().contains("not-for-clients"));
    assert!(!answer.text().contains("not-for-clients"), "{}", answer.text());
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_fails_ends_in_an_error() {
    let said = wire::Said { model: "m".into(), text: String::new(), usage: true };
    let one = format!("{}\n", ollama::line(&said, "one", true, false));
    let endings = [("broke", Step::Break), ("error", Step::Send("{\"error\":\"out of memory\"}\n".into()))];
    for (model, ending) in endings {
        let steps = std::sync::Mutex::new(Some(vec![Step::Send(one.clone().into()), ending]));
        let upstream = Upstream::with(move |_| {
            Reply::stream("application/x-ndjson", steps.lock().unwrap().take().unwrap())
        });
        let world = world(upstream.await).await;
        let answer = world.post(CHAT).json(&streamed(CHAT, model, "hello")).send().await.expect(200);
        let chunks = chunks(&answer.text());
        assert_eq!(answer_text(&answer.text()), "one");
        let error = &chunks.last().unwrap()["error"];
        let told = if model == "error" { "out of memory" } else { "upstream_broke" };
        assert!(error.to_string().contains(told), "{error}");
        assert!(!answer.text().contains("\"finish_reason\":\"stop\""));
        assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error");
    }
}

#[tokio::test]
async fn embeddings_and_lists_of_models_are_translated() {
    let world = world(Upstream::model().await).await;
    let path = "/v1/embeddings";
    let body = json!({"model": "all-minilm", "input": ["one", "two"], "encoding_format": "base64"});
    let answer = world.post(path).json(&body).send().await.expect(200);
    let sent = world.upstream.only();
    assert_eq!((sent.path.as_str(), &sent.json()["input"]), ("/api/embed", &json!(["one", "two"])));
    let said = answer.json();
    // 0.25, -0.5 and 0.125 as little-endian floats.
    assert_eq!(said["data"][1]["embedding"], "AACAPgAAAL8AAAA+");
    assert_eq!(said["usage"]["prompt_tokens"], wire::INPUT);
    let usage = world.gateway.trail(&answer.id()).outcome()["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(wire::INPUT), &json!(0)));
    let ids = json!({"model": "all-minilm", "input": [1, 2, 3]});
    let refused = world.post(path).json(&ids).send().await.expect(400);
    assert_eq!(refused.json()["error"]["param"], "$.input");
    let models = world.get("/v1/models").send().await.expect(200).json();
    assert_eq!(models["data"].as_array().unwrap().len(), wire::MODELS.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openais_sdk_works_with_a_server_that_speaks_ollama() {
    let Some(python) = python() else { return };
    let world = world(Upstream::with(assistant).await).await;
    let (url, token) = (world.gateway.url(), world.token("alice"));
    let (text, ok) = client_py(&python, "openai_to_ollama.py", &[&url, &token]).await;
    let passed = text.lines().filter(|line| line.starts_with("PASS")).count();
    assert!(ok && passed == 9, "{text}");
}
