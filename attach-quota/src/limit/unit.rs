/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Input and output tokens together, by their [`Weights`](super::Weights).
    Tokens,
    /// Input tokens, cached ones included.
    InputTokens,
    /// Output tokens, reasoning included.
    OutputTokens,
    /// Requests.
    Requests,
    /// Money, in millionths of a US dollar, by the layer's [`Prices`](crate::Prices).
    MicroUsd,
    /// Requests that run at the same time.
    Concurrent,
}

impl Unit {
    /// `tokens`, `input_tokens`, `output_tokens`, `requests`, `usd` or `concurrent`: the name in answers and settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Requests => "requests",
            Self::MicroUsd => "usd",
            Self::Concurrent => "concurrent",
        }
    }

    /// Whether an answer's usage decides how much is charged.
    pub(crate) fn is_metered(self) -> bool {
        matches!(self, Self::Tokens | Self::InputTokens | Self::OutputTokens | Self::MicroUsd)
    }
}
