//! A model server that remembers what it received and answers what it is told to.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use super::reply::Silence;
use super::{Reply, Step, eventually, wire};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Seen {
    fn new(parts: &Parts, body: Bytes) -> Self {
        let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, text)| (name.to_string(), value(text))).collect();
        let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        Self { method: parts.method.to_string(), path, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Everything that was received, as one text to search.
    pub(crate) fn everything(&self) -> String {
        format!("{self:?} {}", self.text())
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The running server.
#[derive(Clone)]
pub(crate) struct Upstream {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    sent: Arc<Mutex<Vec<Instant>>>,
    abandoned: Arc<Mutex<usize>>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Upstream {
    /// A model that says back what it was told, in every dialect.
    pub(crate) async fn model() -> Self {
        Self::with(wire::model).await
    }

    /// A model server whose streams end when they are told to.
    pub(crate) async fn until(told: &Arc<Notify>) -> Self {
        let told = Arc::clone(told);
        Self::with(move |_| {
            let event = |text: &str| wire::openai::chat_chunk("m", &json!({"content": text}), &Value::Null);
            let end = wire::openai::chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
            let steps = vec![
                Step::Send(event("one ").into()),
                Step::Await(Arc::clone(&told)),
                Step::Send((event("two") + &end).into()),
            ];
            Reply::stream("text/event-stream", steps)
        })
        .await
    }

    /// Answers every call like this.
    pub(crate) async fn with(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let upstream = Self {
            addr,
            seen: Arc::default(),
            sent: Arc::default(),
            abandoned: Arc::default(),
            connections: Arc::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let serving = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (upstream, handler) = (serving.clone(), Arc::clone(&handler));
                let service =
                    service_fn(move |request| upstream.clone().answer(request, Arc::clone(&handler)));
                let _ = stream.set_nodelay(true);
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let connection = tokio::spawn(connection).abort_handle();
                serving.connections.lock().unwrap().push(connection);
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The calls received so far; lists of models are none.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.method == "POST").cloned().collect()
    }

    /// The one call that was received.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// The last call that was received.
    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().expect("a call")
    }

    /// When the pieces of answers were sent.
    pub(crate) fn sent(&self) -> Vec<Instant> {
        self.sent.lock().unwrap().clone()
    }

    /// Closes every connection, as a restart does.
    pub(crate) fn hang_up(&self) {
        self.connections.lock().unwrap().drain(..).for_each(|connection| connection.abort());
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    /// Waits until an answer was given up by who asked for it.
    pub(crate) async fn abandoned(&self) {
        eventually("an abandoned answer", || (*self.abandoned.lock().unwrap() > 0).then_some(())).await;
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        handler: Arc<Handler>,
    ) -> Result<Response<UnsyncBoxBody<Bytes, io::Error>>, io::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let seen = Seen::new(&parts, body);
        self.seen.lock().unwrap().push(seen.clone());
        let reply = handler(&seen);
        match reply.silent {
            Some(Silence::Close) => return Err(io::Error::other("closed on purpose")),
            Some(Silence::Hang) => std::future::pending().await,
            None => {}
        }
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(*name, value);
        }
        let body = match <[Step; 1]>::try_from(reply.steps) {
            Ok([Step::Send(bytes)]) => whole(bytes),
            Ok(steps) => self.play(steps.into()),
            Err(steps) => self.play(steps),
        };
        Ok(response.body(body).unwrap())
    }

    fn play(&self, steps: Vec<Step>) -> UnsyncBoxBody<Bytes, io::Error> {
        let (sender, receiver) = mpsc::channel(1);
        let upstream = self.clone();
        tokio::spawn(async move {
            for step in steps {
                let gone = match step {
                    Step::Send(bytes) => {
                        upstream.sent.lock().unwrap().push(Instant::now());
                        sender.send(Ok(bytes)).await.is_err()
                    }
                    Step::Pause(time) => gone_within(&sender, tokio::time::sleep(time)).await,
                    Step::Await(notify) => gone_within(&sender, notify.notified()).await,
                    Step::Break => sender.send(Err(io::Error::other("broken on purpose"))).await.is_err(),
                    Step::Hang => gone_within(&sender, std::future::pending()).await,
                };
                if gone {
                    *upstream.abandoned.lock().unwrap() += 1;
                    return;
                }
            }
        });
        Paced(receiver).boxed_unsync()
    }
}

/// Whether who asked has gone before `wait` was over.
async fn gone_within<T>(sender: &mpsc::Sender<T>, wait: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = wait => false,
        () = sender.closed() => true,
    }
}

fn whole(bytes: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    http_body_util::Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Pieces as they are sent.
struct Paced(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
