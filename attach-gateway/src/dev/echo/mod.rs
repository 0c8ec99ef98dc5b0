//! A model that says back what it was told, in every dialect, whole or streamed, under any name.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use attach_core::Api;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};

use super::serve::{Body, full, on_loopback};
use super::transcript::show;

mod anthropic;
mod ollama;
mod openai;

/// Between two words of a stream.
const PACE: Duration = Duration::from_millis(40);

/// The names it lists; it answers to every other one as well.
const MODELS: [&str; 4] = ["llama3:latest", "small-llm", "gpt-4o", "claude-sonnet-4"];

/// What one dialect makes of an answer.
struct Reply {
    /// Whole, as JSON.
    whole: Value,
    /// Streamed: content type and events.
    stream: Option<(&'static str, Vec<Bytes>)>,
}

/// What was said, for a dialect to put into its shape.
struct Said<'a> {
    model: &'a str,
    text: String,
    input: usize,
    output: usize,
}

impl Said<'_> {
    /// The answer in the pieces a stream has.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

/// Starts the model on a free loopback port.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    on_loopback(|request, _| answer(request)).await
}

async fn answer(request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if parts.method == Method::GET {
        return match path {
            "/api/tags" => reply(&ollama::tags(&MODELS)),
            "/v1/models" => reply(&openai::models(&MODELS)),
            "/api/version" => reply(&json!({"version": "0.0.0"})),
            _ => error(StatusCode::NOT_FOUND, "no such path"),
        };
    }
    let Some(api) = Api::of(&parts.method, path) else { return error(StatusCode::NOT_FOUND, "no such path") };
    let Ok(bytes) = Limited::new(body, 8 << 20).collect().await else {
        return error(StatusCode::BAD_REQUEST, "the body did not arrive");
    };
    let Ok(body) = serde_json::from_slice::<Value>(&bytes.to_bytes()) else {
        return error(StatusCode::BAD_REQUEST, "the body is not JSON");
    };
    respond(api, &body)
}

fn respond(api: Api, body: &Value) -> Response<Body> {
    let asked = last_text(body);
    show("model saw", &asked);
    let model = body["model"].as_str().unwrap_or_default();
    let text = format!("You said: {asked}");
    let said = Said { model, input: tokens(&asked), output: tokens(&text), text };
    let reply_to = match api.dialect() {
        attach_core::Dialect::Anthropic => anthropic::reply(api, &said),
        attach_core::Dialect::Ollama => ollama::reply(api, &said),
        _ => openai::reply(api, &said),
    };
    let streams = body["stream"].as_bool().unwrap_or(matches!(api, Api::OllamaChat | Api::OllamaGenerate));
    match reply_to.stream.filter(|_| streams) {
        Some((kind, events)) => stream(kind, events),
        None => reply(&reply_to.whole),
    }
}

/// Four bytes are about one token.
fn tokens(text: &str) -> usize {
    text.len().div_ceil(4).max(1)
}

/// The text of the last thing that was said, wherever the dialect keeps it.
fn last_text(body: &Value) -> String {
    let places = [&body["messages"], &body["input"], &body["prompt"]];
    let said = places.into_iter().find(|place| !place.is_null()).unwrap_or(&Value::Null);
    let last = said.as_array().and_then(|items| items.last()).unwrap_or(said);
    flatten(last)
}

fn flatten(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flatten).collect::<Vec<_>>().join(" "),
        Value::Object(object) => {
            object.get("content").or_else(|| object.get("text")).map(flatten).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn reply(value: &Value) -> Response<Body> {
    typed("application/json", full(value.to_string()))
}

fn error(status: StatusCode, why: &str) -> Response<Body> {
    let mut response = reply(&json!({"error": why}));
    *response.status_mut() = status;
    response
}

fn typed(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn stream(kind: &'static str, events: Vec<Bytes>) -> Response<Body> {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        for event in events {
            if sender.send(event).await.is_err() {
                return;
            }
            tokio::time::sleep(PACE).await;
        }
    });
    typed(kind, Paced(receiver).boxed_unsync())
}

/// Events as they are sent.
struct Paced(tokio::sync::mpsc::Receiver<Bytes>);

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

/// A server-sent event.
fn event(name: Option<&str>, data: &Value) -> Bytes {
    match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n").into(),
        None => format!("data: {data}\n\n").into(),
    }
}
