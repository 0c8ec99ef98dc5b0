//! One binary for all integration tests of the crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic as tests do")]

mod body;
mod call;
mod events;
mod json;
mod payload;
mod rejection;
mod usage;
