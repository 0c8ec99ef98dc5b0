//! The tables of models, and of how upstreams that fail are treated.

use super::Section;

/// What may be said of a model beyond what is said of its upstreams.
const FACTS: &[&str] = &["trusted", "zero_retention", "trains_on_data", "region"];

/// The parameters that a model may have values of its own for.
const PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
];

pub(super) const SECTIONS: &[Section] = &[
    Section {
        path: "upstream.breaker",
        keys: &["consecutive", "window", "min_requests", "success_rate", "open", "max_open"],
        later: &[],
    },
    Section {
        path: "upstream.probe",
        keys: &["path", "every", "timeout", "unhealthy_after", "healthy_after", "credential"],
        later: &[],
    },
    Section {
        path: "model",
        keys: &["name", "aliases", "to", "sticky", "tier", "labels", "parameters", "price"],
        later: &[],
    },
    Section { path: "model.aliases", keys: &["openai", "anthropic", "ollama"], later: &[] },
    Section {
        path: "model.to",
        keys: &["upstream", "model", "weight", "tier", "labels", "parameters"],
        later: &[],
    },
    Section { path: "model.labels", keys: FACTS, later: &[] },
    Section { path: "model.to.labels", keys: FACTS, later: &[] },
    Section { path: "model.parameters", keys: &["defaults", "overrides"], later: &[] },
    Section { path: "model.parameters.defaults", keys: PARAMETERS, later: &[] },
    Section { path: "model.parameters.overrides", keys: PARAMETERS, later: &[] },
    Section { path: "model.to.parameters", keys: &["defaults", "overrides"], later: &[] },
    Section { path: "model.to.parameters.defaults", keys: PARAMETERS, later: &[] },
    Section { path: "model.to.parameters.overrides", keys: PARAMETERS, later: &[] },
];
