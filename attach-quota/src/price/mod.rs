//! What calls cost: a table that the operator gives.
//!
//! All arithmetic is in whole numbers: prices in millionths of a US dollar for a million tokens, costs in millionths of
//! a US dollar, rounded up once per call.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use attach_core::Usage;
use attach_core::call::ModelGlob;
use attach_core::exchange::{Costs, Route};

/// What models cost. Cheap to clone.
///
/// ```
/// use attach_quota::{Price, Prices};
///
/// let price = Price::new(2_500_000, 10_000_000).cached_input(1_250_000); // USD 2.50 and 10 for a million tokens
/// let prices = Prices::new().model("gpt-4o*".parse()?, price);
/// assert!(prices.of("gpt-4o-mini", None, std::time::SystemTime::now()).is_some());
/// # Ok::<(), attach_core::call::ModelGlobError>(())
/// ```
#[derive(Clone, Default)]
pub struct Prices(Arc<Vec<Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    models: ModelGlob,
    upstream: Option<Arc<str>>,
    price: Price,
}

/// What a model's tokens cost, in millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    input: u64,
    output: u64,
    cached_input: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    from: Option<SystemTime>,
    until: Option<SystemTime>,
}

impl Price {
    /// Input and output tokens. What is not said costs as much as the whole it is part of.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self {
            input,
            output,
            cached_input: None,
            cache_write: None,
            reasoning: None,
            from: None,
            until: None,
        }
    }

    /// Input tokens read from the provider's cache.
    #[must_use]
    pub fn cached_input(mut self, price: u64) -> Self {
        self.cached_input = Some(price);
        self
    }

    /// Input tokens written to the provider's cache.
    #[must_use]
    pub fn cache_write(mut self, price: u64) -> Self {
        self.cache_write = Some(price);
        self
    }

    /// Output tokens spent on reasoning.
    #[must_use]
    pub fn reasoning(mut self, price: u64) -> Self {
        self.reasoning = Some(price);
        self
    }

    /// In force from `time` on.
    #[must_use]
    pub fn from(mut self, time: SystemTime) -> Self {
        self.from = Some(time);
        self
    }

    /// In force until `time`, not included.
    #[must_use]
    pub fn until(mut self, time: SystemTime) -> Self {
        self.until = Some(time);
        self
    }

    /// What `usage` costs, in millionths of a US dollar, rounded up. A part never exceeds its whole.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> u64 {
        let read = usage.cache_read.min(usage.input);
        let written = usage.cache_write.min(usage.input - read);
        let reasoned = usage.reasoning.min(usage.output);
        let parts = [
            (usage.input - read - written, self.input),
            (read, self.cached_input.unwrap_or(self.input)),
            (written, self.cache_write.unwrap_or(self.input)),
            (usage.output - reasoned, self.output),
            (reasoned, self.reasoning.unwrap_or(self.output)),
        ];
        let sum = parts.iter().fold(0_u128, |sum, (tokens, price)| {
            sum.saturating_add(u128::from(*tokens) * u128::from(*price))
        });
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn is_in_force(&self, now: SystemTime) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl Prices {
    /// A table without prices.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what models cost, wherever they run. Of several entries for a model the first in force counts.
    #[must_use]
    pub fn model(self, models: ModelGlob, price: Price) -> Self {
        self.with(Entry { models, upstream: None, price })
    }

    /// Adds what models cost at `upstream`.
    #[must_use]
    pub fn model_at(self, upstream: impl Into<Arc<str>>, models: ModelGlob, price: Price) -> Self {
        self.with(Entry { models, upstream: Some(upstream.into()), price })
    }

    fn with(mut self, entry: Entry) -> Self {
        Arc::make_mut(&mut self.0).push(entry);
        self
    }

    /// What `model` costs at `upstream`, at the time `now`; `None` if nobody said.
    #[must_use]
    pub fn of(&self, model: &str, upstream: Option<&str>, now: SystemTime) -> Option<&Price> {
        let here = |entry: &&Entry| match &entry.upstream {
            None => true,
            Some(place) => upstream == Some(place),
        };
        let entry = self
            .0
            .iter()
            .filter(here)
            .find(|entry| entry.models.covers(model) && entry.price.is_in_force(now))?;
        Some(&entry.price)
    }

    /// What a call for `asked` cost that went to `route`, in millionths of a US dollar, at the time `now`: by the name
    /// there, else by the name that was asked for. `None` if nobody said.
    #[must_use]
    pub fn cost(&self, asked: &str, route: Option<&Route>, usage: &Usage, now: SystemTime) -> Option<u64> {
        self.there(asked, route, now).map(|price| price.cost(usage))
    }

    /// How to count what a call for `asked` costs that goes to `route` at the time `now`; `None` if nobody said.
    #[must_use]
    pub fn costs(&self, asked: &str, route: Option<&Route>, now: SystemTime) -> Option<Costs> {
        let price = *self.there(asked, route, now)?;
        Some(Costs::new(move |usage| price.cost(usage)))
    }

    /// What a call for `asked` costs at `route`.
    pub(crate) fn there(&self, asked: &str, route: Option<&Route>, now: SystemTime) -> Option<&Price> {
        let upstream = route.map(|route| &*route.upstream);
        let there = route.and_then(|route| self.of(&route.model, upstream, now));
        there.or_else(|| self.of(asked, upstream, now))
    }

    /// Whether there are no prices at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}
