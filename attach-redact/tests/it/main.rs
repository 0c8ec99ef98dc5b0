//! The crate from outside: the layer over HTTP, and the promises of the engine.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod alone;
mod answers;
mod any_json;
mod budget;
mod complaints;
mod compose;
mod countries;
mod engine;
mod evasion;
mod exfiltration;
mod external;
mod hostile;
mod inspect;
mod judged;
mod nearly;
#[cfg(feature = "ner")]
mod ner;
mod offload;
mod properties;
mod reference;
mod refusals;
#[cfg(feature = "remote")]
mod remote;
mod requests;
mod secrets;
mod shares;
mod signed;
mod splits;
mod streams;
mod support;
mod toward;
