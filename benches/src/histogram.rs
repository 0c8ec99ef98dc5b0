//! Latencies.

use std::time::Duration;

/// The longest latency that is told from longer ones, in nanoseconds: a minute.
const MOST: u64 = 60_000_000_000;

/// Latencies from a hundred nanoseconds to a minute, to three digits.
#[derive(Debug, Clone)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

impl Histogram {
    /// No latency yet.
    #[must_use]
    pub fn new() -> Self {
        let bounds = hdrhistogram::Histogram::new_with_bounds(100, MOST, 3);
        Self(bounds.expect("the bounds are constants within what the crate documents"))
    }

    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(MOST);
        self.0.saturating_record(nanos.min(MOST));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// The latency, in microseconds, that `share` (0 to 1) of all are below; 0 if there is none.
    #[must_use]
    pub fn micros(&self, share: f64) -> f64 {
        Duration::from_nanos(self.0.value_at_quantile(share)).as_secs_f64() * 1e6
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_all_parts() {
        let (mut low, mut high) = (Histogram::new(), Histogram::new());
        (1..=50).for_each(|micros| low.record(Duration::from_micros(micros)));
        (51..=100).for_each(|micros| high.record(Duration::from_micros(micros)));
        low.merge(&high);
        assert_eq!(low.len(), 100);
        assert!((low.micros(0.5) - 50.0).abs() < 0.1, "{}", low.micros(0.5));
        assert!((low.micros(0.99) - 99.0).abs() < 0.2, "{}", low.micros(0.99));
    }
}
