//! OpenAI's documented Responses, asked of servers that have none, and what comes back.

mod assemble;
mod hostile;
mod pairs;
mod read_request;
mod streams;
mod write_answer;

use std::sync::Arc;

use attach_core::{Api, Exchange, Payload, Rejection};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::{Config, Upstream};
use crate::translate::Plan;

/// An upstream of this kind that has no Responses.
pub(super) fn upstream(kind: &str, more: &str) -> Arc<Upstream> {
    let settings = match kind {
        "openai" => "kind = \"openai\"\nresponses = false\nurl = \"http://127.0.0.1:8000\"".to_owned(),
        "bedrock" => "kind = \"bedrock\"\nregion = \"eu-central-1\"\naccess_key = { env = \"A\" }\nsecret_key = { env = \"A\" }".to_owned(),
        kind => format!("kind = \"{kind}\"\ndialects = [\"{kind}\"]\nurl = \"http://127.0.0.1:8000\""),
    };
    let file = format!(
        "[[issuer]]\nissuer = \"https://idp.example.com\"\naudience = [\"a\"]\n\
         [[upstream]]\nname = \"one\"\n{settings}\n{more}"
    );
    Arc::clone(&Config::parse(&file, |name| (name == "A").then(|| "x".to_owned())).unwrap().upstreams[0])
}

pub(super) fn plan_of(body: &str, upstream: &Upstream) -> Result<Plan, Rejection> {
    let payload = Payload::parse(Api::OpenAiResponses, Bytes::from(body.to_owned()))?;
    Ok(Plan::new(&payload, &payload.call().model.as_str().into(), upstream)?.unwrap())
}

pub(super) fn plan(kind: &str, body: &Value) -> Result<Plan, Rejection> {
    plan_of(&body.to_string(), &upstream(kind, ""))
}

/// What the upstream is sent.
pub(super) fn sent(kind: &str, body: &Value) -> Value {
    serde_json::from_slice(&plan(kind, body).unwrap().body()).unwrap()
}

/// A question with these members besides.
pub(super) fn question(more: &Value) -> Value {
    let mut body = json!({"model": "m", "input": "Hello!"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

pub(super) fn exchange() -> Exchange {
    Exchange::of_request(&mut http::Request::post(Api::OpenAiResponses.path()).body(()).unwrap())
}
