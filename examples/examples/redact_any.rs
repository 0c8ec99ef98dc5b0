//! What may leave a service that has nothing to do with models: `RedactLayer` around any JSON, and the `Redactor` on a
//! document. Runs alone.
//!
//! ```sh
//! cargo run -p attach-examples --example redact_any
//! curl -s localhost:3000/tickets -H 'content-type: application/json' \
//!      -d '{"from": "jane.doe@example.com", "text": "My card 4111 1111 1111 1111 was charged twice."}'
//! ```
//!
//! The handler stands for a service outside the perimeter: it prints what it got and answers with it. The caller gets
//! the originals back. What is not JSON is refused with 415.

use std::error::Error;

use attach_redact::{Action, Entity, RedactLayer, Redactor};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redactor = Redactor::builder()
        // The same on every node and after every start.
        .key(b"at least sixteen bytes, kept secret")
        .entity(Entity::UsSsn, Action::Block)
        .build()?;

    // The engine alone, on a document of any shape.
    let order = br#"{"to": "jane.doe@example.com", "items": 3}"#;
    let redacted = redactor.json(order)?;
    println!("leaves:   {}", String::from_utf8_lossy(redacted.bytes()));
    println!("restored: {}", String::from_utf8_lossy(&redacted.restore(redacted.bytes())));

    // The same around a service.
    let app = Router::new().route("/tickets", post(outside)).layer(RedactLayer::new(redactor).any_json());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("POST any JSON to http://{}/tickets", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

async fn outside(Json(ticket): Json<Value>) -> Json<Value> {
    println!("outside:  {ticket}");
    Json(json!({"received": ticket}))
}

async fn stopped() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without signals it runs until it is killed.
        std::future::pending::<()>().await;
    }
}
