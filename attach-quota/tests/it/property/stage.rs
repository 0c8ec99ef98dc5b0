//! The layer around a service that does what it is told, on a clock that is turned by hand.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use attach_core::{Body, BoxError, Exchange, Outcome, ResponseBody};
use attach_quota::store::{Charge, Denied, MemoryStore, Reserving, Settling};
use attach_quota::{Clock, Limit, QuotaLayer, Rate, Scope, Store};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::buckets::Now;
use super::scene::{Ask, Caller, Kind, MODELS, Scene};

/// Limits that never bite, by which the model learns what a call was expected to use.
pub(super) const PROBES: [&str; 2] = ["probe-input", "probe-output"];

pub(super) struct Stage {
    service: BoxCloneService<Request<Body>, Response<ResponseBody<Tape>>, BoxError>,
    pub(super) store: Watched,
}

/// What the layer did with its store.
#[derive(Debug)]
pub(super) enum Event {
    Reserved { before: Vec<Charge>, after: Vec<Charge>, result: Result<(), Denied> },
    Settled { charges: Vec<Charge>, settling: Settling },
}

/// The store in memory, and what it was told.
#[derive(Clone)]
pub(super) struct Watched(Arc<Inside>);

struct Inside {
    memory: MemoryStore,
    hand: Arc<AtomicU64>,
    epoch: u64,
    events: Mutex<Vec<Event>>,
    slow: Mutex<bool>,
}

struct Hand(Arc<AtomicU64>, u64);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn since_epoch(&self) -> Duration {
        Duration::from_secs(self.1) + self.now()
    }
}

impl Watched {
    fn new(epoch: u64) -> Self {
        let hand = Arc::new(AtomicU64::new(0));
        let memory = MemoryStore::on(Hand(Arc::clone(&hand), epoch));
        Self(Arc::new(Inside { memory, hand, epoch, events: Mutex::default(), slow: Mutex::default() }))
    }

    pub(super) fn now(&self) -> Now {
        Now { nanos: self.0.hand.load(Ordering::Relaxed), epoch: self.0.epoch }
    }

    pub(super) fn pass(&self, time: Duration) {
        self.0.hand.fetch_add(time.as_nanos().try_into().unwrap(), Ordering::Relaxed);
    }

    pub(super) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.events.lock().unwrap())
    }

    /// How the buckets stand now.
    pub(super) fn look(&self, charges: &mut [Charge]) {
        assert_eq!(poll(&mut self.0.memory.look(charges)), Poll::Ready(Ok(())));
    }

    fn book(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let before = charges.to_vec();
        let Poll::Ready(result) = poll(&mut self.0.memory.reserve(charges)) else {
            panic!("memory never waits");
        };
        let after = charges.to_vec();
        self.0.events.lock().unwrap().push(Event::Reserved { before, after, result });
        result
    }
}

impl Store for Watched {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        if !*self.0.slow.lock().unwrap() {
            return Reserving::ready(self.book(charges));
        }
        Reserving::later(async move {
            let mut asked_again = false;
            std::future::poll_fn(|_| match std::mem::replace(&mut asked_again, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            self.book(charges)
        })
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.memory.settle(charges, settling);
        self.0.events.lock().unwrap().push(Event::Settled { charges: charges.to_vec(), settling });
    }

    fn sweep(&self) {
        self.0.memory.sweep();
    }
}

/// What the service answers once it is told.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Option<Cue>>>);

pub(super) enum Cue {
    Answer(u16, &'static str, Tape),
    Broken,
    Rejected,
}

impl Script {
    pub(super) fn cue(&self, cue: Cue) {
        *self.0.lock().unwrap() = Some(cue);
    }
}

async fn act(request: Request<Body>) -> Result<Response<Tape>, BoxError> {
    let script = request.extensions().get::<Script>().cloned().expect("a script");
    let cue =
        std::future::poll_fn(|_| script.0.lock().unwrap().take().map_or(Poll::Pending, Poll::Ready)).await;
    match cue {
        Cue::Answer(status, kind, tape) => {
            Ok(Response::builder().status(status).header("content-type", kind).body(tape).unwrap())
        }
        Cue::Broken => Err("the upstream is gone".into()),
        Cue::Rejected => {
            let exchange = request.extensions().get::<Exchange>().expect("the layer puts it there");
            exchange.finish(Outcome::Rejected("redacted"));
            Ok(Response::builder().status(403).body(Tape::default()).unwrap())
        }
    }
}

/// A body that is written while it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape(Arc<Mutex<VecDeque<Piece>>>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Break,
    End,
}

impl Tape {
    pub(super) fn write(&self, text: String) {
        self.0.lock().unwrap().push_back(Piece::Text(text));
    }

