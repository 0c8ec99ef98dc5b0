//! The identity-aware LLM gateway: the Attach layers stacked in front of model servers.
//!
//! The binary is a thin shell over this library: [`config`] reads the environment or one TOML file, [`Gateway`]
//! listens, and each request passes, in this order, `door` (routes, load) → audit → auth → `caller` → `catalog` →
//! `resolve` → policy → quota → redact → intent → `upstream`, which translates where the upstream speaks another
//! dialect than the caller.

pub mod cli;
pub mod config;
#[cfg(feature = "dev")]
pub mod dev;

mod admin;
mod alerts;
mod callers;
mod dollars;
mod front;
mod hex;
mod machine;
mod moment;
mod quotas;
mod redact;
mod reload;
mod resolve;
mod rights;
mod run;
mod server;
mod signals;
mod stack;
mod state;
mod telemetry;
mod trail;
mod translate;
mod upkeep;
mod upstream;
mod witness;

pub use self::run::{Gateway, StartError};
