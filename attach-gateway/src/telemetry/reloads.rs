//! Which configuration is in force, and how often it was to be another.

use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};

use super::names as own;

/// The instruments. Clones are the same.
#[derive(Clone)]
pub(super) struct Reloads {
    in_force: Arc<ArcSwap<KeyValue>>,
    count: Counter<u64>,
}

impl Reloads {
    pub(super) fn new(meter: &Meter, config_hash: String) -> Self {
        let in_force = Arc::new(ArcSwap::from_pointee(KeyValue::new(own::CONFIG_HASH, config_hash)));
        let shown = Arc::clone(&in_force);
        meter
            .u64_observable_gauge(own::CONFIG_INFO)
            .with_description("The configuration, by its hash.")
            .with_callback(move |now| now.observe(1, std::slice::from_ref(&**shown.load())))
            .build();
        let count =
            meter.u64_counter(own::CONFIG_RELOADS).with_description("Readings of a changed file.").build();
        let reloads = Self { in_force, count };
        // From the start: an alert asks by how much it has grown.
        for accepted in [true, false] {
            reloads.count.add(0, &[result(accepted)]);
        }
        reloads
    }

    pub(super) fn count(&self, accepted: Option<&str>) {
        if let Some(hash) = accepted {
            self.in_force.store(Arc::new(KeyValue::new(own::CONFIG_HASH, hash.to_owned())));
        }
        self.count.add(1, &[result(accepted.is_some())]);
    }
}

fn result(accepted: bool) -> KeyValue {
    KeyValue::new(own::RELOAD_RESULT, if accepted { "accepted" } else { "refused" })
}
