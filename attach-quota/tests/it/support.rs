//! A server with a quota on real sockets, and a ledger of what it charged.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::identity::Group;
use attach_core::{Body, Identity};
use attach_quota::store::{Charge, MemoryStore, Reserving, Settling};
use attach_quota::{Limit, QuotaLayer, Rate, Store, Unit};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Notify, mpsc};
use tower::{ServiceBuilder, service_fn};

/// 20 bytes of text: 5 tokens, and 4 for the message.
pub(crate) const HELLO: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"hello there friends!"}]}"#;
pub(crate) const INPUT: u64 = 9;
/// What is reserved for [`HELLO`]: its input and a typical answer.
pub(crate) const RESERVED: u64 = INPUT + 256;

/// The same with a cap, so that what was learned of other answers changes nothing.
pub(crate) const CAPPED: &str =
    r#"{"model":"m","max_tokens":4,"messages":[{"role":"user","content":"hello there friends!"}]}"#;

/// A store that remembers what it was told. Its clock is turned by hand.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Books>);

struct Books {
    memory: MemoryStore,
    now: Arc<AtomicU64>,
    booked: Mutex<HashMap<(String, Unit), u64>>,
    changed: Notify,
}

impl Default for Books {
    fn default() -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&now);
        let memory = MemoryStore::on(move || Duration::from_millis(hand.load(Ordering::Relaxed)));
        Self { memory, now, booked: Mutex::default(), changed: Notify::new() }
    }
}

impl Ledger {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.now.fetch_add(by.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }

    /// What is charged to `who` in `unit`, over all limits.
    pub(crate) fn charged(&self, who: &str, unit: Unit) -> u64 {
        self.0.booked.lock().unwrap().get(&(who.to_owned(), unit)).copied().unwrap_or(0)
    }

    /// Waits until as many tokens are charged to alice.
    pub(crate) async fn until_tokens(&self, tokens: u64) {
        let reached = async {
            loop {
                let changed = self.0.changed.notified();
                if self.charged("alice", Unit::Tokens) == tokens {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), reached).await.is_err() {
            panic!("{tokens} expected, {} charged", self.charged("alice", Unit::Tokens));
        }
    }

    fn note(&self, charges: &[Charge], change: impl Fn(&Charge, u64) -> u64) {
        let mut booked = self.0.booked.lock().unwrap();
        for charge in charges {
            let key = (charge.key().id().unwrap_or("everyone").to_owned(), charge.limit().unit());
            let total = booked.entry(key).or_default();
            *total = change(charge, *total);
        }
        drop(booked);
        self.0.changed.notify_waiters();
    }
}

impl Store for Ledger {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::later(async move {
            tokio::task::yield_now().await;
            self.0.memory.reserve(charges).await?;
            self.note(charges, |charge, total| total + charge.reserved());
            Ok(())
        })
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.memory.settle(charges, settling);
        self.note(charges, |charge, total| total + charge.spent() - charge.reserved());
    }
}

/// A service under a quota, listening.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) ledger: Ledger,
}

pub(crate) fn per_minute(tokens: u64) -> Vec<Limit> {
    vec![
        Limit::tokens("tokens-per-user", Rate::per_minute(tokens)),
        Limit::requests("requests-per-user", Rate::per_minute(1000)),
    ]
}

/// Serves `answer` under `limits`. The header `x-user` is taken for proof of identity, as no service should.
pub(crate) async fn serve<F, A>(limits: Vec<Limit>, answer: F) -> Server
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    serve_under(QuotaLayer::new(limits), answer).await
}

/// Serves `answer` under `layer`, with the groups that the header `x-groups` names.
pub(crate) async fn serve_under<F, A>(layer: QuotaLayer, answer: F) -> Server
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let ledger = Ledger::default();
    let addr = serve_layer(layer.store(ledger.clone()), answer).await;
    Server { addr, ledger }
}

/// Serves `answer` under `layer` as it is.
pub(crate) async fn serve_layer<F, A>(layer: QuotaLayer, answer: F) -> SocketAddr
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let service = ServiceBuilder::new()
        .map_request(|mut request: Request<Incoming>| {
            let user = request.headers().get("x-user").and_then(|user| user.to_str().ok());
            if let Some(user) = user.map(ToOwned::to_owned) {
                let mut identity = Identity::person("acme", user);
                let groups = request.headers().get("x-groups").and_then(|groups| groups.to_str().ok());
                let groups = groups.into_iter().flat_map(|groups| groups.split(','));
                identity.groups = groups.map(|name| Group::new("acme", name)).collect();
                request.extensions_mut().insert(Arc::new(identity));
            }
            request
        })
        .layer(layer)
        .service(service_fn(move |request| {
            let answer = answer(request);
            async { Ok::<_, Infallible>(answer.await) }
        }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    addr
}

/// Serves one unary JSON answer.
pub(crate) async fn serve_json(limits: Vec<Limit>, answer: &'static str) -> Server {
    serve(limits, move |_| async move { json(answer) }).await
}

/// Serves one stream, all at once.
pub(crate) async fn serve_stream(limits: Vec<Limit>, kind: &'static str, answer: String) -> Server {
    serve(limits, move |_| {
        let (stream, body) = stream();
        for event in answer.split_inclusive("\n\n") {
            stream.send(event);
        }
        async move { typed(kind, body) }
    })
    .await
}

pub(crate) type Answer = Response<Incoming>;

impl Server {
    pub(crate) async fn post(&self, path: &str, body: &'static str) -> Answer {
        self.post_as("alice", path, body).await
    }

    pub(crate) async fn post_as(&self, user: &str, path: &str, body: &'static str) -> Answer {
        let request = Request::post(format!("http://{}{path}", self.addr)).header("x-user", user);
        self.send(request.body(Full::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        client().request(request).await.unwrap()
    }

    /// Posts, reads the whole answer, and gives its status.
    pub(crate) async fn status(&self, path: &str, body: &'static str) -> u16 {
        let answer = self.post(path, body).await;
        let status = answer.status().as_u16();
        answer.into_body().collect().await.unwrap();
        status
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.ledger.charged("alice", Unit::Tokens)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.ledger.charged("alice", Unit::Requests)
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn json(body: &'static str) -> Response<Body> {
    typed("application/json", Body::from(Bytes::from(body)))
}

pub(crate) fn typed(kind: &'static str, body: Body) -> Response<Body> {
    Response::builder().header("content-type", kind).body(body).unwrap()
}

/// A body that is written while it is read.
pub(crate) fn stream() -> (Writer, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Writer(sender), Body::new(Reader(receiver)))
}

#[derive(Clone)]
pub(crate) struct Writer(mpsc::UnboundedSender<Bytes>);

impl Writer {
    pub(crate) fn send(&self, text: &str) {
        let _ = self.0.send(Bytes::copy_from_slice(text.as_bytes()));
    }
}

struct Reader(mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|text| text.map(|text| Ok(Frame::data(text))))
    }
}

pub(crate) const SSE: &str = "text/event-stream";

/// An OpenAI chat chunk of one token's worth of text.
pub(crate) fn chunk(text: &str) -> String {
    format!("data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

pub(crate) async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}
