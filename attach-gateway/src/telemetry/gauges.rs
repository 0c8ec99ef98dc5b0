//! What is looked at when somebody asks: readiness, versions, the process.

use std::time::Instant;

use attach_audit::{Audit, names};
use attach_auth::IssuerStatus;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::names as own;

/// Of what the gateway is and of the process it is in.
pub(super) fn process(meter: &Meter) {
    one(meter, own::BUILD_INFO, "The version.", KeyValue::new(names::SERVICE_VERSION, VERSION));
    let begun = Instant::now();
    meter
        .f64_observable_gauge(own::UPTIME)
        .with_unit("s")
        .with_description("Time since the start.")
        .with_callback(move |now| now.observe(begun.elapsed().as_secs_f64(), &[]))
        .build();
    meter
        .u64_observable_gauge(own::MEMORY)
        .with_unit("By")
        .with_description("Resident memory.")
        .with_callback(|now| observe(now, memory()))
        .build();
    meter
        .u64_observable_gauge(own::DESCRIPTORS)
        .with_description("Open file descriptors.")
        .with_callback(|now| observe(now, descriptors()))
        .build();
}

/// Of what the gateway depends on.
pub(super) fn readiness(
    meter: &Meter,
    issuers: impl Fn() -> Vec<IssuerStatus> + Clone + Send + Sync + 'static,
    audit: Audit,
) {
    keys(meter, issuers.clone());
    meter
        .u64_observable_gauge(own::ISSUER_READY)
        .with_description("1 while tokens of the issuer can be verified.")
        .with_callback(move |now| {
            for status in issuers() {
                now.observe(u64::from(status.ready), &[KeyValue::new(own::ISSUER, status.issuer)]);
            }
        })
        .build();
    meter
        .u64_observable_gauge(own::AUDIT_READY)
        .with_description("1 while the audit log takes records.")
        .with_callback(move |now| now.observe(u64::from(audit.is_ready()), &[]))
        .build();
}

/// Of the issuers' keys, which are relied on for a day while a provider is away.
fn keys(meter: &Meter, issuers: impl Fn() -> Vec<IssuerStatus> + Send + Sync + 'static) {
    meter
        .f64_observable_gauge(own::ISSUER_KEYS_AGE)
        .with_unit("s")
        .with_description("How long ago the issuer confirmed its keys.")
        .with_callback(move |now| {
            for status in issuers() {
                if let Some(age) = status.keys_age {
                    now.observe(age.as_secs_f64(), &[KeyValue::new(own::ISSUER, status.issuer)]);
                }
            }
        })
        .build();
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A gauge that says something by its attribute alone.
fn one(meter: &Meter, name: &'static str, what: &'static str, attribute: KeyValue) {
    let gauge = meter.u64_observable_gauge(name).with_description(what);
    gauge.with_callback(move |now| now.observe(1, std::slice::from_ref(&attribute))).build();
}

fn observe(now: &dyn opentelemetry::metrics::AsyncInstrument<u64>, value: Option<u64>) {
    if let Some(value) = value {
        now.observe(value, &[]);
    }
}

/// In bytes, by Linux's /proc (proc_pid_status(5)).
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn descriptors() -> Option<u64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}
