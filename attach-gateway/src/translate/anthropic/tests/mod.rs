//! Anthropic's documented shapes, there and back, and what other dialects make of them.

mod read_request;
mod streams;
mod there_and_back;
mod write_answer;
mod write_request;

use std::sync::Arc;

use attach_core::{Api, Payload, Rejection};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::config::{Config, Upstream};
use crate::translate::Plan;

fn upstream(kind: &str) -> Arc<Upstream> {
    let file = format!(
        "[[issuer]]\nissuer = \"https://idp.example.com\"\naudience = [\"a\"]\n\
         [[upstream]]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:8000\"\n"
    );
    Arc::clone(&Config::parse(&file, |_| None).unwrap().upstreams[0])
}

pub(super) fn plan(api: Api, kind: &str, body: &Value) -> Result<Option<Plan>, Rejection> {
    let payload = Payload::parse(api, Bytes::from(body.to_string()))?;
    Plan::new(&payload, &payload.call().model.as_str().into(), &upstream(kind))
}

/// A call of the dialect with these members besides.
pub(super) fn question(more: &Value) -> Value {
    let mut body =
        json!({"model": "m", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello, world"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}
