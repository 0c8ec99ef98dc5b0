use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A way in which signals come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignalKind {
    /// SCIM 2.0.
    Scim,
    /// OpenID Connect Back-Channel Logout.
    BackchannelLogout,
    /// Okta Universal Logout.
    UniversalLogout,
    /// Security events (RFC 8417).
    SecurityEvents,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignalOutcome {
    /// It was acted on, or answered.
    Done,
    /// It was right and asks for nothing that is done here.
    Ignored,
    /// It was no good: wrong in form, credential or signature.
    Refused,
    /// It came a second time.
    Repeated,
    /// There were too many.
    Throttled,
    /// It could not be made durable or recorded, and nothing was done.
    Unavailable,
    /// It is about somebody whom the directory did not provision. Counted beside what became of it.
    Unmatched,
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Scim, Self::BackchannelLogout, Self::UniversalLogout, Self::SecurityEvents];

    /// The name in metrics, in the audit trail, and as the source of facts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::BackchannelLogout => "backchannel-logout",
            Self::UniversalLogout => "universal-logout",
            Self::SecurityEvents => "security-event",
        }
    }
}

impl SignalOutcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Ignored,
        Self::Refused,
        Self::Repeated,
        Self::Throttled,
        Self::Unavailable,
        Self::Unmatched,
    ];

    /// The name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unmatched => "unmatched",
        }
    }
}

/// How many signals came, since the start of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalStats([[u64; SignalOutcome::ALL.len()]; SignalKind::ALL.len()]);

impl SignalStats {
    /// How many of this kind came to this.
    #[must_use]
    pub fn of(&self, kind: SignalKind, outcome: SignalOutcome) -> u64 {
        self.0.get(kind as usize).and_then(|row| row.get(outcome as usize)).copied().unwrap_or(0)
    }
}

/// What [`SignalStats`] are read from.
#[derive(Default)]
pub(super) struct Counts([[AtomicU64; SignalOutcome::ALL.len()]; SignalKind::ALL.len()]);

impl Counts {
    pub(super) fn add(&self, kind: SignalKind, outcome: SignalOutcome) {
        if let Some(count) = self.0.get(kind as usize).and_then(|row| row.get(outcome as usize)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> SignalStats {
        SignalStats(self.0.each_ref().map(|row| row.each_ref().map(|count| count.load(Ordering::Relaxed))))
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
