//! The layers around a model that answers at once: what a request costs without HTTP.

use std::convert::Infallible;
use std::sync::OnceLock;

use attach_benches::layers::{Setup, Stack, Variant, stack};
use attach_benches::scratch::Scratch;
use attach_benches::target::Shape;
use attach_core::Body;
use divan::Bencher;
use http::Request;
use tower::{ServiceExt, service_fn};

use crate::support::{IDENTITY, answer, chat, now, read};

/// Few enough calls for the audit log's queue to take them all.
const SAMPLES: u32 = 60;
const CALLS: u32 = 60;

/// A stack and the directory of its log.
pub(crate) fn build(variant: Variant, shape: Shape) -> (Stack, Scratch) {
    let files = Scratch::new("micro").expect("a directory");
    let setup = Setup { jwks: IDENTITY.0.clone(), audit_dir: files.path().join("audit") };
    let model = service_fn(move |_: Request<Body>| async move { Ok::<_, Infallible>(answer(shape)) });
    (stack(variant, &setup, model).expect("the setup is good"), files)
}

/// One call, read to its end. A function of its own for profilers to find.
#[inline(never)]
pub(crate) fn call(stack: &Stack, request: Request<Body>) -> usize {
    now(stack.clone().oneshot(request)).map(read).unwrap_or_default()
}

fn bench(bencher: Bencher<'_, '_>, variant: Variant, shape: Shape) {
    let (stack, _files) = build(variant, shape);
    let expected = OnceLock::new();
    bencher.with_inputs(|| chat(shape)).bench_local_values(|request| {
        let length = call(&stack, request);
        assert_eq!(length, *expected.get_or_init(|| length), "every answer is alike");
        length
    });
}

#[divan::bench(args = Variant::EVERY, sample_count = SAMPLES, sample_size = CALLS)]
fn plain(bencher: Bencher<'_, '_>, variant: Variant) {
    bench(bencher, variant, Shape::Plain);
}

#[divan::bench(args = Variant::EVERY, sample_count = SAMPLES, sample_size = CALLS)]
fn streamed(bencher: Bencher<'_, '_>, variant: Variant) {
    bench(bencher, variant, Shape::Streamed);
}
