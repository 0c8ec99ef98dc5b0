//! Measurements: `cargo test --release -p attach-audit -- --ignored --nocapture throughput`.

use std::hint::black_box;
use std::time::Instant;

use attach_audit::log::{Log, Options};
use attach_audit::{Audit, Memory, Mode, verify};
use attach_core::{Exchange, Identity};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

use crate::support::Dir;

async fn run(audit: &Audit, in_flight: usize, requests: usize) -> f64 {
    let bare = service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(attach_core::Body::from(bytes::Bytes::from_static(
            b"hello",
        ))))
    });
    let identity = std::sync::Arc::new(Identity::person("acme", "00u-alice"));
    let identify = tower::layer::layer_fn(move |inner| {
        let identity = identity.clone();
        tower::util::MapRequest::new(inner, move |mut request: Request<()>| {
            Exchange::of_request(&mut request).identify(identity.clone());
            request
        })
    });
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(identify).layer(audit.intent_layer()).service(bare);
    let began = Instant::now();
    let tasks = (0..in_flight).map(|_| {
        let service = service.clone();
        tokio::spawn(async move {
            for _ in 0..requests / in_flight {
                let request = Request::post("/v1/chat/completions")
                    .header("user-agent", "bench/1")
                    .body(())
                    .expect("valid");
                let answer = service.clone().oneshot(request).await.expect("answered");
                black_box(answer.into_body().collect().await.expect("whole"));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("done");
    }
    began.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn throughput() {
    for (mode, in_flight, requests) in [
        (Mode::Strict, 1, 200),
        (Mode::Strict, 64, 10_000),
        (Mode::Strict, 256, 40_000),
        (Mode::Strict, 1024, 100_000),
        (Mode::Relaxed, 256, 100_000),
    ] {
        let dir = Dir::new();
        let audit = Audit::new(Log::open(dir.path(), Options::new("n")).expect("it opens")).mode(mode);
        let seconds = run(&audit, in_flight, requests).await;
        audit.close().await;
        let began = Instant::now();
        let report = verify::verify(dir.path()).expect("verifies");
        let verifying = began.elapsed().as_secs_f64();
        println!(
            "{mode:?} at {in_flight}: {:.0} records/s, {:.3} ms a request; verify {:.0} MB/s",
            2.0 * requests as f64 / seconds,
            seconds * 1e3 * in_flight as f64 / requests as f64,
            report.bytes as f64 / 1e6 / verifying,
        );
    }
    let (bytes, began) = (vec![7; 64 << 20], Instant::now());
    black_box(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    println!("bare SHA-256: {:.0} MB/s", bytes.len() as f64 / 1e6 / began.elapsed().as_secs_f64());
    let service = service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(attach_core::Body::empty()))
    });
    let audit = Audit::new(Memory::new()).mode(Mode::Single);
    let service = audit.layer().layer(service);
    let began = Instant::now();
    for _ in 0..20_000 {
        black_box(service.clone().oneshot(Request::new(())).await.expect("answered"));
    }
    println!("to memory: {:.2} µs a request with one record", began.elapsed().as_secs_f64() * 1e6 / 20_000.0);
}
