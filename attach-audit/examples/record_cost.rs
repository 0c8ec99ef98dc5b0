//! What a call's two records cost on the way of the request, without the disk:
//! `cargo run --release -p attach-audit --features content --example record_cost`.
//!
//! With a number of calls as its argument it makes so many and says nothing, for counting instructions: the difference
//! between `valgrind --tool=callgrind … 2000` and `… 1000` is what a thousand calls cost.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, UNIX_EPOCH};

use attach_audit::content::{Contents, Key};
use attach_audit::log::{Options, Segment, Storage};
use attach_audit::{Audit, Log, Mode};
use attach_core::exchange::{Coverage, Decision, QuotaFacts, Redaction, RedactionMode, Route};
use attach_core::{Api, Body, Exchange, Identity, Outcome, Payload, Peer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};

const BODY: &str =
    r#"{"model":"gpt-4o","messages":[{"role":"user","content":"What is the capital of France?"}]}"#;
const ANSWER: &[u8] = br#"{"model":"gpt-4o-2024-08-06","choices":[{"message":{"content":"Paris."}}]}"#;

/// A disk that takes everything at once.
struct Nowhere;

impl Storage for Nowhere {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str) -> io::Result<Box<dyn io::Read>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn create(&self, _: &str) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(Self))
    }

    fn remove(&self, _: &str) {}
}

impl Segment for Nowhere {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::new("node-1");
    options.linger = Duration::from_millis(1);
    let audit = Audit::new(Log::open_on(Nowhere, options)?)
        .mode(Mode::Relaxed)
        .under("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        .contents(Contents::new(Key::new(&[7; 32])));
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(model));
    let (alice, payload) = (Arc::new(alice()), payload()?);
    let call = || -> Result<(), Box<dyn Error>> {
        let request = request(&alice, &payload)?;
        let answer = now(service.clone().oneshot(request)).ok_or("it waits for nothing")??;
        let mut body = pin!(answer.into_body());
        while let Some(frame) = now(body.as_mut().frame()).ok_or("it waits for nothing")? {
            black_box(frame.map_err(|_| "the body is whole")?);
        }
        Ok(())
    };
    if let Some(calls) = std::env::args().nth(1) {
        return (0..calls.parse()?).try_for_each(|_: u32| call());
    }
    let mut least = Duration::MAX;
    for _ in 0..50 {
        let began = Instant::now();
        (0..2000).try_for_each(|_| call())?;
        least = least.min(began.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{:.2} us for a call, its two records handed over", least.as_secs_f64() * 1e6 / 2000.0);
    Ok(())
}

/// As many facts as the gateway knows of an ordinary call.
fn request(alice: &Arc<Identity>, payload: &Payload) -> Result<Request<Body>, http::Error> {
    let mut request = Request::post("/v1/chat/completions")
        .header("user-agent", "OpenAI/Python 1.55.0")
        .header("x-client-request-id", "5a9a5d0e-1c1f-4f8e-9c6e-2b1f0a4de111")
        .body(Body::empty())?;
    request.extensions_mut().insert(Peer::new(([10, 1, 2, 3], 50_123).into()));
    request.extensions_mut().insert(payload.clone());
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(Arc::clone(alice));
    exchange.facts(|facts| {
        facts.model = Some("gpt-4o".into());
        let mut decision = Decision::new(true, "rule");
        decision.rule = Some("power-users".into());
        decision.groups = vec!["AI-Power-Users".into()];
        facts.decision = Some(decision);
        let mut route = Route::new("openai".into(), "gpt-4o-2024-08-06".into());
        route.provider = Some("openai");
        facts.route = Some(route);
        facts.quota = Some(QuotaFacts::new("per-user".into(), 200_000));
        let mut redaction = Redaction::default();
        redaction.counts = vec![("EMAIL".into(), 1), ("PHONE".into(), 1)];
        (redaction.coverage, redaction.answer) = (Coverage::Full, true);
        (redaction.engine, redaction.ruleset) =
            (Some("attach-redact/0.1.0"), Some("00ff00ff00ff00ff".into()));
        redaction.mode = Some(RedactionMode::Mask);
        facts.redaction = Some(redaction);
    });
    Ok(request)
}

async fn model(mut request: Request<Body>) -> Result<Response<Answer>, Infallible> {
    let exchange = Exchange::of_request(&mut request);
    exchange.facts(|facts| {
        (facts.usage.input, facts.usage.output) = (120, 45);
        facts.first_byte = Some(Duration::from_micros(151_230));
        facts.upstream_time = Some(Duration::from_micros(160_111));
        facts.answered_by = Some("gpt-4o-2024-08-06".into());
        facts.upstream_request_id = Some("req_0113a5b7c9d1e3f5".into());
    });
    Ok(Response::new(Answer(Some(Bytes::from_static(ANSWER)), exchange)))
}

/// An answer in one frame, which completes it.
struct Answer(Option<Bytes>, Exchange);

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let frame = self.0.take();
        self.1.finish(Outcome::Complete);
        Poll::Ready(frame.map(|bytes| Ok(http_body::Frame::data(bytes))))
    }
}

fn alice() -> Identity {
    let mut alice = Identity::person("acme", "00u1a2b3c4d5e6f7g8h9");
    alice.issuer = "https://id.example/oauth2/default".into();
    alice.client_id = Some("0oa1b2c3d4e5f6g7h8i9".into());
    alice.session_id = Some("102HiSVXsLpTWuHl5Lrjg0dow".into());
    alice.token_id = Some("AT.7P4KlczBYVcWLkxduEuKeZfeiNYkZIC9uGJ28Cc-YaI".into());
    alice.assurance.amr = vec!["pwd".into(), "mfa".into()];
    alice.assurance.auth_time = Some(UNIX_EPOCH + Duration::from_secs(1_794_990_000));
    alice.expires_at = Some(UNIX_EPOCH + Duration::from_secs(1_795_003_600));
    alice
}

fn payload() -> Result<Payload, Box<dyn Error>> {
    let parsed = Payload::parse(Api::OpenAiChat, Bytes::from_static(BODY.as_bytes()));
    parsed.map_err(|_| "the body is a chat".into())
}

/// The result of a future that has nothing to wait for.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
