//! The crate from outside: over real sockets, in other people's stacks, and on files that somebody tampered with.

// Everything here is a test; clippy's own exception covers test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod compose;
mod crash;
mod ends;
mod full;
mod hold;
mod modes;
mod outage;
mod refusals;
mod schema;
mod simulation;
mod stall;
mod support;
mod tamper;
mod throughput;
