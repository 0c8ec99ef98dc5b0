//! The one table from an [`Outcome`] to the record's `end` and `decision.result`.

use attach_core::Outcome;

/// How the record names an outcome: its `end`, and the result when no layer refused.
pub(super) fn names(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Complete => ("complete", "allow"),
        Outcome::Rejected(_) => ("rejected", "deny"),
        Outcome::Blocked => ("blocked", "deny"),
        Outcome::Cut => ("cut", "deny"),
        Outcome::Revoked => ("revoked", "deny"),
        Outcome::Failed => ("upstream_error", "error"),
        Outcome::Timeout => ("upstream_timeout", "error"),
        Outcome::Disconnected => ("client_abort", "allow"),
        _ => ("gateway_error", "error"),
    }
}

/// The `end` of a request whose process died while it ran.
pub(crate) const CRASH: &str = "crash";
