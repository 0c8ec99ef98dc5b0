//! How long the log is kept.

use attach_audit::Audit;
use attach_audit::log::{Position, Tail};
use attach_audit::retention::{Retention, Sweeping};

use crate::config;
use crate::run::StartError;

/// Begins to delete what is due, of what `shipped` says every receiver has; all of them have to be known to it by now.
pub(super) fn start(
    settings: &config::Audit,
    audit: &Audit,
    tail: Tail,
    shipped: impl Fn() -> Option<Option<Position>> + Send + 'static,
) -> Result<Sweeping, StartError> {
    let retention =
        Retention::new(audit.clone(), tail, settings.keep).shipped(shipped).disk_alert(settings.disk_alert);
    retention.start().map_err(|e| StartError::Io("audit retention", e))
}
