/// How a request ended. The first to say so wins; see [`Exchange::finish`](crate::Exchange::finish).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Answered to the end.
    Complete,
    /// Refused by a layer before anything went upstream, with its public code.
    Rejected(&'static str),
    /// Refused because of what the request contained.
    Blocked,
    /// Ended by a limit while the answer was running.
    Cut,
    /// Ended because the caller lost the right to go on.
    Revoked,
    /// The upstream, or the gateway itself, broke.
    Failed,
    /// The upstream did not answer in time.
    Timeout,
    /// The client went away.
    Disconnected,
    /// Our own code panicked.
    Panicked,
}

impl Outcome {
    /// The name of the variant in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Rejected(_) => "rejected",
            Self::Blocked => "blocked",
            Self::Cut => "cut",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Disconnected => "disconnected",
            Self::Panicked => "panicked",
        }
    }
}
