use std::time::Duration;

use attach_core::ExchangeId;
use tokio::time::Instant;

use super::Health;
use super::breaker::{Breaker, Pass, Phase};
use crate::telemetry::Telemetry;

/// A call that the breaker was asked about. What came of it is said once; if nothing is said, nobody knows.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    health: &'a Health,
    telemetry: &'a Telemetry,
    pass: Option<(&'a Breaker, Pass)>,
}

impl<'a> Ticket<'a> {
    pub(super) fn take(health: &'a Health, telemetry: &'a Telemetry, now: Instant) -> Result<Self, Duration> {
        let pass = match &health.breaker {
            Some(breaker) => Some((breaker, breaker.admit(now)?)),
            None => None,
        };
        let ticket = Self { health, telemetry, pass };
        ticket.say(pass.and_then(|(_, pass)| pass.begun));
        Ok(ticket)
    }

    /// The call went well, or not. `id` is whose call it was; its last bytes are random.
    pub(crate) fn settle(mut self, well: bool, id: ExchangeId) {
        let Some((breaker, pass)) = self.pass.take() else { return };
        let [.., a, b] = *id.as_bytes();
        let jitter = f64::from(u16::from_be_bytes([a, b])) / 65_536.0;
        self.say(breaker.settle(pass, well, Instant::now(), jitter));
    }

    /// One line and one metric for each change.
    fn say(&self, begun: Option<Phase>) {
        let Some(phase) = begun else { return };
        let upstream = &*self.health.name;
        self.telemetry.breaker(upstream, phase);
        match phase {
            Phase::Open => {
                tracing::warn!(upstream, breaker = "open", "the upstream is not called for a while");
            }
            Phase::HalfOpen => {
                tracing::info!(upstream, breaker = "half-open", "one call tries the upstream again");
            }
            Phase::Closed => tracing::info!(upstream, breaker = "closed", "the upstream is called again"),
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some((breaker, pass)) = self.pass.take() {
            self.say(breaker.forget(pass, Instant::now()));
        }
    }
}
