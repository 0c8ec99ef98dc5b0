//! The two layers on a service that knows nothing of models: whatever its answers look like, each is on record once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use attach_audit::{Ack, Audit, Memory, Record, Sink};
use attach_core::Exchange;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceBuilder, service_fn};

use crate::support::{Wire, eventually, kinds, parsed, serve};

type Items = Arc<Mutex<HashMap<String, String>>>;

async fn read(State(items): State<Items>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match items.lock().expect("unpoisoned").get(&name) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(_) if headers.contains_key(header::IF_NONE_MATCH) => StatusCode::NOT_MODIFIED.into_response(),
        Some(text) => ([(header::ETAG, "\"1\"")], text.clone()).into_response(),
    }
}

async fn write(State(items): State<Items>, Path(name): Path<String>, mut request: Request) -> StatusCode {
    Exchange::of_request(&mut request).facts(|facts| facts.custom.push(("item", name.as_str().into())));
    let body = axum::body::to_bytes(request.into_body(), 1024).await.unwrap_or_default();
    items.lock().expect("unpoisoned").insert(name, String::from_utf8_lossy(&body).into());
    StatusCode::CREATED
}

async fn remove(State(items): State<Items>, Path(name): Path<String>) -> StatusCode {
    items.lock().expect("unpoisoned").remove(&name);
    StatusCode::NO_CONTENT
}

/// Create, read, update, delete, with both layers around them.
async fn crud(sink: impl Sink) -> SocketAddr {
    let audit = Audit::new(sink);
    let router = Router::new()
        .route("/items/{name}", get(read).put(write).delete(remove))
        .with_state(Items::default())
        .layer(audit.intent_layer())
        .layer(audit.layer());
    serve(router).await
}

/// Asks on a connection of its own and reads to the connection's end.
async fn ask(addr: SocketAddr, head: &str, body: &str) -> String {
    let length = body.len();
    let request =
        format!("{head} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    Wire::send(addr, &request).await.rest().await
}

/// The one outcome among the records of one request.
fn outcome(records: &[Value]) -> &Value {
    assert_eq!(kinds(records), ["intent", "outcome"], "{records:?}");
    assert_eq!(records[1]["intent_id"], records[0]["id"]);
    &records[1]
}

#[tokio::test]
async fn each_request_of_a_plain_service_has_one_intent_and_one_outcome_whatever_its_answer_looks_like() {
    let records = Memory::new();
    let addr = crud(records.clone()).await;
    for (head, body, status, end) in [
        ("PUT /items/a", "hello", 201, "content-length: 0\r\n"),
        ("GET /items/a", "", 200, "hello"),
        ("HEAD /items/a", "", 200, "\r\n\r\n"),
        ("GET /items/a?if=none", "", 200, "hello"),
        ("DELETE /items/a", "", 204, "\r\n\r\n"),
        ("GET /items/a", "", 404, "\r\n\r\n"),
        ("PATCH /items/a", "", 405, "\r\n\r\n"),
    ] {
        let before = records.lines().len();
        let answer = ask(addr, head, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(end),
            "{head}: {answer}"
        );
        let all = parsed(&records);
        let outcome = outcome(&all[before..]);
        assert_eq!(
            (&outcome["decision"]["http_status"], &outcome["end"]),
            (&status.into(), &"complete".into())
        );
        assert_eq!(outcome["route"]["path"], "/items/a", "no query");
        assert!(outcome.get("model").is_none() && outcome["actor"]["kind"] == "anonymous");
        assert!(outcome["timing"]["total_ms"].as_f64() > Some(0.0));
    }
}

#[tokio::test]
async fn not_modified_has_no_body_to_hold_and_is_on_record() {
    let records = Memory::new();
    let addr = crud(records.clone()).await;
    ask(addr, "PUT /items/a", "hello").await;
    let request = "GET /items/a HTTP/1.1\r\nhost: t\r\nconnection: close\r\nif-none-match: \"1\"\r\n\r\n";
    let answer = Wire::send(addr, request).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 304"), "{answer}");
    assert_eq!(outcome(&parsed(&records)[2..])["decision"]["http_status"], 304);
}

#[tokio::test]
async fn fields_of_the_services_own_are_in_its_records() {
    let records = Memory::new();
    ask(crud(records.clone()).await, "PUT /items/invoice-7", "x").await;
    assert_eq!(outcome(&parsed(&records))["custom"], serde_json::json!({"item": "invoice-7"}));
}

/// A sink of somebody's own.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Sink for Lines {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        self.0.lock().expect("unpoisoned").push(record.to_json());
        ack.durable();
    }
}

