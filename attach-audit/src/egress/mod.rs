//! Sending records to other systems: at least once, in order, from a cursor that survives a restart.
//!
//! The log in the directory stays the record; what is sent is a copy. A receiver tells duplicates by `id`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use attach_audit::egress::{Egress, Stdout};
//! use attach_audit::{Log, log::Options};
//!
//! # async fn example() -> std::io::Result<()> {
//! let dir = std::path::Path::new("/var/lib/example/audit");
//! let log = Log::open(dir, Options::new("node-1"))?;
//! let tail = log.tail().expect("it is in a directory");
//! let egress = Egress::new(tail, dir).to(Arc::new(Stdout::new("stdout")))?;
//! // Beside the service, until the log has ended.
//! egress.run().await;
//! # Ok(()) }
//! ```

mod answer;
mod aside;
mod backoff;
mod behind;
mod cursor;
mod feed;
#[cfg(any(feature = "otlp", feature = "s3", feature = "syslog"))]
mod invalid;
mod moment;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(any(feature = "otlp", feature = "syslog"))]
mod program;
mod reader;
mod refused;
#[cfg(any(feature = "otlp", feature = "syslog"))]
mod rendered;
mod runner;
#[cfg(feature = "s3")]
mod s3;
mod ship;
mod shipped;
mod signature;
mod splunk;
mod status;
mod stdout;
#[cfg(feature = "syslog")]
mod syslog;
mod target;
#[cfg(any(feature = "otlp-grpc", feature = "syslog"))]
mod tls;
mod webhook;

pub use self::behind::{end_of, reached};
#[cfg(any(feature = "otlp", feature = "s3", feature = "syslog"))]
pub use self::invalid::InvalidTarget;
#[cfg(feature = "otlp-grpc")]
pub use self::otlp::OtlpGrpc;
#[cfg(feature = "otlp")]
pub use self::otlp::OtlpHttp;
pub use self::runner::{Egress, Start};
#[cfg(feature = "s3")]
pub use self::s3::{Archive, Bucket, Lock, LockMode};
pub use self::shipped::Shipped;
pub use self::signature::SigningKey;
pub use self::splunk::SplunkHec;
pub use self::status::Status;
pub use self::stdout::Stdout;
#[cfg(feature = "syslog")]
pub use self::syslog::Syslog;
pub use self::target::{Batch, Delivered, Limits, SendError, SendFuture, Target};
#[cfg(any(feature = "otlp-grpc", feature = "syslog"))]
pub use self::tls::Tls;
pub use self::webhook::Webhook;
