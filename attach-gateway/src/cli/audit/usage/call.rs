//! A line for each call.

use attach_quota::Prices;

use super::record::Used;
use crate::dollars;

/// The columns.
pub(super) const COLUMNS: [&str; 16] = [
    "ended_at",
    "id",
    "directory",
    "user",
    "client",
    "model_requested",
    "upstream",
    "model",
    "stream",
    "end",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "source",
    "cost_usd",
];

/// Their values.
pub(super) fn fields(used: &Used<'_>, prices: &Prices) -> [String; 16] {
    let usage = used.usage();
    [
        used.ts.0.clone().into_owned(),
        used.req_id.0.clone().into_owned(),
        used.directory().to_owned(),
        used.user().to_owned(),
        used.client().to_owned(),
        used.asked().to_owned(),
        used.upstream().to_owned(),
        used.model().to_owned(),
        used.is_stream().to_string(),
        used.end().to_owned(),
        usage.input.to_string(),
        usage.output.to_string(),
        usage.cache_read.to_string(),
        usage.reasoning.to_string(),
        used.source().to_owned(),
        used.cost(prices).map(dollars::exact).unwrap_or_default(),
    ]
}
