//! Other limits for a layer that is in use.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::layer::in_order;
use crate::limit::Limit;
use crate::metrics::Metrics;
use crate::{QuotaLayer, SystemClock, fair};

impl QuotaLayer {
    /// A layer with `limits` that keeps what is known: what was counted under every limit that keeps its id, whom alerts
    /// were told to, and what answers of each model used to be like.
    ///
    /// This layer goes on as it is, for the requests that have it; what they reserved is settled in the same counts. A
    /// limit that gives another amount finds the use so far; one of another unit or another period begins to count.
    ///
    /// The prices, the exceptions and the rest stay as they are here, until they are set.
    pub fn reconfigured(&self, limits: Vec<Limit>) -> Self {
        let limits = in_order(limits);
        let (store, judged) = if self.judged || !fair::is_wanted(&limits) {
            (Arc::clone(&self.store), self.judged)
        } else {
            let clock = SharedClock::new(SystemClock::default());
            (fair::before(Arc::clone(&self.store), &limits, clock), true)
        };
        Self {
            reads_body: limits.iter().any(|limit| limit.reads_body()),
            metrics: Metrics::new(&limits),
            limits,
            store,
            judged,
            ..self.clone()
        }
    }
}
