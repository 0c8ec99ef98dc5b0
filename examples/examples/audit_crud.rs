//! The audit layers alone, around a plain service on a database of sorts, with a sink and fields of its own.
//!
//! ```sh
//! cargo run -p attach-examples --example audit_crud
//! ```
//!
//! Serves on loopback, makes a few requests of itself and prints what a sink of its own was given.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use attach_audit::{Ack, Audit, Record, Sink};
use attach_core::Exchange;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Anything that can say when a record is safe: a queue, a database, here a list in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Sink for Lines {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        match self.0.lock() {
            Ok(mut lines) => {
                lines.push(record.to_json());
                ack.durable();
            }
            // Whoever waits is answered 503, because there is no record.
            Err(_) => ack.failed("the list is broken"),
        }
    }
}

type Items = Arc<Mutex<HashMap<String, String>>>;

async fn read(State(items): State<Items>, Path(name): Path<String>) -> Result<String, StatusCode> {
    let items = items.lock().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    items.get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn write(
    State(items): State<Items>,
    Path(name): Path<String>,
    mut request: Request,
) -> Result<StatusCode, StatusCode> {
    // What this service has to say about a request is in its records, under `custom`.
    Exchange::of_request(&mut request).facts(|facts| facts.custom.push(("item", name.as_str().into())));
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut items = items.lock().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    items.insert(name, String::from_utf8_lossy(&body).into());
    Ok(StatusCode::CREATED)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let lines = Lines::default();
    let audit = Audit::new(lines.clone()).exempt(["/healthz"]);
    let router = Router::new()
        .route("/items/{name}", get(read).put(write))
        .route("/healthz", get(async || "ok"))
        .with_state(Items::default())
        // The last layer added is the outermost.
        .layer(audit.intent_layer())
        .layer(audit.layer());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });

    for (head, body) in
        [("PUT /items/a", "hello"), ("GET /items/a", ""), ("HEAD /items/b", ""), ("GET /healthz", "")]
    {
        let request = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut Vec::new()).await?;
    }
    audit.close().await;

    for line in lines.0.lock().map_err(|_| "the list is broken")?.iter() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        println!(
            "{:<8} {} {} {}",
            record["kind"].as_str().unwrap_or(""),
            record["route"],
            record["decision"],
            record["custom"]
        );
    }
    Ok(())
}
