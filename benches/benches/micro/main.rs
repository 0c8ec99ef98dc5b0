//! The parts of a request, each timed alone: `cargo bench -p attach-benches`.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to time")]

mod audit;
mod auth;
mod json;
mod known;
mod quota;
mod quota_keys;
mod quota_layer;
mod race;
mod ratio;
mod redact;
mod revocation;
mod stack;
mod support;
mod token;
mod usage;

// What the gateway's binary uses as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo bench` says so; a run without it only shows that everything works.
    if std::env::args().any(|argument| argument == "--bench") {
        ratio::print();
    }
    // Where a benchmark does not say: enough runs in a row for its code and data to be in the caches.
    divan::Divan::from_args().sample_size(50).main();
}
