use std::collections::HashMap;

use attach_quota::Prices;

use super::by::By;
use super::record::Used;
use crate::dollars;

/// Stands between the parts of a key.
const BETWEEN: char = '\u{1f}';

/// The columns behind those that are counted by.
pub(super) const FIGURES: [&str; 7] = [
    "requests",
    "refusals",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "cost_usd",
];

/// What was used, by whatever it is counted by. Grows with the number of distinct keys, not with the log.
#[derive(Debug)]
pub(super) struct Sums {
    by: Vec<By>,
    sums: HashMap<Box<str>, Sum>,
    key: String,
}

/// The figures of one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// Requests, refusals, and tokens: read, written, cached, reasoned.
    counts: [u64; 6],
    /// Nothing once a call without a price is in it.
    cost: Option<u64>,
}

impl Sums {
    pub(super) fn new(by: Vec<By>) -> Self {
        Self { by, sums: HashMap::new(), key: String::new() }
    }

    pub(super) fn add(&mut self, used: &Used<'_>, prices: &Prices) {
        let one = Sum::of(used, prices);
        let mut groups = used.groups().peekable();
        if !self.by.contains(&By::Group) || groups.peek().is_none() {
            return self.count(used, "", one);
        }
        for group in groups {
            self.count(used, group, one);
        }
    }

    fn count(&mut self, used: &Used<'_>, group: &str, one: Sum) {
        self.key.clear();
        for (n, by) in self.by.iter().enumerate() {
            if n > 0 {
                self.key.push(BETWEEN);
            }
            self.key.extend(by.of(used, group).chars().filter(|&c| c != BETWEEN));
        }
        match self.sums.get_mut(&*self.key) {
            Some(sum) => sum.add(one),
            None => {
                self.sums.insert(self.key.as_str().into(), one);
            }
        }
    }

    /// The lines, in order of what they are counted by: its values, and the figures.
    pub(super) fn lines(&self) -> Vec<(Vec<String>, Sum)> {
        let mut lines: Vec<_> = self
            .sums
            .iter()
            .map(|(key, sum)| (key.split(BETWEEN).map(str::to_owned).collect::<Vec<_>>(), *sum))
            .collect();
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        lines
    }
}

impl Sum {
    fn of(used: &Used<'_>, prices: &Prices) -> Self {
        if !used.is_call() {
            return Self { counts: [0, used.refusals(), 0, 0, 0, 0], cost: Some(0) };
        }
        let usage = used.usage();
        let tokens = [usage.input, usage.output, usage.cache_read, usage.reasoning];
        let [read, written, cached, reasoned] = tokens;
        Self { counts: [1, used.refusals(), read, written, cached, reasoned], cost: used.cost(prices) }
    }

    fn add(&mut self, other: Self) {
        for (sum, part) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(part);
        }
        self.cost = self.cost.zip(other.cost).map(|(sum, cost)| sum.saturating_add(cost));
    }

    /// The figures as text, in the order of [`FIGURES`].
    pub(super) fn fields(&self) -> impl Iterator<Item = String> {
        let cost = self.cost.map(dollars::exact).unwrap_or_default();
        self.counts.into_iter().map(|count| count.to_string()).chain([cost])
    }

    /// The figures as JSON: counts are numbers, money is text, because it is exact.
    pub(super) fn json(&self) -> impl Iterator<Item = serde_json::Value> {
        let cost = self.cost.map(dollars::exact).into();
        self.counts.into_iter().map(serde_json::Value::from).chain([cost])
    }
}
