use opentelemetry::global;
use opentelemetry::metrics::{Counter, Gauge};

/// What is measured; nothing until [`global`](Self::global).
#[derive(Default)]
pub(crate) struct RetentionMetrics(Option<Instruments>);

struct Instruments {
    used: Gauge<f64>,
    bytes: Gauge<u64>,
    segments: Gauge<u64>,
    held: Gauge<u64>,
    stuck: Gauge<u64>,
    deleted: Counter<u64>,
}

impl RetentionMetrics {
    /// On the meter provider that the program has set by now.
    pub(crate) fn global() -> Self {
        let meter = global::meter(super::SCOPE);
        // Prometheus' names have the unit behind them, for "1" the word ratio.
        let gauge = |name: &'static str, unit: &'static str, text: &'static str| {
            meter.u64_gauge(name).with_unit(unit).with_description(text).build()
        };
        let flag =
            |name: &'static str, text: &'static str| meter.u64_gauge(name).with_description(text).build();
        Self(Some(Instruments {
            used: meter
                .f64_gauge("attach.audit.disk.used")
                .with_unit("1")
                .with_description("Share of the audit log's file system that is used")
                .build(),
            bytes: gauge("attach.audit.log.size", "By", "Bytes of the audit log"),
            segments: gauge("attach.audit.log.segments", "{segment}", "Segments of the audit log"),
            held: flag("attach.audit.retention.held", "1 under a legal hold"),
            stuck: flag("attach.audit.retention.stuck", "1 while a segment is due and cannot go"),
            deleted: meter
                .u64_counter("attach.audit.retention.deleted")
                .with_unit("{segment}")
                .with_description("Segments deleted because they were due")
                .build(),
        }))
    }

    pub(crate) fn used(&self, ratio: f64) {
        if let Some(metrics) = &self.0 {
            metrics.used.record(ratio, &[]);
        }
    }

    pub(crate) fn log(&self, bytes: u64, segments: u64) {
        if let Some(metrics) = &self.0 {
            metrics.bytes.record(bytes, &[]);
            metrics.segments.record(segments, &[]);
        }
    }

    pub(crate) fn kept(&self, held: bool, stuck: bool) {
        if let Some(metrics) = &self.0 {
            metrics.held.record(held.into(), &[]);
            metrics.stuck.record(stuck.into(), &[]);
        }
    }

    pub(crate) fn deleted(&self) {
        if let Some(metrics) = &self.0 {
            metrics.deleted.add(1, &[]);
        }
    }
}
