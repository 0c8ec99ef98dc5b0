//! The one table from [`Usage`](attach_core::Usage) to the record's `usage`.

use attach_core::exchange::Facts;
use attach_core::usage::Source;

use super::shape;

/// What was used so far, and what it costs.
pub(super) fn usage(facts: &Facts) -> shape::Usage {
    let usage = facts.usage;
    shape::Usage {
        input_tokens: usage.input,
        output_tokens: usage.output,
        cache_read_input_tokens: usage.cache_read,
        cache_write_input_tokens: usage.cache_write,
        reasoning_output_tokens: usage.reasoning,
        source: match usage.source {
            Source::Reported => "upstream",
            _ if usage.total() == 0 => "none",
            _ => "estimated",
        },
        cost_microusd: facts.cost(),
    }
}
