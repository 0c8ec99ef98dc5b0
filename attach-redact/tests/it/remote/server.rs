//! A server that answers as it is told, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request<Bytes>>>>,
}

/// What a server does with a request.
pub(crate) enum Reply {
    Json(Value),
    Text(String),
    Status(u16),
    /// It keeps the caller waiting.
    Never,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, asked) = (Arc::new(answer), Arc::clone(&seen));
        let app = Router::new().fallback(move |request: Request<Body>| {
            let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
            async move {
                let (parts, body) = request.into_parts();
                let request = Request::from_parts(parts, to_bytes(body, usize::MAX).await.unwrap());
                let reply = answer(&request);
                asked.lock().unwrap().push(request);
                respond(reply).await
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    pub(crate) async fn answering(answer: Value) -> Self {
        Self::start(move |_| Reply::Json(answer.clone())).await
    }

    /// What it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn respond(reply: Reply) -> Response<Body> {
    let (status, body) = match reply {
        Reply::Json(value) => (StatusCode::OK, value.to_string()),
        Reply::Text(text) => (StatusCode::OK, text),
        Reply::Status(status) => (StatusCode::from_u16(status).unwrap(), "{}".to_owned()),
        Reply::Never => std::future::pending().await,
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap()
}

pub(crate) fn json(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}
