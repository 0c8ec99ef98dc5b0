use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long keys live, how many there may be, and when they stop working by themselves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeySettings {
    /// The longest life of a person's key. 90 days.
    pub max_lifetime: Duration,
    /// How long a key works after its owner was last seen with a token of the identity provider. 24 hours.
    pub max_unconfirmed: Duration,
    /// How many live keys one owner may have. 20; at most 999.
    pub per_owner: usize,
    /// How many keys and service identities there may be in all. 100,000.
    pub total: usize,
    /// For how long keys are relied on while the store is down. Not at all.
    pub stale: Duration,
    /// The longest life of a service identity. 365 days.
    pub service_lifetime: Duration,
    /// After how long without use a service identity is disabled. 30 days.
    pub service_idle: Duration,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            max_lifetime: 90 * DAY,
            max_unconfirmed: DAY,
            per_owner: 20,
            total: 100_000,
            stale: Duration::ZERO,
            service_lifetime: 365 * DAY,
            service_idle: 30 * DAY,
        }
    }
}

impl KeySettings {
    /// The numbers documented with each field.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the longest life of a person's key.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Replaces how long a key works after its owner was last seen.
    #[must_use]
    pub fn max_unconfirmed(mut self, unconfirmed: Duration) -> Self {
        self.max_unconfirmed = unconfirmed;
        self
    }

    /// Replaces how many live keys one owner may have.
    #[must_use]
    pub fn per_owner(mut self, keys: usize) -> Self {
        self.per_owner = keys.min(999);
        self
    }

    /// Replaces how many keys and service identities there may be in all.
    #[must_use]
    pub fn total(mut self, rows: usize) -> Self {
        self.total = rows;
        self
    }

    /// Replaces for how long keys are relied on while the store is down.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Replaces the longest life of a service identity.
    #[must_use]
    pub fn service_lifetime(mut self, lifetime: Duration) -> Self {
        self.service_lifetime = lifetime;
        self
    }

    /// Replaces after how long without use a service identity is disabled.
    #[must_use]
    pub fn service_idle(mut self, idle: Duration) -> Self {
        self.service_idle = idle;
        self
    }
}
