//! One binary for all integration tests of the crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic as tests do")]

mod answers;
mod bytes;
mod charging;
mod clamp;
mod complaints;
mod compose;
mod cut;
mod drained;
mod durable;
mod estimates;
mod fair;
mod found;
mod metrics;
mod money;
mod property;
mod reconfigured;
#[cfg(feature = "redis")]
mod redis;
mod scope;
#[cfg(feature = "sqlite")]
mod sqlite;
mod standings;
mod support;
mod usage_asked;
