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
mod backoff;
mod cursor;
mod feed;
mod moment;
mod reader;
mod runner;
mod ship;
mod shipped;
mod signature;
mod splunk;
mod status;
mod stdout;
mod target;
mod webhook;

pub use self::runner::{Egress, Start};
pub use self::shipped::Shipped;
pub use self::signature::SigningKey;
pub use self::splunk::SplunkHec;
pub use self::status::Status;
pub use self::stdout::Stdout;
pub use self::target::{Batch, Delivered, Limits, SendError, SendFuture, Target};
pub use self::webhook::Webhook;
