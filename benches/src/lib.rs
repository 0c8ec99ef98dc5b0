//! Load and micro benchmarks of Attach, with the peers beside it.
//!
//! The `load` program drives real sockets: a mock model server, the gateway, nginx and each layer alone, in
//! interleaved rounds. `cargo bench -p attach-benches` times the parts. `benches/README.md` says how to run both
//! and how to read them.

#![allow(clippy::expect_used, reason = "a tool that nobody depends on: a broken constant ends the run")]

pub mod attach;
pub mod audit;
pub mod bodies;
pub mod generator;
pub mod histogram;
pub mod issuer;
pub mod layers;
pub mod mock;
pub mod nginx;
pub mod options;
pub mod process;
pub mod procstat;
pub mod report;
pub mod rounds;
pub mod scratch;
pub mod series;
pub mod serve;
pub mod soak;
pub mod target;
pub mod wire;

/// What goes wrong here ends the run; the text is all that matters.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result with any error.
pub type Result<T, E = BoxError> = std::result::Result<T, E>;