#[tokio::test]
async fn a_sink_is_a_few_lines() {
    let lines = Lines::default();
    ask(crud(lines.clone()).await, "PUT /items/a", "x").await;
    let lines = lines.0.lock().expect("unpoisoned");
    let records: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    outcome(&records);
}

/// Answers 101 and sends back what comes on the connection from then on.
async fn upgrade(mut request: Request) -> Response {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut io = TokioIo::new(upgraded.await.expect("upgraded"));
        let mut buffer = [0; 64];
        while let Ok(n @ 1..) = io.read(&mut buffer).await {
            io.write_all(&buffer[..n]).await.expect("sent back");
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

#[tokio::test]
async fn an_upgrade_is_on_record_before_the_other_protocol_begins() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let router =
        Router::new().route("/socket", any(upgrade)).layer(audit.intent_layer()).layer(audit.layer());
    let request = "GET /socket HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let mut stream = TcpStream::connect(serve(router).await).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.expect("a head"));
    }
    assert!(seen.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&seen));
    assert_eq!(outcome(&parsed(&records))["decision"]["http_status"], 101);
    stream.write_all(b"\x81\x02hi").await.expect("sent");
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.expect("sent back");
    assert_eq!((&echo, records.lines().len()), (b"\x81\x02hi", 2));
}

#[tokio::test]
async fn an_error_of_the_service_is_on_record_and_ends_the_connection() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(
        async |_: http::Request<hyper::body::Incoming>| {
            Err::<http::Response<Body>, _>(std::io::Error::other("the database is gone"))
        },
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let service = hyper_util::service::TowerToHyperService::new(service);
        let served = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        served.serve_connection(TokioIo::new(stream), service).await.map_err(|_| ())
    });
    assert_eq!(ask(addr, "GET /", "").await, "");
    eventually("the outcome is there", || records.lines().len() == 2).await;
    assert_eq!(outcome(&parsed(&records))["end"], "upstream_error");
}

const PIECE: usize = 64 << 10;
const PIECES: usize = 256;

/// So many pieces, as fast as they are taken.
struct Pieces(usize);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        self.0 = left;
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(&[b'x'; PIECE])))))
    }
}

async fn large_behind(audit: &Audit) -> TcpStream {
    let router = Router::new()
        .route("/large", get(async || Body::new(Pieces(PIECES))))
        .layer(audit.intent_layer())
        .layer(audit.layer());
    let mut stream = TcpStream::connect(serve(router).await).await.expect("a connection");
    let request = "GET /large HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test]
async fn a_large_stream_passes_whole_and_has_one_outcome() {
    let records = Memory::new();
    let mut stream = large_behind(&Audit::new(records.clone())).await;
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).await.expect("read");
    assert_eq!(seen.iter().filter(|byte| **byte == b'x').count(), PIECES * PIECE);
    assert!(seen.ends_with(b"\r\n0\r\n\r\n"));
    assert_eq!(outcome(&parsed(&records))["end"], "complete");
}

#[tokio::test]
async fn a_client_that_leaves_a_large_stream_has_one_outcome() {
    let records = Memory::new();
    let mut stream = large_behind(&Audit::new(records.clone())).await;
    stream.read_exact(&mut vec![0; PIECE]).await.expect("read");
    drop(stream);
    eventually("the outcome is there", || records.lines().len() == 2).await;
    let all = parsed(&records);
    assert_eq!(
        (&outcome(&all)["end"], &all[1]["decision"]["http_status"]),
        (&"client_abort".into(), &200.into())
    );
}
