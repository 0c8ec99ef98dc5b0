//! A log with a few requests in it, for what sends logs elsewhere.

use std::convert::Infallible;
use std::sync::Arc;

use attach_audit::egress::Batch;
use attach_audit::log::{Line, Options, Tail};
use attach_audit::{Audit, Log};
use attach_core::exchange::{Decision, Route};
use attach_core::{Body, Exchange, Identity, Outcome, Peer};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::Dir;

/// A running log.
pub(crate) struct Traffic {
    pub(crate) dir: Dir,
    pub(crate) tail: Tail,
    audit: Audit,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        let dir = Dir::new();
        let log = Log::open(dir.path(), Options::new("node-1").build("it/1")).expect("it opens");
        let tail = log.tail().expect("it is in a directory");
        Self { dir, tail, audit: Audit::new(log) }
    }

    /// Makes requests that end as they should, were cut, and broke.
    pub(crate) async fn requests(&self, count: usize) {
        for n in 0..count {
            let outcome = [Outcome::Complete, Outcome::Cut, Outcome::Timeout][n % 3];
            let service = ServiceBuilder::new()
                .layer(self.audit.layer())
                .layer(self.audit.intent_layer())
                .service(service_fn(|mut request: Request<()>| {
                    Exchange::of_request(&mut request).finish(outcome);
                    async { Ok::<_, Infallible>(Response::new(Body::empty())) }
                }));
            service.oneshot(request()).await.expect("answered");
        }
    }

    /// All lines that are durable by now.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.tail.follow(None).read(usize::MAX).expect("readable")
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::new(self.lines())
    }
}

/// Whose text has what a careless receiver trips over.
fn request() -> Request<()> {
    let mut request = Request::post("/v1/chat/completions").header("user-agent", "a \"b\" \\ ü");
    request = request.header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let mut request = request.body(()).expect("valid");
    request.extensions_mut().insert(Peer::new(([10, 0, 0, 9], 4242).into()));
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(Arc::new(Identity::person("acme", "00u-älice")));
    exchange.facts(|facts| {
        facts.model = Some("gpt-4o".into());
        facts.decision = Some(Decision::new(true, "rule"));
        facts.route = Some(Route::new("openai".into(), "gpt-4o-2024".into()));
        facts.answered_by = Some("gpt-4o-2024-08-06".into());
        (facts.usage.input, facts.usage.output) = (10, 20);
    });
    request
}

/// The lines as text.
pub(crate) fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| String::from_utf8(line.bytes.to_vec()).expect("UTF-8")).collect()
}
