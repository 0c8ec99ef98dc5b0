//! Records on their way to the log.

use std::convert::Infallible;
use std::time::Duration;

use attach_audit::log::Options;
use attach_audit::{Ack, Audit, Log, Mode, Record, Sink};
use attach_benches::procstat;
use attach_benches::scratch::Scratch;
use attach_benches::target::Shape;
use attach_core::Body;
use divan::Bencher;
use http::{Request, Response};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::known::known;
use crate::support::{Frames, answer, chat, now, read};

/// Few enough calls for the log's queue to take them all.
const SAMPLES: u32 = 60;
const CALLS: u32 = 60;

/// Takes records and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        divan::black_box(record.kind());
        ack.durable();
    }
}

/// Takes records, formats and forgets them.
struct Formatted;

impl Sink for Formatted {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        divan::black_box(record.to_json());
        ack.durable();
    }
}

async fn model(_: Request<Body>) -> Result<Response<Frames>, Infallible> {
    Ok(answer(Shape::Plain))
}

fn bench(bencher: Bencher<'_, '_>, sink: impl Sink) {
    let audit = Audit::new(sink).mode(Mode::Relaxed);
    let service = service(&audit);
    bencher
        .with_inputs(|| known(chat(Shape::Plain)))
        .bench_local_values(|request| now(service.clone().oneshot(request)).map(read).unwrap_or_default());
}

fn service(
    audit: &Audit,
) -> impl Service<
    Request<Body>,
    Response = Response<impl http_body::Body<Data = bytes::Bytes>>,
    Error = Infallible,
> + Clone {
    ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(model))
}

/// Both layers without a log: what watching costs.
#[divan::bench]
fn nowhere(bencher: Bencher<'_, '_>) {
    bench(bencher, Nowhere);
}

/// With two records formatted.
#[divan::bench]
fn formatted(bencher: Bencher<'_, '_>) {
    bench(bencher, Formatted);
}

/// With two records handed to the log on disk; its thread hashes and writes them later.
#[divan::bench(sample_count = SAMPLES, sample_size = CALLS)]
fn enqueued(bencher: Bencher<'_, '_>) {
    let files = Scratch::new("audit").expect("a directory");
    bench(bencher, Log::open(files.path(), Options::new("bench")).expect("a log"));
}

/// Prints what a request's two records cost in all, with the log's thread and the system's work for it.
pub(crate) fn print_whole() {
    const REQUESTS: u32 = 7_000;
    let pid = [std::process::id()];
    let mut least = Duration::MAX;
    for _ in 0..5 {
        let files = Scratch::new("audit").expect("a directory");
        let log = Log::open(files.path(), Options::new("bench")).expect("a log");
        let audit = Audit::new(log).mode(Mode::Relaxed);
        let service = service(&audit);
        let requests: Vec<_> = (0..REQUESTS).map(|_| known(chat(Shape::Plain))).collect();
        let before = procstat::cpu(&pid);
        for request in requests {
            let _ = now(service.clone().oneshot(request)).map(read);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(audit.close());
        least = least.min(procstat::cpu(&pid).saturating_sub(before));
    }
    let micros = least.as_secs_f64() * 1e6 / f64::from(REQUESTS);
    println!(
        "audit, relaxed: {micros:.1} us of processor time per request for everything: watching, two records,"
    );
    println!("  hash, write (best of 5 runs of {REQUESTS} requests)\n");
}
