use attach_core::Usage;

/// What a token of each kind counts under a limit on [`Unit::Tokens`](super::Unit::Tokens), in thousandths.
///
/// ```
/// use attach_quota::Weights;
///
/// // Output counts three times, and what was read from the provider's cache a tenth.
/// let weights = Weights { output: 3000, cached_input: 100, ..Weights::default() };
/// # let _ = weights;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "made by literal")]
pub struct Weights {
    /// Input tokens that were not read from a cache.
    pub input: u32,
    /// Input tokens that were read from the provider's cache.
    pub cached_input: u32,
    /// Output tokens.
    pub output: u32,
}

impl Default for Weights {
    /// Every token counts one.
    fn default() -> Self {
        Self { input: 1000, cached_input: 1000, output: 1000 }
    }
}

impl Weights {
    /// What `usage` counts, rounded up to a whole token.
    pub(crate) fn count(self, usage: &Usage) -> u64 {
        let fresh = usage.input.saturating_sub(usage.cache_read);
        let cached = usage.input.min(usage.cache_read);
        let thousandths = [(fresh, self.input), (cached, self.cached_input), (usage.output, self.output)]
            .map(|(tokens, weight)| u128::from(tokens) * u128::from(weight));
        u64::try_from(thousandths.iter().sum::<u128>().div_ceil(1000)).unwrap_or(u64::MAX)
    }
}
