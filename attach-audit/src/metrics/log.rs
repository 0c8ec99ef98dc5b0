use std::fmt;
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use super::SCOPE;
use crate::{Kind, names};

/// All kinds, in their order.
const KINDS: [Kind; 11] = [
    Kind::Intent,
    Kind::Outcome,
    Kind::Reject,
    Kind::Orphan,
    Kind::Admin,
    Kind::Revocation,
    Kind::Checkpoint,
    Kind::Start,
    Kind::Stop,
    Kind::Segment,
    Kind::Gap,
];

/// The instruments of a log's writer.
pub(crate) struct LogMetrics {
    records: Counter<u64>,
    refused: Counter<u64>,
    commit: Histogram<f64>,
    group: Histogram<u64>,
    failures: Counter<u64>,
    kinds: [[KeyValue; 1]; KINDS.len()],
}

impl LogMetrics {
    /// Those by the meter provider that is installed now.
    pub(crate) fn new() -> Self {
        Self::by(&global::meter(SCOPE))
    }

    fn by(meter: &Meter) -> Self {
        let count = |name, what| meter.u64_counter(name).with_description(what).build();
        let refused = count("attach.audit.records.refused", "Records that were given up on or lost.");
        let failures = count("attach.audit.failures", "Writes that failed.");
        // The first of them is a change only if there was a number before.
        refused.add(0, &[]);
        failures.add(0, &[]);
        Self {
            records: count("attach.audit.records", "Records that are durable."),
            refused,
            commit: meter
                .f64_histogram("attach.audit.commit.duration")
                .with_description("How long a group took to be durable.")
                .with_unit("s")
                .with_boundaries(vec![
                    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
                ])
                .build(),
            group: meter
                .u64_histogram("attach.audit.group.size")
                .with_description("Records that became durable together.")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0])
                .build(),
            failures,
            kinds: KINDS.map(|kind| [KeyValue::new(names::ATTACH_AUDIT_KIND, kind.as_str())]),
        }
    }

    /// A group of records of these kinds is durable.
    pub(crate) fn committed(&self, kinds: impl Iterator<Item = Kind>, took: Duration) {
        let mut counts = [0; KINDS.len()];
        for kind in kinds {
            if let Some(count) = counts.get_mut(kind as usize) {
                *count += 1;
            }
        }
        for (count, kind) in counts.iter().zip(&self.kinds).filter(|(count, _)| **count > 0) {
            self.records.add(*count, kind);
        }
        self.group.record(counts.iter().sum(), &[]);
        self.commit.record(took.as_secs_f64(), &[]);
    }

    /// A write or a sync failed.
    pub(crate) fn failed(&self) {
        self.failures.add(1, &[]);
    }

    /// Records were refused or lost, of which a `gap` record tells.
    pub(crate) fn gap(&self, records: u64) {
        if records > 0 {
            self.refused.add(records, &[]);
        }
    }
}

/// The instruments of the pool of refusals.
pub(crate) struct RefusalMetrics {
    folded: Counter<u64>,
}

impl RefusalMetrics {
    /// Those by the meter provider that is installed now.
    pub(crate) fn new() -> Self {
        let meter = global::meter(SCOPE);
        let folded = meter
            .u64_counter("attach.audit.refusals.folded")
            .with_description("Refusals that were counted in a record with others, or without one.");
        Self { folded: folded.build() }
    }

    /// One refusal, by its code, has no record of its own.
    pub(crate) fn folded(&self, code: &'static str) {
        self.folded.add(1, &[KeyValue::new(names::ATTACH_DECISION_REASON, code)]);
    }
}

impl fmt::Debug for LogMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMetrics").finish_non_exhaustive()
    }
}

impl fmt::Debug for RefusalMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusalMetrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::data::{
        AggregatedMetrics, HistogramDataPoint, MetricData, ScopeMetrics, SumDataPoint,
    };
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

    use super::*;

    #[test]
    fn kinds_are_in_their_order() {
        assert!(KINDS.iter().enumerate().all(|(index, kind)| *kind as usize == index));
    }

    #[test]
    fn a_group_counts_its_records_and_its_time_once() {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let metrics = LogMetrics::by(&provider.meter(SCOPE));
        metrics.committed([Kind::Intent, Kind::Outcome, Kind::Gap].into_iter(), Duration::from_millis(4));
        metrics.committed([Kind::Intent; 2].into_iter(), Duration::from_millis(4));
        metrics.gap(7);
        provider.force_flush().expect("flushed");
        let sum = |name: &str| {
            let finished = exporter.get_finished_metrics().expect("metrics");
            let all = finished.last()?.scope_metrics().flat_map(ScopeMetrics::metrics);
            all.into_iter().find(|metric| metric.name() == name).map(|metric| match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    sum.data_points().map(SumDataPoint::value).sum::<u64>()
                }
                AggregatedMetrics::F64(MetricData::Histogram(h)) => {
                    h.data_points().map(HistogramDataPoint::count).sum()
                }
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(sum("attach.audit.records"), Some(5));
        assert_eq!(sum("attach.audit.records.refused"), Some(7));
        assert_eq!(sum("attach.audit.commit.duration"), Some(2));
    }
}
