//! What the crate tells an operator's metrics, by the OpenTelemetry API; the names of all its instruments.
//!
//! Without an SDK that is installed before they are made, all of it does nothing. No attribute is one that a caller can
//! choose: codes are ours, and the names of egress targets come from the configuration.

#[cfg(feature = "content")]
mod content;
#[cfg(feature = "egress")]
mod egress;
mod log;
mod queue;
mod retention;

#[cfg(feature = "content")]
pub(crate) use self::content::ContentMetrics;
#[cfg(feature = "egress")]
pub(crate) use self::egress::EgressMetrics;
pub(crate) use self::log::{LogMetrics, RefusalMetrics};
pub(crate) use self::queue::queue;
pub(crate) use self::retention::RetentionMetrics;

/// The scope of all instruments.
const SCOPE: &str = "attach-audit";
