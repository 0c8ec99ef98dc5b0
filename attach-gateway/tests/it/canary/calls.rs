//! What is planted, and the calls it is planted in.

use serde_json::{Value, json};

use crate::support::question;

/// Nobody's e-mail address, card, name, token, number of the health service, street and project; and words of which
/// nobody knows that they matter.
pub(super) const MAIL: &str = "zq.canary@planted-mail.example";
pub(super) const FOUND: [&str; 6] =
    [MAIL, "4012 8888 8888 1881", "Quorvath", "943 476 5919", "17 Quillfeather Street", "Nightjar-XQV"];
pub(super) const UNKNOWN: &str = "unremarkably-planted-words";
/// What is blocked.
pub(super) const BLOCKED: &str = "536-90-4399";

pub(super) fn token() -> String {
    ["ghp_", "q7Zk3vRt9XbLm2", "NwYc8HsJd5FgPa", "1UeTo6Ki"].concat()
}

pub(super) fn planted() -> Vec<String> {
    let all = FOUND.into_iter().chain([UNKNOWN, BLOCKED]).map(str::to_owned);
    all.chain([token()]).collect()
}

pub(super) fn story() -> String {
    format!(
        "My name is Zbigniew Quorvath, mail {MAIL}, credit card 4012 8888 8888 1881, token {}, my NHS number is \
         943 476 5919, I live at 17 Quillfeather Street and work on Nightjar-XQV. {UNKNOWN}",
        token()
    )
}

/// A chat with the story in every part of it.
pub(super) fn chat(model: &str) -> Value {
    let arguments = json!({"to": MAIL, "note": story(), story(): 1}).to_string();
    json!({
        "model": model, "user": MAIL, "metadata": {"note": story(), MAIL: "key"}, "stop": [MAIL],
        "unheard_of": {"deep": [story()]},
        "messages": [
            {"role": "system", "content": story()},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": story()},
            {"role": "user", "name": "zq", "content": [{"type": "text", "text": story()}]},
        ],
        "tools": [{"type": "function", "function": {
            "name": "send", "description": story(),
            "parameters": {"type": "object", "properties": {"to": {"type": "string", "description": story()}}},
        }}],
    })
}

pub(super) fn messages(model: &str) -> Value {
    let mut body = question("/v1/messages", model, &story());
    body["system"] = json!([{"type": "text", "text": story()}]);
    body["messages"] = json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "send", "input": {"to": story()}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": story()}, {"type": "text", "text": story()}]},
    ]);
    body
}

pub(super) fn ollama(model: &str) -> Value {
    json!({
        "model": model, "stream": false, "options": {"stop": [MAIL]},
        "messages": [
            {"role": "system", "content": story()},
            {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "send", "arguments": {"to": story(), MAIL: 1}}}]},
            {"role": "tool", "content": story(), "tool_name": "send"},
            {"role": "user", "content": story()},
        ],
    })
}

/// Calls that the model server is asked: where to, and with what.
pub(super) fn forwarded() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for stream in [false, true] {
        for model in ["m", "fails", "breaks", "lies", "garbles", "closes"] {
            all.push(("/v1/chat/completions", chat(model), stream));
            all.push(("/v1/messages", messages(model), stream));
            all.push(("/api/chat", ollama(model), stream));
            all.push((
                "/v1/responses",
                json!({"model": model, "instructions": story(), "input": story()}),
                stream,
            ));
        }
        all.push(("/api/generate", json!({"model": "m", "prompt": story(), "system": story()}), stream));
        all.push(("/v1/completions", json!({"model": "m", "prompt": story()}), stream));
    }
    let all = all.into_iter().map(|(path, mut body, stream)| {
        body["stream"] = json!(stream);
        (path, body)
    });
    let vectors = [
        ("/v1/embeddings", json!({"model": "m", "input": [story()]})),
        ("/api/embed", json!({"model": "m", "input": story()})),
    ];
    all.chain(vectors).collect()
}

/// Calls that are refused.
pub(super) fn refused() -> Vec<(&'static str, Value)> {
    let blocked = format!("{} my social security number is {BLOCKED}", story());
    let picture = json!([
        {"type": "text", "text": story()},
        {"type": "image_url", "image_url": {"url": format!("https://pictures.example/{MAIL}")}}]);
    let uninspectable = json!({"model": "m", "messages": [{"role": "user", "content": picture}]});
    vec![
        ("/v1/chat/completions", uninspectable),
        ("/v1/chat/completions", question("/v1/chat/completions", &story(), "hello")),
        ("/v1/chat/completions", question("/v1/chat/completions", "m", &blocked)),
        ("/v1/messages", question("/v1/messages", "m", &blocked)),
        ("/api/chat", question("/api/chat", "m", &blocked)),
        ("/v1/chat/completions", json!({"model": "m", "messages": story()})),
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": story(), "messages": [{"role": story(), "content": 1}]}),
        ),
        ("/v1/responses", json!({"model": "m", "input": story(), "previous_response_id": story()})),
    ]
}

/// Bodies that are no JSON, or none that is accepted.
pub(super) fn malformed() -> Vec<String> {
    let whole = chat("m").to_string();
    let twice = format!("{{\"model\":\"m\",\"{MAIL}\":1,\"{MAIL}\":2,\"messages\":[]}}");
    vec![
        whole[..whole.len() / 2].to_owned(),
        story(),
        twice,
        format!("{whole}{}", story()),
        format!("[\"{}\"]", story()),
    ]
}
