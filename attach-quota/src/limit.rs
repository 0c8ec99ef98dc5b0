use std::sync::Arc;

use crate::Rate;

/// So many tokens or requests, in so much time, for each of somebody.
///
/// A limit is a bucket that holds [`burst`](Self::burst) at most and fills at its rate: somebody who was idle may
/// use the burst at once, and the rate after that.
///
/// ```
/// use attach_quota::{Limit, Rate, Scope};
///
/// let limit = Limit::tokens("per-app", Rate::per_minute(60_000)).burst(10_000).each(Scope::Client);
/// assert_eq!((limit.id(), limit.capacity()), ("per-app", 10_000));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    id: Arc<str>,
    unit: Unit,
    rate: Rate,
    burst: Option<u64>,
    scope: Scope,
}

impl Limit {
    /// A limit on input and output tokens together, for each user.
    ///
    /// The `id` is what answers and the audit trail call the limit, so it should not change, and no two limits
    /// should share one.
    #[must_use]
    pub fn tokens(id: impl Into<Arc<str>>, rate: Rate) -> Self {
        Self::new(id.into(), Unit::Tokens, rate)
    }

    /// A limit on the number of requests, for each user.
    #[must_use]
    pub fn requests(id: impl Into<Arc<str>>, rate: Rate) -> Self {
        Self::new(id.into(), Unit::Requests, rate)
    }

    fn new(id: Arc<str>, unit: Unit, rate: Rate) -> Self {
        Self { id, unit, rate, burst: None, scope: Scope::User }
    }

    /// How much may be used at once after a pause; what the rate gives in one period unless set, and at least one.
    #[must_use]
    pub fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst.max(1));
        self
    }

    /// Who has a bucket of their own; each user unless set.
    #[must_use]
    pub fn each(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The limit's name in answers and in the audit trail.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is counted.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How fast the bucket fills.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// How much the bucket holds.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.burst.unwrap_or(self.rate.amount())
    }

    /// Who has a bucket of their own.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    pub(crate) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn renamed(mut self, id: String) -> Self {
        self.id = id.into();
        self
    }
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Input and output tokens together.
    Tokens,
    /// Requests.
    Requests,
}

impl Unit {
    /// `tokens` or `requests`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Requests => "requests",
        }
    }
}

/// Who has a bucket of their own under a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Each person or machine, by directory and stable id.
    User,
    /// Each OAuth client of a directory; a caller whose token names no client counts alone, as a user.
    Client,
    /// Each directory: everyone in it shares.
    Directory,
    /// One bucket for all.
    Everyone,
}
