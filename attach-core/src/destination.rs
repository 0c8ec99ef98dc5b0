//! Where a request may go, and what is known of those places.

use std::sync::Arc;

/// The candidate upstreams of a request, in order of preference.
///
/// Redaction and audit read it at its strictest: a fact holds only if it holds for every candidate, and for an
/// empty destination nothing holds. A request without a `Destination` leaves the perimeter.
#[derive(Debug, Clone, Default)]
pub struct Destination {
    candidates: Vec<Candidate>,
}

impl Destination {
    /// The destination with these candidates, most preferred first.
    #[must_use]
    pub fn new(candidates: Vec<Candidate>) -> Self {
        Self { candidates }
    }

    /// The candidates, most preferred first.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Keeps the candidates that satisfy `keep`; `None` if none is left.
    #[must_use]
    pub fn narrow(&self, keep: impl Fn(&Candidate) -> bool) -> Option<Self> {
        let candidates: Vec<_> = self.candidates.iter().filter(|c| keep(c)).cloned().collect();
        (!candidates.is_empty()).then_some(Self { candidates })
    }

    /// Whether every candidate is inside the perimeter.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.holds(|labels| labels.trusted)
    }

    /// Whether `fact` holds for every candidate, and there is one.
    #[must_use]
    pub fn holds(&self, fact: impl Fn(&Labels) -> bool) -> bool {
        !self.candidates.is_empty() && self.candidates.iter().all(|c| fact(&c.labels))
    }
}

/// One place a request may go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Candidate {
    /// The upstream's name in the configuration.
    pub upstream: Arc<str>,
    /// The model's name at that upstream.
    pub model: Arc<str>,
    /// What is known of the upstream.
    pub labels: Arc<Labels>,
}

impl Candidate {
    /// `model` at `upstream`.
    #[must_use]
    pub fn new(upstream: impl Into<Arc<str>>, model: impl Into<Arc<str>>, labels: Arc<Labels>) -> Self {
        Self { upstream: upstream.into(), model: model.into(), labels }
    }
}

/// What an operator stated about an upstream. Whatever was not stated is not assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Labels {
    /// Inside the perimeter: personal data may go there.
    pub trusted: bool,
    /// Keeps nothing of what it is sent.
    pub zero_retention: bool,
    /// Whether it trains on what it is sent; `None` if unknown.
    pub trains_on_data: Option<bool>,
    /// Where it processes data.
    pub region: Option<Box<str>>,
    /// The class of model, for policy.
    pub tier: Option<Box<str>>,
}

impl Labels {
    /// Inside the perimeter, nothing else stated.
    #[must_use]
    pub fn trusted() -> Self {
        Self { trusted: true, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, trusted: bool) -> Candidate {
        Candidate::new(name, "m", Arc::new(Labels { trusted, ..Labels::default() }))
    }

    #[test]
    fn one_untrusted_candidate_makes_the_destination_untrusted() {
        let mixed = Destination::new(vec![candidate("in", true), candidate("out", false)]);
        assert!(!mixed.is_trusted());
        let narrowed = mixed.narrow(|c| c.labels.trusted).expect("one is left");
        assert!(narrowed.is_trusted());
    }

    #[test]
    fn nothing_holds_for_an_empty_destination() {
        assert!(!Destination::default().is_trusted());
        assert!(Destination::default().narrow(|_| true).is_none());
    }
}
