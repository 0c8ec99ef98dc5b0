//! All the layers in front of an axum handler that acts as the model.
//!
//! ```sh
//! cargo run -p attach-examples --example all_four
//! curl -i http://127.0.0.1:3000/v1/chat/completions -H 'Authorization: Bearer alice' \
//!   -d '{"model":"llama3","messages":[{"role":"user","content":"my mail is jane.doe@example.com"}]}'
//! ```
//!
//! The program prints what the model saw: a placeholder. The answer has the address again. A caller who is not known
//! gets 401, a model that no rule allows 403, the sixth call within a minute 429; each leaves a record. Ctrl-C ends
//! the program and verifies the log.
//!
//! So that it runs alone, who is calling is told by a table instead of an identity provider: see `auth_axum` for that.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use attach_audit::log::Options;
use attach_audit::{Audit, Log};
use attach_auth::policy::{Rule, Rules};
use attach_auth::{AuthLayer, Authenticate, Credential, Denial, PolicyLayer};
use attach_core::identity::Group;
use attach_core::{Identity, Peer};
use attach_quota::{Limit, QuotaLayer, Rate};
use attach_redact::{RedactLayer, Redactor};
use axum::extract::{ConnectInfo, Request};
use axum::routing::post;
use axum::{Json, Router, middleware};
use http::request::Parts;
use serde_json::{Value, json};

/// The token is the name. Real ones are verified by `attach_auth::OidcVerifier`.
struct Table;

impl Authenticate for Table {
    async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        let mut person = match credential.token() {
            name @ ("alice" | "bob") => Identity::person("acme", name),
            _ => return Err(Denial::invalid_token("unknown_key")),
        };
        if &*person.subject == "alice" {
            person.groups.insert(Group::new("acme", "AI-Power-Users"));
        }
        Ok(Arc::new(person))
    }
}

/// Stands for a model server: says back what it was told.
async fn model(body: String) -> Json<Value> {
    println!("the model saw: {body}");
    let call: Value = serde_json::from_str(&body).unwrap_or_default();
    let said = call["messages"].as_array().and_then(|messages| messages.last());
    let said = said.and_then(|message| message["content"].as_str()).unwrap_or("nothing");
    let message = json!({"role": "assistant", "content": format!("You said: {said}")});
    Json(json!({
        "object": "chat.completion",
        "model": call["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 15, "total_tokens": 27},
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let folder = std::env::temp_dir().join(format!("attach-example-{}", std::process::id()));
    let audit = Audit::new(Log::open(&folder, Options::new("node-1"))?);
    let rules = Rules::deny_by_default()
        .allow(Rule::new("power-users").groups(["AI-Power-Users"]).models(["gpt-4*".parse()?]))?
        .allow(Rule::new("everyone").models(["llama3".parse()?]))?;
    let limits = vec![
        Limit::tokens("tokens-per-user", Rate::per_minute(10_000)),
        Limit::requests("requests-per-user", Rate::per_minute(5)),
    ];
    let redactor = Redactor::builder().key(b"a key that all nodes share").build()?;

    // No layer reads a server's own type for the connection: whoever accepts it says who is there.
    let peer =
        middleware::map_request(async |ConnectInfo(addr): ConnectInfo<SocketAddr>, mut request: Request| {
            request.extensions_mut().insert(Peer::new(addr));
            request
        });

    // What is added last is outermost: read from the bottom, this is the way of a request.
    let app = Router::new()
        .route("/v1/chat/completions", post(model))
        .layer(audit.intent_layer())
        .layer(RedactLayer::new(redactor))
        .layer(QuotaLayer::new(limits))
        .layer(PolicyLayer::new(rules))
        .layer(AuthLayer::new(Table))
        .layer(audit.layer())
        .layer(peer);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000/v1/chat/completions, records in {}", folder.display());
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;

    audit.close().await;
    println!("{}", attach_audit::verify::verify(&folder)?);
    Ok(())
}
