//! What probes say of upstreams, looked at when somebody asks: an upstream that is gone from the configuration is gone
//! from here.

use std::sync::Arc;

use attach_audit::names;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::names as own;
use crate::upstream::ProbeStatus;

/// Shows the `status` of each upstream that is probed.
pub(super) fn observe(meter: &Meter, status: impl Fn() -> Vec<ProbeStatus> + Clone + Send + Sync + 'static) {
    let healthy = status.clone();
    meter
        .u64_observable_gauge(own::PROBE_HEALTHY)
        .with_description("0 while the upstream's probes fail, so that others are called; else 1.")
        .with_callback(move |now| {
            for one in healthy() {
                now.observe(u64::from(one.healthy), &[upstream(&one)]);
            }
        })
        .build();
    meter
        .u64_observable_counter(own::PROBES)
        .with_description("Probes of the upstream that have ended.")
        .with_callback(move |now| {
            for one in status() {
                for (count, result) in one.counts.into_iter().zip(["well", "failed"]) {
                    now.observe(count, &[upstream(&one), KeyValue::new(own::PROBE_RESULT, result)]);
                }
            }
        })
        .build();
}

fn upstream(of: &ProbeStatus) -> KeyValue {
    KeyValue::new(names::ATTACH_UPSTREAM, Arc::clone(&of.upstream))
}
