//! An HTTP receiver on a socket that can go away and come back at the same address.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

pub(super) type Answer = (u16, String);

type Handler = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

pub(super) struct Server {
    addr: SocketAddr,
    handler: Handler,
    seen: Arc<Mutex<Vec<Seen>>>,
    running: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let mut server = Self {
            addr: ([127, 0, 0, 1], 0).into(),
            handler: Arc::new(answer),
            seen: Arc::default(),
            running: None,
        };
        server.resume();
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("unpoisoned").clone()
    }

    /// Goes away, with its connections.
    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    pub(super) fn resume(&mut self) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("settable");
        socket.bind(self.addr).expect("the address is free");
        let listener = socket.listen(64).expect("listening");
        self.addr = listener.local_addr().expect("bound");
        let state = (Arc::clone(&self.handler), Arc::clone(&self.seen));
        let router = Router::new().fallback(answer).with_state(state);
        self.running = Some(tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        }));
    }
}

async fn answer(
    method: Method,
    State((handler, seen)): State<(Handler, Arc<Mutex<Vec<Seen>>>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let one = Seen { method: method.to_string(), uri: uri.to_string(), headers, body };
    let (status, text) = handler(&one);
    seen.lock().expect("unpoisoned").push(one);
    // One exchange for each connection, so that a server that went away is gone.
    Response::builder().status(status).header("connection", "close").body(text.into()).expect("an answer")
}
