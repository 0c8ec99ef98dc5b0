use std::sync::LazyLock;

use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};

use crate::limit::WhenDown;

static CHANGES: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("attach-quota")
        .u64_counter("attach.quota.store.changes")
        .with_description("How often the shared store went down and came back")
        .build()
});

static DEGRADED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("attach-quota")
        .u64_counter("attach.quota.store.degraded")
        .with_description("Charges that were decided without the shared store")
        .build()
});

/// From the start: an alert asks by how much it has grown.
pub(super) fn begin() {
    for state in ["up", "down", "forgotten", "stuck", "settling"] {
        CHANGES.add(0, &[KeyValue::new("state", state)]);
    }
}

pub(super) fn came_up(name: &str) {
    tracing::info!(store = name, "the quota store answers");
    CHANGES.add(1, &[KeyValue::new("state", "up")]);
}

pub(super) fn went_down(name: &str, why: &str) {
    tracing::warn!(store = name, why, "the quota store is down: limits do what they do without it");
    CHANGES.add(1, &[KeyValue::new("state", "down")]);
}

/// Which of the two it was, nobody can tell from here.
pub(super) fn forgot(name: &str) {
    tracing::warn!(
        store = name,
        "the quota store does not know this node any more: it was emptied, or took the node for dead; counts that are lost \
         are still in the audit log"
    );
    CHANGES.add(1, &[KeyValue::new("state", "forgotten")]);
}

/// Reservations work and settlements do not, which is no failure of the store as a whole.
pub(super) fn stuck(name: &str, why: &str) {
    tracing::warn!(store = name, why, "the quota store does not take settlements; they are kept");
    CHANGES.add(1, &[KeyValue::new("state", "stuck")]);
}

pub(super) fn moves(name: &str) {
    tracing::info!(store = name, "the quota store takes settlements again");
    CHANGES.add(1, &[KeyValue::new("state", "settling")]);
}

pub(super) fn decided(limit: &str, by: WhenDown) {
    let limit = KeyValue::new("limit", limit.to_owned());
    DEGRADED.add(1, &[limit, KeyValue::new("outcome", by.as_str())]);
}
