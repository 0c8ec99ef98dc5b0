//! Reserving and settling, through the layer: there is no other way in.

use std::convert::Infallible;

use attach_benches::layers;
use attach_benches::target::Shape;
use attach_core::Body;
use attach_quota::{Limit, QuotaLayer, Rate};
use divan::Bencher;
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::{answer, chat, now, read};

async fn model(_: Request<Body>) -> Result<Response<crate::support::Frames>, Infallible> {
    Ok(answer(Shape::Plain))
}

fn bench(bencher: Bencher<'_, '_>, limits: Vec<Limit>) {
    let service =
        ServiceBuilder::new().layer(QuotaLayer::by(limits, |_| Some("bench"))).service(service_fn(model));
    bencher
        .with_inputs(|| chat(Shape::Plain))
        .bench_values(|request| now(service.clone().oneshot(request)).map(read).unwrap_or_default());
}

/// No limit: what the detour costs by itself.
#[divan::bench]
fn none(bencher: Bencher<'_, '_>) {
    bench(bencher, Vec::new());
}

/// One limit on requests: no body is read, so this less `none` is a reservation and its settlement.
#[divan::bench(threads = [1, 2])]
fn requests(bencher: Bencher<'_, '_>) {
    bench(bencher, vec![Limit::requests("requests", Rate::per_second(1_000_000_000))]);
}

/// A limit on tokens and one on requests: the body is read and the answer metered.
#[divan::bench]
fn tokens(bencher: Bencher<'_, '_>) {
    bench(bencher, layers::limits());
}
