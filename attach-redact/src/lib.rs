//! A tower layer that keeps personal data and secrets in the house: what it finds in a prompt is replaced by
//! placeholders before the request leaves, and the answer, streamed or not, gets the originals back.
//!
//! ```
//! use attach_redact::{RedactLayer, Redactor, Scope};
//!
//! let redactor = Redactor::builder().key(b"the same on every node").build()?;
//! let redacted = redactor.redact_text(&Scope::anonymous(), "mail bob@example.org").expect("nothing is blocked");
//! assert!(redacted.text().starts_with("mail PII_EMAIL_"));
//! let answer = format!("Sent to {}.", &redacted.text()[5..]);
//! assert_eq!(redacted.restore(&answer), "Sent to bob@example.org.");
//!
//! // The same around a service that forwards OpenAI, Anthropic or Ollama calls:
//! let layer = RedactLayer::new(redactor);
//! # let _ = layer;
//! # Ok::<(), attach_redact::ConfigError>(())
//! ```
//!
//! What is looked for is [`Entity`]; what happens to it is an [`Action`]. [`RedactLayer::any_json`] is for services that are
//! no LLM's, [`Redactor::redact`] and [`Redactor::json`] for texts and documents without a service. Whatever cannot be looked
//! at does not leave: there is an error, or a refusal. It finds forms, check digits, cues and listed names, so it is not
//! complete.
//!
//! | feature | brings |
//! |---|---|
//! | `remote` | [`remote`](https://docs.rs/attach-redact/latest/attach_redact/remote/): engines behind a network, a Presidio analyzer and a webhook |
//! | `bedrock` | among them Amazon Bedrock Guardrails |
//! | `ner` | `ner::Ner`: names found by an ONNX model of your own |
//!
//! None is on by default.

mod action;
mod any_json;
mod basis;
mod budget;
mod builder;
mod clock;
mod engine;
mod entity;
mod error;
mod finding;
#[doc(hidden)]
pub mod fuzzing;
mod inspect;
mod json;
mod judge;
mod layer;
#[cfg(feature = "ner")]
pub mod ner;
mod occurrences;
mod offload;
mod placeholder;
mod recognize;
mod recognizers;
mod redacted;
mod redactor;
#[cfg(feature = "remote")]
pub mod remote;
mod request;
mod restore;
mod scope;
mod service;
mod session;
mod shares;
mod steps;
mod toward;
mod url;
mod vault;

pub use self::action::{Action, Uninspectable};
pub use self::basis::Basis;
pub use self::builder::Builder;
pub use self::clock::Clock;
pub use self::entity::{Custom, Detection, Entity};
pub use self::error::{ConfigError, Fault};
pub use self::finding::Finding;
pub use self::inspect::{Inspect, Inspection, Remembering, WhenDown};
pub use self::json::RedactedJson;
pub use self::layer::RedactLayer;
pub use self::offload::{Job, Offload};
pub use self::recognize::Recognize;
pub use self::redacted::{RedactError, Redacted};
pub use self::redactor::Redactor;
pub use self::scope::Scope;
pub use self::service::Redact;
pub use self::shares::Shares;
pub use attach_core::ResponseFuture;
