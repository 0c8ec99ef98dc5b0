use std::fmt;

use opentelemetry::global;
use opentelemetry::metrics::Counter;

/// The instrument of the content that is kept.
#[derive(Clone)]
pub(crate) struct ContentMetrics {
    truncated: Counter<u64>,
}

impl ContentMetrics {
    /// That by the meter provider that is installed now.
    pub(crate) fn new() -> Self {
        let truncated = global::meter(super::SCOPE)
            .u64_counter("attach.audit.content.truncated")
            .with_description("Requests whose content was not kept to its end.")
            .build();
        // The first of them is a change only if there was a number before.
        truncated.add(0, &[]);
        Self { truncated }
    }

    /// One request's content is not kept to its end.
    pub(crate) fn truncated(&self) {
        self.truncated.add(1, &[]);
    }
}

impl fmt::Debug for ContentMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentMetrics").finish_non_exhaustive()
    }
}
