//! Reading a request.

use attach_benches::bodies;
use attach_core::json::Document;
use attach_core::{Api, Call, Payload};
use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const SIZES: [&str; 2] = ["518 B", "4 KB"];

fn body(size: &str) -> Bytes {
    if size == SIZES[0] { bodies::chat(false).into() } else { bodies::long_chat() }
}

/// The strict parse alone.
#[divan::bench(args = SIZES)]
fn document(bencher: Bencher<'_, '_>, size: &str) {
    let body = body(size);
    bencher.counter(BytesCount::from(body.len())).bench_local(|| Document::parse(black_box(body.clone())));
}

/// The call, from a document.
#[divan::bench(args = SIZES)]
fn call(bencher: Bencher<'_, '_>, size: &str) {
    let document = Document::parse(body(size)).expect("is strict JSON");
    bencher.bench_local(|| Call::parse(Api::OpenAiChat, black_box(&document)));
}

/// Both, as `Payload` does it.
#[divan::bench(args = SIZES)]
fn payload(bencher: Bencher<'_, '_>, size: &str) {
    let body = body(size);
    bencher
        .counter(BytesCount::from(body.len()))
        .bench_local(|| Payload::parse(Api::OpenAiChat, black_box(body.clone())).expect("is a call"));
}
