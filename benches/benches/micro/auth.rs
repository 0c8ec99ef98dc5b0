//! Verifying a token.

use attach_benches::layers;
use divan::Bencher;

use crate::support::{IDENTITY, now};

/// A token that was verified before.
#[divan::bench]
fn cached(bencher: Bencher<'_, '_>) {
    let (jwks, token) = &*IDENTITY;
    let verifier = layers::verifier(jwks).expect("the keys are good");
    now(verifier.verify(token)).expect("the token is good");
    bencher.bench_local(|| now(verifier.verify(divan::black_box(token))).expect("the token is good"));
}

/// A token that was not (ES256).
#[divan::bench]
fn fresh(bencher: Bencher<'_, '_>) {
    let (jwks, token) = &*IDENTITY;
    bencher
        .with_inputs(|| layers::verifier(jwks).expect("the keys are good"))
        .bench_local_values(|verifier| now(verifier.verify(token)).expect("the token is good"));
}
