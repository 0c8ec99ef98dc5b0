//! One caller's large bodies, and everybody else.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use attach_core::{Body, Exchange, Identity};
use attach_redact::{Job, Offload, RedactLayer, Redactor, Scope, Shares};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, chat};

/// A gate that texts with "stop" in them do not pass before it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    open: bool,
    before: usize,
    most: usize,
}

impl Gate {
    fn pass(&self) {
        let (state, opened) = &*self.0;
        let mut state = state.lock().unwrap();
        state.before += 1;
        state.most = state.most.max(state.before);
        state = opened.wait_while(state, |state| !state.open).unwrap();
        state.before -= 1;
    }

    fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    fn before(&self) -> usize {
        self.0.0.lock().unwrap().before
    }

    fn redactor(&self) -> Redactor {
        let gate = self.clone();
        let stops = move |text: &str| {
            if text.starts_with("stop") {
                gate.pass();
            }
            Vec::new()
        };
        let forever = Duration::from_secs(3600);
        Redactor::builder().key(b"0123456789abcdef").budget(forever).recognizer(stops).build().unwrap()
    }
}

/// Counts the jobs it is given.
#[derive(Clone)]
struct Counted(Shares, Arc<AtomicUsize>);

impl Offload for Counted {
    fn run(&self, job: Job) {
        self.0.run(job);
    }

    fn run_for(&self, whose: &Scope, bytes: usize, job: Job) {
        self.0.run_for(whose, bytes, job);
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

fn two_threads() -> Shares {
    Shares::new(2, |job: Job| drop(std::thread::spawn(job))).patience(Duration::from_secs(3600))
}

/// A call of `who` with a body of more than 64 KiB.
async fn call(layer: RedactLayer, who: &str, text: &str) -> Response<Bytes> {
    let model = service_fn(|request: Request<Body>| async move {
        let sent = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(Response::new(Full::new(sent)))
    });
    let body = chat(&format!("{text} {}", "word ".repeat(20_000)));
    let mut request = Request::post(CHAT).body(Full::new(Bytes::from(body))).unwrap();
    Exchange::of_request(&mut request).identify(Arc::new(Identity::person("acme", who)));
    let (parts, body) = layer.layer(model).oneshot(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn twenty_large_bodies_of_one_caller_do_not_stop_another() {
    let (gate, offload) = (Gate::default(), Counted(two_threads(), Arc::default()));
    let layer = RedactLayer::new(gate.redactor()).offload(offload.clone());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let layer = layer.clone();
        calls.spawn(async move { call(layer, "alice", "stop").await.status() });
    }
    until(|| offload.1.load(Ordering::Relaxed) == 20 && gate.before() == 1).await;
    for _ in 0..3 {
        assert_eq!(call(layer.clone(), "bob", "go on").await.status(), 200);
    }
    assert!(calls.try_join_next().is_none(), "hers are all under way");
    gate.open();
    while let Some(status) = calls.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(gate.0.0.lock().unwrap().most, 1, "never more than half of the threads");
    until(|| offload.0.callers() == 0).await;
}

#[tokio::test]
async fn a_body_without_a_place_to_wait_is_refused_at_once_and_may_come_again() {
    let (gate, shares) = (Gate::default(), two_threads().waiting(1));
    let offload = Counted(shares, Arc::default());
    let layer = RedactLayer::new(gate.redactor()).offload(offload.clone());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let layer = layer.clone();
        calls.spawn(async move { call(layer, "alice", "stop").await.status() });
    }
    until(|| offload.1.load(Ordering::Relaxed) == 2).await;
    let refused = call(layer, "alice", "stop").await;
    assert_eq!((refused.status().as_u16(), &refused.headers()[RETRY_AFTER]), (503, &"1".parse().unwrap()));
    let said = String::from_utf8(refused.into_body().to_vec()).unwrap();
    assert!(said.contains("redaction_failed") && said.contains("not forwarded"), "{said}");
    gate.open();
    while let Some(status) = calls.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
}
