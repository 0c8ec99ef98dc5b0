//! What the layer tells an operator's metrics, by the OpenTelemetry API.
//!
//! Without an SDK that is installed before the layer is made, all of it does nothing. No attribute is one that a caller
//! can choose: the ids of limits come from the configuration, and users, models, clients and keys are never named. All
//! attribute sets are made with the layer, none for a request.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Usage;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use opentelemetry::{KeyValue, global};

use crate::limit::{Limit, Unit};
use crate::store::{Charge, Denied};

/// The instruments of a layer. Clones are the same instruments.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Instruments>);

struct Instruments {
    decisions: Counter<u64>,
    charged: Counter<u64>,
    error: Histogram<f64>,
    buckets: Gauge<u64>,
    duration: Histogram<f64>,
    limits: HashMap<Arc<str>, Labels>,
    directions: [[KeyValue; 1]; 2],
}

/// What a limit did to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// There was room.
    Admitted,
    /// There was not.
    Refused,
    /// What was left is kept for callers who had less.
    ShareRefused,
    /// There was not, and the limit only watches.
    ShadowRefused,
    /// The output cap was lowered to what was left.
    Clamped,
    /// A running answer was ended.
    Cut,
    /// The store could not be asked, and the call was refused.
    Unavailable,
    /// The store could not be asked, and the call went on.
    Degraded,
}

impl Decided {
    const ALL: [Self; 8] = [
        Self::Admitted,
        Self::Refused,
        Self::ShareRefused,
        Self::ShadowRefused,
        Self::Clamped,
        Self::Cut,
        Self::Unavailable,
        Self::Degraded,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::ShareRefused => "share_refused",
            Self::ShadowRefused => "shadow_refused",
            Self::Clamped => "clamped",
            Self::Cut => "cut",
            Self::Unavailable => "unavailable",
            Self::Degraded => "degraded",
        }
    }
}

/// The attribute sets of a limit.
struct Labels {
    decided: [[KeyValue; 3]; Decided::ALL.len()],
    charged: [KeyValue; 2],
}

impl Labels {
    fn of(limit: &Limit) -> Self {
        let id = KeyValue::new("limit", Arc::clone(limit.shared_id()));
        let unit = KeyValue::new("unit", limit.unit().as_str());
        let decided = Decided::ALL
            .map(|decided| [id.clone(), unit.clone(), KeyValue::new("outcome", decided.as_str())]);
        Self { decided, charged: [id, unit] }
    }
}

impl Metrics {
    /// Those of a layer with `limits`, by the meter provider that is installed now.
    pub(crate) fn new(limits: &[Arc<Limit>]) -> Self {
        Self::by(&global::meter("attach-quota"), limits)
    }

    fn by(meter: &Meter, limits: &[Arc<Limit>]) -> Self {
        Self(Arc::new(Instruments {
            decisions: counter(meter, "attach.quota.decisions", "What limits did to calls."),
            charged: counter(meter, "attach.quota.charged", "What ended calls were charged."),
            error: meter
                .f64_histogram("attach.quota.estimate.error")
                .with_description("What calls were expected to use, divided by what they used.")
                .with_unit("1")
                .with_boundaries(vec![0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0])
                .build(),
            buckets: meter
                .u64_gauge("attach.quota.buckets")
                .with_description("Buckets in memory, when they were last swept.")
                .build(),
            duration: meter
                .f64_histogram("attach.quota.store.duration")
                .with_description("How long the store took to reserve.")
                .with_unit("s")
                .with_boundaries(vec![
                    1e-6, 1e-5, 1e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
                ])
                .build(),
            limits: limits.iter().map(|limit| (Arc::clone(limit.shared_id()), Labels::of(limit))).collect(),
            directions: ["input", "output"].map(|direction| [KeyValue::new("direction", direction)]),
        }))
    }

    /// Counts what `limit` did to a call.
    pub(crate) fn decided(&self, limit: &Limit, decided: Decided) {
        if let Some(labels) = self.0.limits.get(limit.id()) {
            self.0.decisions.add(1, &labels.decided[decided as usize]);
        }
    }

    /// Counts a reservation that was made.
    pub(crate) fn admitted(&self, charges: &[Charge]) {
        for charge in charges {
            let decided = match (charge.is_passed_over(), charge.standing().degraded) {
                (true, _) => Decided::ShadowRefused,
                (false, true) => Decided::Degraded,
                (false, false) => Decided::Admitted,
            };
            self.decided(charge.limit(), decided);
        }
    }

    /// Counts a reservation that was denied: by the limit that was in the way, or by the store for all of them.
    pub(crate) fn denied(&self, denied: &Denied, charges: &[Charge]) {
        let refused = |index: usize, decided| {
            if let Some(charge) = charges.get(index) {
                self.decided(charge.limit(), decided);
            }
        };
        match denied {
            Denied::Limit { index, .. } => refused(*index, Decided::Refused),
            Denied::Share { index, .. } => refused(*index, Decided::ShareRefused),
            Denied::Unavailable => {
                for charge in charges {
                    self.decided(charge.limit(), Decided::Unavailable);
                }
            }
        }
    }

    /// Counts what a call was charged that has ended.
    pub(crate) fn charged<'a>(&self, charges: impl Iterator<Item = &'a Charge>) {
        let lasting = charges.filter(|charge| charge.unit() != Unit::Concurrent && charge.spent() > 0);
        for charge in lasting {
            if let Some(labels) = self.0.limits.get(charge.limit().id()) {
                self.0.charged.add(charge.spent(), &labels.charged);
            }
        }
    }

    /// Notes how far an estimate was off. What was not used, or not expected, has no ratio.
    pub(crate) fn estimated(&self, estimate: &Usage, used: &Usage) {
        let pairs = [(estimate.input, used.input), (estimate.output, used.output)];
        for ((estimated, real), direction) in pairs.into_iter().zip(&self.0.directions) {
            if estimated > 0 && real > 0 {
                self.0.error.record(estimated as f64 / real as f64, direction);
            }
        }
    }

    /// Notes how long the store took.
    pub(crate) fn reserved_in(&self, duration: Duration) {
        self.0.duration.record(duration.as_secs_f64(), &[]);
    }

    /// Notes how many buckets are in memory.
    pub(crate) fn buckets(&self, buckets: usize) {
        self.0.buckets.record(buckets as u64, &[]);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("limits", &self.0.limits.len()).finish_non_exhaustive()
    }
}

fn counter(meter: &Meter, name: &'static str, description: &'static str) -> Counter<u64> {
    meter.u64_counter(name).with_description(description).build()
}
