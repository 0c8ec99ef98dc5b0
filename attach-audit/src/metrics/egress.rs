use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

use crate::egress::Status;

/// Bytes that are durable and not delivered.
const LAG: &str = "attach.audit.egress.lag";
/// The age of the oldest record that is not delivered, in seconds.
const AGE: &str = "attach.audit.egress.age";
/// Records by `outcome`: `sent`, `rejected`, `put_aside`, `skipped`.
const RECORDS: &str = "attach.audit.egress.records";
/// Attempts that failed.
const FAILURES: &str = "attach.audit.egress.failures";
/// 1 if the last attempt succeeded, else 0.
const UP: &str = "attach.audit.egress.up";

/// The instruments of one egress target.
#[derive(Debug)]
pub(crate) struct EgressMetrics {
    lag: Gauge<u64>,
    age: Gauge<f64>,
    up: Gauge<u64>,
    records: Counter<u64>,
    failures: Counter<u64>,
    own: [KeyValue; 1],
    sent: [KeyValue; 2],
    rejected: [KeyValue; 2],
    put_aside: [KeyValue; 2],
    skipped: [KeyValue; 2],
}

impl EgressMetrics {
    /// Those of the target `name`, by the meter provider that is installed now.
    pub(crate) fn new(name: &str) -> Self {
        let meter = global::meter(super::SCOPE);
        let own = KeyValue::new("egress", name.to_owned());
        let with = |outcome| [own.clone(), KeyValue::new("outcome", outcome)];
        let lag = "Bytes of audit records that are durable and not delivered.";
        let age = "How old the oldest audit record is that is not delivered.";
        Self {
            lag: meter.u64_gauge(LAG).with_description(lag).with_unit("By").build(),
            age: meter.f64_gauge(AGE).with_description(age).with_unit("s").build(),
            up: meter
                .u64_gauge(UP)
                .with_description("Whether the last attempt to deliver succeeded.")
                .build(),
            records: meter.u64_counter(RECORDS).with_description("What became of audit records.").build(),
            failures: meter
                .u64_counter(FAILURES)
                .with_description("Attempts to deliver that failed.")
                .build(),
            sent: with("sent"),
            rejected: with("rejected"),
            put_aside: with("put_aside"),
            skipped: with("skipped"),
            own: [own],
        }
    }

    /// Notes how the target stands.
    pub(crate) fn stands(&self, status: &Status) {
        self.lag.record(status.lag_bytes, &self.own);
        self.age.record(status.lag.as_secs_f64(), &self.own);
        self.up.record(status.up.into(), &self.own);
    }

    /// Counts a batch that was taken.
    pub(crate) fn delivered(&self, sent: u64, rejected: u64) {
        self.records.add(sent, &self.sent);
        if rejected > 0 {
            self.records.add(rejected, &self.rejected);
        }
    }

    /// Counts a record that was refused again and again.
    pub(crate) fn put_aside(&self) {
        self.records.add(1, &self.put_aside);
    }

    /// Counts records that were gone.
    pub(crate) fn skipped(&self, records: u64) {
        self.records.add(records, &self.skipped);
    }

    /// Counts an attempt that failed.
    pub(crate) fn failed(&self) {
        self.failures.add(1, &self.own);
    }
}
