//! How much may they use: `QuotaLayer` in a service that has no identities. Whoever calls is named by a header.
//!
//! ```sh
//! cargo run -p attach-examples --example quota_by_key
//! curl -i http://127.0.0.1:3000/v1/chat/completions -H 'x-team: red' \
//!   -d '{"model":"llama3","messages":[{"role":"user","content":"hello"}]}'
//! ```
//!
//! The sixth call within a minute is answered 429 with `Retry-After`; one without the header, 403 `caller_unknown`.
//! A header that anybody can write is no identity: do this only behind something that sets it.

use std::error::Error;

use attach_quota::{Limit, QuotaLayer, Rate};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// Stands for a model server.
async fn model(Json(call): Json<Value>) -> Json<Value> {
    Json(json!({
        "object": "chat.completion",
        "model": call["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let limits = vec![
        Limit::tokens("tokens-per-team", Rate::per_minute(60_000)),
        Limit::requests("requests-per-team", Rate::per_minute(5)),
    ];
    let quota =
        QuotaLayer::by(limits, |request| Some(request.headers.get("x-team")?.to_str().ok()?.to_owned()));

    // `Json` wants to be told that a body is JSON; `curl -d` says that it is a form.
    let json = axum::middleware::map_request(async |mut request: axum::extract::Request| {
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        request
    });
    let app = Router::new().route("/v1/chat/completions", post(model)).layer(quota).layer(json);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000/v1/chat/completions");
    axum::serve(listener, app).await?;
    Ok(())
}
