//! Token counts: what one request used, read from the upstream's answer as it passes.
//!
//! A [`Meter`] is fed the bytes of an answer in whatever pieces they arrive and knows at any moment what has been
//! used so far, how the answer is coming to its end, and which model gave it. It keeps at most one line of a
//! stream, and of a unary answer only the few members it reads.
//!
//! ```
//! use attach_core::Api;
//! use attach_core::usage::{Ending, Meter, Source, Wire};
//!
//! let mut meter = Meter::new(Api::OpenAiChat, Wire::Sse);
//! meter.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello!\"}}]}\n\n");
//! assert_eq!((meter.usage().output, meter.usage().source), (2, Source::Estimated));
//!
//! meter.push(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n");
//! meter.push(b"data: [DONE]\n\n");
//! assert_eq!((meter.usage().input, meter.usage().output), (9, 3));
//! assert_eq!(meter.usage().source, Source::Reported);
//! assert_eq!(meter.ending(), Some(Ending::Complete));
//! ```

mod anthropic;
mod json;
mod lenient;
mod lines;
mod meter;
mod ollama;
mod openai;
mod responses;
mod sse;
mod tally;
mod wire;

pub use self::meter::Meter;
pub use self::tally::{Answer, Ending};
pub use self::wire::Wire;

pub(crate) use self::lines::MAX_LINE;
pub(crate) use self::sse::{BOM, field};

/// What one request used, with one meaning for every provider.
///
/// The names and the inclusion rules are OpenTelemetry's (`gen_ai.usage.*`): `input` includes what was read from
/// or written to a cache, `output` includes reasoning. All arithmetic saturates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write: u64,
    /// Output tokens spent on reasoning.
    pub reasoning: u64,
    /// Where the figures come from.
    pub source: Source,
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// Where the figures of a [`Usage`] come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Our own count of what passed.
    #[default]
    Estimated,
    /// The upstream's word.
    Reported,
}