    pub(super) fn end(&self) {
        self.0.lock().unwrap().push_back(Piece::End);
    }

    pub(super) fn tear(&self) {
        self.0.lock().unwrap().push_back(Piece::Break);
    }
}

impl http_body::Body for Tape {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.0.lock().unwrap().pop_front() {
            None => Poll::Pending,
            Some(Piece::Text(text)) => Poll::Ready(Some(Ok(Frame::data(text.into())))),
            Some(Piece::Break) => Poll::Ready(Some(Err("it broke".into()))),
            Some(Piece::End) => Poll::Ready(None),
        }
    }
}

pub(super) type Answer = Response<ResponseBody<Tape>>;
pub(super) type Pending = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

impl Stage {
    pub(super) fn new(scene: &Scene) -> Self {
        let store = Watched::new(scene.epoch);
        let plans = scene.limits.iter().enumerate();
        let mut limits: Vec<_> = plans.map(|(index, plan)| plan.limit(&format!("limit-{index}"))).collect();
        let plenty = Rate::per_second(1_000_000_000);
        limits.push(Limit::input_tokens(PROBES[0], plenty).each(Scope::Everyone));
        limits.push(Limit::output_tokens(PROBES[1], plenty).each(Scope::Everyone));
        let layer =
            QuotaLayer::new(limits).store(store.clone()).overrides(scene.overrides()).prices(scene.prices());
        let service = layer.layer(service_fn(act)).boxed_clone();
        Self { service, store }
    }

    /// The call under way, until something has to be waited for.
    pub(super) fn call(&self, caller: &Caller, ask: &Ask, script: &Script) -> Pending {
        let (path, body) = match ask.kind {
            Kind::List => ("/v1/models", String::new()),
            Kind::Embed => ("/v1/embeddings", embedding(ask)),
            Kind::Chat | Kind::Stream => ("/v1/chat/completions", chat(ask)),
        };
        let method = if ask.kind == Kind::List { "GET" } else { "POST" };
        let request = Request::builder().method(method).uri(path);
        let request = request.extension(caller.identity()).extension(script.clone());
        *self.store.0.slow.lock().unwrap() = ask.slow;
        Box::pin(self.service.clone().call(request.body(Body::from(Bytes::from(body))).unwrap()))
    }
}

fn chat(ask: &Ask) -> String {
    let cap = ask.cap.map(|cap| format!("\"max_tokens\":{cap},")).unwrap_or_default();
    let stream = ask.kind == Kind::Stream;
    let (model, text) = (MODELS[ask.model], "x".repeat(ask.text));
    format!(
        r#"{{"model":"{model}","stream":{stream},{cap}"messages":[{{"role":"user","content":"{text}"}}]}}"#
    )
}

fn embedding(ask: &Ask) -> String {
    format!(r#"{{"model":"{}","input":"{}"}}"#, MODELS[ask.model], "x".repeat(ask.text))
}

pub(super) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Reads what there is. Whether the body is over.
pub(super) fn read(body: &mut ResponseBody<Tape>) -> bool {
    loop {
        match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(_) => return true,
            Poll::Pending => return false,
        }
    }
}
