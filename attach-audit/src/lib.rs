//! Tower layers that put every request on record before it is answered.
//!
//! [`Audit`] is a trail with two layers. [`Audit::layer`] goes outermost, catches panics and writes how each request
//! ended, holding back nothing but the frame that completes the answer until that record is durable.
//! [`Audit::intent_layer`] goes innermost and writes what is about to be done before it is done. Records go to a
//! [`Sink`]: [`Log`] is a hash-chained log in files of JSON lines with group commit, which [`verify`] checks.
//!
//! ```
//! use attach_audit::log::Options;
//! use attach_audit::verify::verify;
//! use attach_audit::{Audit, Log};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("attach-audit-doc-{}", std::process::id()));
//! let audit = Audit::new(Log::open(&dir, Options::new("node-1"))?).exempt(["/livez"]);
//! let service = ServiceBuilder::new()
//!     .layer(audit.layer())
//!     // … authentication, policy, quota …
//!     .layer(audit.intent_layer())
//!     .service(service_fn(async |_: http::Request<()>| {
//!         Ok::<_, std::convert::Infallible>(http::Response::new(attach_core::Body::empty()))
//!     }));
//!
//! service.oneshot(http::Request::get("/hello").body(())?).await?;
//! audit.close().await;
//!
//! // start, intent, outcome, stop
//! assert_eq!(verify(&dir)?.records, 4);
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```
//!
//! [`Memory`] keeps records in memory, for tests. [`read`] reads a log back, [`retention`] says how long it is kept,
//! [`mod@format`] has records as OCSF and ECS.
//!
//! | feature | adds |
//! |---|---|
//! | `checkpoints` | signed Merkle checkpoints, checking a log against them, proofs of single records |
//! | `content` | what was asked and answered, redacted or sealed |
//! | `egress` | records sent to other systems: Splunk HEC, a webhook, the standard output, a target of your own |
//! | `otlp`, `otlp-grpc` | … as OTLP logs over HTTP, over gRPC |
//! | `syslog` | … as RFC 5424 over TLS |
//! | `s3` | … and closed segments as objects in a bucket |
//! | `sqlite` | an index of the log |

mod audit;
mod chain;
#[cfg(feature = "checkpoints")]
pub mod checkpoint;
#[cfg(feature = "content")]
pub mod content;
mod deed;
#[cfg(feature = "egress")]
pub mod egress;
pub mod format;
#[cfg(feature = "sqlite")]
pub mod index;
mod intent;
pub mod log;
mod metrics;
mod mode;
pub mod names;
mod outer;
mod overheard;
mod private;
pub mod read;
mod record;
mod refusals;
pub mod retention;
mod sink;
#[cfg(not(feature = "content"))]
mod spoken;
mod trail;
mod tree;
pub mod verify;

pub use self::audit::Audit;
pub use self::deed::{Deed, Unrecorded};
pub use self::intent::{Intent, IntentFuture, IntentLayer};
pub use self::log::Log;
pub use self::mode::Mode;
pub use self::outer::{AuditLayer, Audited, CatchPanic, ResponseFuture};
pub use self::overheard::Overheard;
pub use self::record::{Kind, Record, Timestamp};
pub use self::sink::{Ack, Memory, Sink};

#[cfg(feature = "content")]
use self::content as spoken;
