use std::collections::BTreeMap;
use std::io;

use attach_quota::Prices;

use super::record::Used;
use crate::dollars;

/// What was used by day (UTC), directory, user, client, model and upstream.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<[String; 6], Sum>);

#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    requests: u64,
    input: u64,
    output: u64,
    cached: u64,
    reasoning: u64,
    /// Nothing once a call without a price is in it.
    cost: Option<u64>,
}

impl Sums {
    pub(super) fn add(&mut self, used: &Used<'_>, prices: &Prices) {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (actor, usage) = (&used.line.actor, used.usage());
        let key = [
            used.line.ts.chars().take(10).collect(),
            text(actor.directory.as_deref()),
            used.user().to_owned(),
            text(actor.client_id.as_deref()),
            used.model().to_owned(),
            used.upstream().to_owned(),
        ];
        let sum = self.0.entry(key).or_insert(Sum { cost: Some(0), ..Sum::default() });
        for (whole, part) in [
            (&mut sum.requests, 1),
            (&mut sum.input, usage.input),
            (&mut sum.output, usage.output),
            (&mut sum.cached, usage.cache_read),
            (&mut sum.reasoning, usage.reasoning),
        ] {
            *whole = whole.saturating_add(part);
        }
        sum.cost = sum.cost.zip(used.cost(prices)).map(|(sum, cost)| sum.saturating_add(cost));
    }

    pub(super) fn each(self, mut line: impl FnMut(Vec<String>) -> io::Result<()>) -> io::Result<()> {
        for (key, sum) in self.0 {
            let figures = [sum.requests, sum.input, sum.output, sum.cached, sum.reasoning];
            let mut fields = Vec::from(key);
            fields.extend(figures.map(|figure| figure.to_string()));
            fields.push(sum.cost.map(dollars::exact).unwrap_or_default());
            line(fields)?;
        }
        Ok(())
    }
}
