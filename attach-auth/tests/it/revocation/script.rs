//! A model whose answers the test writes as they go.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use attach_auth::{AuthLayer, Authenticate};
use attach_core::Identity;
use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// Each caller's answer, by the caller's name.
#[derive(Clone, Default)]
pub(super) struct Script {
    answers: Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Bytes>>>>,
    asked: Arc<Notify>,
}

/// What the test has written; ends when the test drops its end.
pub(super) struct Written(mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Written {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Script {
    /// A service that answers in `content_type` what is written.
    pub(super) fn router<A: Authenticate>(&self, content_type: &'static str, layer: AuthLayer<A>) -> Router {
        let this = self.clone();
        let answer = move |request: Request<axum::body::Body>| {
            let identity = request.extensions().get::<Arc<Identity>>().expect("an identity");
            let (write, written) = mpsc::unbounded_channel();
            this.answers.lock().expect("no panic").insert(identity.id.to_string(), write);
            this.asked.notify_waiters();
            let body = axum::body::Body::new(Written(written));
            async move { Response::builder().header("content-type", content_type).body(body).expect("a response") }
        };
        Router::new().fallback(any(answer)).layer(layer)
    }

    /// Adds to the answer to `name`, who may be about to ask only now.
    pub(super) async fn write(&self, name: &str, bytes: impl Into<Bytes>) {
        loop {
            let asked = self.asked.notified();
            let answer = self.answers.lock().expect("no panic").get(name).cloned();
            match answer {
                Some(answer) => return drop(answer.send(bytes.into())),
                None => asked.await,
            }
        }
    }

    /// Nothing follows.
    pub(super) fn end(&self, name: &str) {
        self.answers.lock().expect("no panic").remove(name);
    }
}

/// A service on a socket, and a way to ask it.
pub(super) struct Server(u16);

impl Server {
    pub(super) async fn of(router: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(port)
    }

    pub(super) async fn ask(&self, name: &str, path: &str) -> Connection {
        let mut stream = TcpStream::connect(("127.0.0.1", self.0)).await.expect("is open");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {name}\r\nAnthropic-Version: 2023-06-01\r\n\
             Connection: close\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("is open");
        Connection { stream, seen: Vec::new() }
    }
}

/// One answer on its way.
pub(super) struct Connection {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Connection {
    /// Reads until `text` has come.
    pub(super) async fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let read = self.stream.read_buf(&mut self.seen).await.expect("is readable");
            assert!(read > 0, "ended before {text:?}: {}", String::from_utf8_lossy(&self.seen));
        }
    }

    /// Everything, once the server has closed.
    pub(super) async fn rest(mut self) -> String {
        self.stream.read_to_end(&mut self.seen).await.expect("is readable");
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}
