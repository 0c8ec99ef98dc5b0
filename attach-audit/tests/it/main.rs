//! The crate from outside: over real sockets, in other people's stacks, and on files that somebody tampered with.

// Everything here is a test; clippy's own exception covers test functions only.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod alone;
#[cfg(any(feature = "otlp-grpc", feature = "syslog"))]
mod certificates;
#[cfg(feature = "checkpoints")]
mod checkpoints;
mod compose;
mod configured;
#[cfg(feature = "content")]
mod content;
mod crash;
#[cfg(feature = "egress")]
mod egress;
mod ends;
mod formats;
mod full;
mod hold;
#[cfg(feature = "sqlite")]
mod index;
mod kill;
mod modes;
#[cfg(feature = "otlp-grpc")]
mod otlp;
mod outage;
mod reading;
mod refusals;
mod restart;
mod schema;
mod schema_check;
mod simulation;
mod slow;
mod stall;
mod support;
#[cfg(feature = "syslog")]
mod syslog;
mod tamper;
mod throughput;
#[cfg(any(feature = "otlp-grpc", feature = "syslog"))]
mod traffic;
