//! What is kept of what was said, who can read it, and for how long.

mod cost;
mod crash;
mod kept;
mod limits;
mod sealed;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use attach_audit::content::{Auditor, Contents, Keep, Key, Opened, PeopleKeys, keygen};
use attach_audit::{Audit, Log, log::Options};
use attach_core::body::{Guard, Step};
use attach_core::exchange::{Coverage, Redaction};
use attach_core::{Body, Exchange, Identity, Payload, ResponseBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::{Dir, Fed};

/// What only the client says and sees, and what stands for it upstream.
pub(super) const VALUE: &str = "Zbigniew.Quorvath@planted.example";
pub(super) const PLACEHOLDER: &str = "[EMAIL_00000000]";

pub(super) fn key() -> Key {
    Key::new(&[7; 32])
}

pub(super) struct World {
    pub(super) dir: Dir,
    pub(super) audit: Audit,
    pub(super) public: String,
    pub(super) auditor: Auditor,
}

impl World {
    pub(super) fn new(keep: Keep, change: impl FnOnce(Contents) -> Contents) -> Self {
        let dir = Dir::new();
        let (public, secret) = keygen();
        let audit = open(dir.path(), &public, keep, change);
        Self { dir, audit, public, auditor: Auditor::parse(&secret).expect("a key") }
    }

    pub(super) fn open(&self, answer: &Answer) -> Opened {
        self.auditor.open(self.dir.path(), &answer.id).expect("it opens")
    }

    /// The record of how a request ended.
    pub(super) fn outcome(&self, answer: &Answer) -> Value {
        let records = self.dir.records();
        let found = records.iter().find(|one| one["kind"] == "outcome" && one["req_id"] == *answer.id);
        found.expect("an outcome").clone()
    }
}

pub(super) fn open(dir: &Path, public: &str, keep: Keep, change: impl FnOnce(Contents) -> Contents) -> Audit {
    let people = PeopleKeys::open(&dir.join("people"), key()).expect("a folder");
    let people = people.auditors([public]).expect("a recipient");
    let contents = change(Contents::new(key()).keep(move |_, _| keep).people(people));
    Audit::new(Log::open(dir, Options::new("n")).expect("it opens")).contents(contents)
}

/// What the client was told.
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

pub(super) fn alice() -> Identity {
    let mut alice = Identity::person("acme", "00u-alice");
    alice.email = Some("alice@planted.example".into());
    alice.name = Some("Alice Planted".into());
    alice
}

/// Puts back what the request had.
struct Restore;

impl Guard for Restore {
    fn frame(&mut self, frame: Bytes, _: bool) -> Step {
        Step::Pass(String::from_utf8_lossy(&frame).replace(PLACEHOLDER, VALUE).into())
    }

    fn keeps_length(&self) -> bool {
        false
    }
}

/// A call, and what the model says to it.
pub(super) struct Ask {
    pub(super) path: &'static str,
    pub(super) who: Option<Identity>,
    pub(super) coverage: Coverage,
    pub(super) body: String,
    pub(super) frames: Vec<String>,
}

impl Ask {
    pub(super) fn new(frames: &[&str]) -> Self {
        Self {
            path: "/v1/chat/completions",
            who: Some(alice()),
            coverage: Coverage::Full,
            body: format!(r#"{{"model":"m","messages":[{{"role":"user","content":"I am {VALUE}"}}]}}"#),
            frames: frames.iter().map(ToString::to_string).collect(),
        }
    }

    /// The body as it goes upstream.
    pub(super) fn redacted(&self) -> String {
        self.body.replace(VALUE, PLACEHOLDER)
    }

    /// Goes through the two layers, with somebody who redacts between them; nothing if the answer broke off.
    pub(super) async fn send(&self, audit: &Audit) -> Option<Answer> {
        let frames = self.frames.clone();
        let upstream = service_fn(move |_: Request<Body>| {
            let (feed, body) = Fed::new(None);
            frames.iter().for_each(|frame| feed.send(Ok(frame.clone().into())).expect("open"));
            async { Ok::<_, Infallible>(Response::new(body)) }
        });
        let inner = ServiceBuilder::new().layer(audit.intent_layer()).service(upstream);
        let (who, coverage) = (self.who.clone(), self.coverage);
        let redact = service_fn(move |mut request: Request<Full<Bytes>>| {
            let (inner, who) = (inner.clone(), who.clone());
            async move {
                let exchange = Exchange::of_request(&mut request);
                who.into_iter().for_each(|who| assert!(exchange.identify(Arc::new(who))));
                let mut redaction = Redaction::default();
                redaction.coverage = coverage;
                exchange.facts(|facts| facts.redaction = Some(redaction));
                let (mut request, payload) = Payload::take(request, 16 << 20).await.expect("a call");
                let text = String::from_utf8_lossy(payload.bytes()).replace(VALUE, PLACEHOLDER);
                let api = exchange.api().expect("known");
                Payload::parse(api, text.into()).expect("a call").attach(&mut request);
                let answer = inner.oneshot(request).await?;
                Ok::<_, Infallible>(answer.map(|body| ResponseBody::inner(body).gated(Restore, &exchange)))
            }
        });
        let mut request =
            Request::post(self.path).body(Full::from(self.body.clone())).expect("a valid request");
        let id = Exchange::of_request(&mut request).id().to_string();
        let service = ServiceBuilder::new().layer(audit.layer()).service(redact);
        let answer = service.oneshot(request).await.expect("infallible");
        let body = answer.into_body().collect().await.ok()?.to_bytes().to_vec();
        Some(Answer { id, body })
    }
}
