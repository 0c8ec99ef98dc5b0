//! A disk that takes nothing any more, and then does again.

use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use attach_core::Body;
use attach_quota::store::SqliteStore;
use attach_quota::{Budget, Limit, Period, QuotaLayer, Store, WhenDown};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::support::{Directory, Process, directory_of_child, open};

const LONG: Duration = Duration::from_secs(60);

/// Counts log lines.
#[derive(Clone, Default)]
struct Lines {
    errors: Arc<AtomicU64>,
    infos: Arc<AtomicU64>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("attach_quota")
    }

    fn event(&self, event: &Event<'_>) {
        match *event.metadata().level() {
            Level::ERROR => self.errors.fetch_add(1, Ordering::SeqCst),
            _ => self.infos.fetch_add(1, Ordering::SeqCst),
        };
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

type Service = BoxCloneSyncService<Request<Body>, Response<attach_core::ResponseBody<Body>>, Infallible>;

fn service(store: &SqliteStore, id: &'static str, when_down: WhenDown) -> Service {
    let limit = Limit::requests(id, Budget::new(1_000_000, Period::Month)).when_store_down(when_down);
    let layer = QuotaLayer::by(vec![limit], |_| Some("alice")).store(store.clone());
    let answer = |_: Request<Body>| async { Ok(Response::new(Body::from(bytes::Bytes::from("{}")))) };
    BoxCloneSyncService::new(layer.layer(service_fn(answer)))
}

/// Makes a call, to the end of its answer: the status, and what is left.
async fn call(service: &Service) -> (u16, Option<u64>) {
    let request = Request::post("/").body(Body::default()).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let left = answer.headers().get("x-ratelimit-remaining-requests");
    let left = left.map(|left| left.to_str().unwrap().parse().unwrap());
    let status = answer.status().as_u16();
    tokio::time::timeout(LONG, answer.into_body().collect()).await.expect("answers end").unwrap();
    (status, left)
}

async fn calls_until(service: &Service, status: u16) -> u64 {
    let start = Instant::now();
    let mut others = 0;
    while call(service).await.0 != status {
        others += 1;
        assert!(start.elapsed() < LONG, "no {status} after {others} answers");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    others
}

/// Not a test by itself: its files cannot grow for long.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn a_process_whose_disk_is_full_for_a_while() {
    let Some(directory) = directory_of_child() else { return };
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let store = open(&directory).await.unwrap();
    let closed = service(&store, "closed", WhenDown::Closed);
    let local = service(&store, "local", WhenDown::Local);

    let mut in_all = calls_until(&closed, 503).await;
    assert!(in_all > 3, "the disk was full from the beginning");
    assert_eq!(lines.errors.load(Ordering::SeqCst), 1);
    for n in 1..=20 {
        assert_eq!(call(&local).await, (200, Some(1_000_000 - n)), "counted in memory");
        assert_eq!(call(&closed).await.0, 503);
    }
    // Time for some more attempts.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(lines.errors.load(Ordering::SeqCst), 1, "one line for one change");
    assert_eq!(lines.infos.load(Ordering::SeqCst), 0);

    let pid = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
    assert!(lifted.success());
    calls_until(&closed, 200).await;
    in_all += 1;
    assert_eq!((lines.errors.load(Ordering::SeqCst), lines.infos.load(Ordering::SeqCst)), (1, 1));
    // Without a word to the file: whoever comes next finds what was on the disk.
    assert!(store.flushed().is_none());
    println!("\nclosed {in_all}");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn while_the_disk_is_full_answers_end_closed_budgets_let_nobody_in_and_the_rest_is_written_later() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        let required = std::env::var_os("ATTACH_E2E").is_some_and(|value| value == "required");
        assert!(!required, "prlimit (util-linux) is missing");
        println!("skipped: prlimit (util-linux) is missing");
        return;
    }
    let directory = Directory::new();
    let test = "sqlite::disk::a_process_whose_disk_is_full_for_a_while";
    let mut process = Process::start_limited(test, directory.path(), 200);
    let in_all: u64 = process.says("closed ").parse().unwrap();
    process.kill();
    let store = open(directory.path()).await.unwrap();
    let left = |after| (200, Some(1_000_000 - after));
    assert_eq!(call(&service(&store, "closed", WhenDown::Closed)).await, left(in_all + 1));
    assert_eq!(call(&service(&store, "local", WhenDown::Local)).await, left(20 + 1));
}
