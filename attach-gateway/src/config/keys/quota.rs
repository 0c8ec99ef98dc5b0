//! The keys of limits and prices.

use super::Section;

/// What a model's tokens cost.
const PRICE: &[&str] = &["input", "output", "cached_input", "cache_write", "reasoning", "from", "until"];

pub(super) const SECTIONS: &[Section] = &[
    Section {
        path: "quota",
        keys: &[
            "id",
            "each",
            "shared",
            "fair",
            "groups",
            "users",
            "client_ids",
            "kind",
            "models",
            "apis",
            "upstreams",
            "tokens",
            "input_tokens",
            "output_tokens",
            "requests",
            "usd",
            "concurrent",
            "burst",
            "weights",
            "timezone",
            "action",
            "when_store_down",
            "unpriced",
            "override",
        ],
        later: &[],
    },
    Section { path: "quota.weights", keys: &["input", "output", "cached_input"], later: &[] },
    Section { path: "quota.override", keys: &["user", "group", "directory", "amount", "until"], later: &[] },
    Section {
        path: "price",
        keys: &[
            "models",
            "upstream",
            "input",
            "output",
            "cached_input",
            "cache_write",
            "reasoning",
            "from",
            "until",
        ],
        later: &[],
    },
    Section { path: "model.price", keys: PRICE, later: &[] },
];
