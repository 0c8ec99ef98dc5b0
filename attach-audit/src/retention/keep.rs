use std::time::Duration;

/// How long a log is kept; what exceeds one of the two bounds goes.
///
/// The default is 400 days and any size. 400 days are the twelve months that a SOC 2 audit period looks back on, and a
/// month for the audit itself; the EU AI Act (Articles 19(1) and 26(6)) asks for six months at least. No size is the
/// default because a bound on the size is a bound on the past that whoever sends enough requests can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keep {
    /// Segments whose last record is older go; `None`: of any age.
    pub age: Option<Duration>,
    /// The oldest segments go while all together have more bytes; `None`: any number.
    pub size: Option<u64>,
}

impl Keep {
    /// Keeps everything.
    #[must_use]
    pub const fn everything() -> Self {
        Self { age: None, size: None }
    }

    /// Keeps what is younger than `age`.
    #[must_use]
    pub const fn age(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }

    /// Keeps the youngest `bytes`.
    #[must_use]
    pub const fn size(self, bytes: u64) -> Self {
        Self { size: Some(bytes), ..self }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self::everything().age(Duration::from_secs(400 * 86_400))
    }
}
