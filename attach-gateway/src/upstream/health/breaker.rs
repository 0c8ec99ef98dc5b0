use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;
use crate::config::Breaker as Settings;

/// Stops calls to an upstream that fails, and tries it again with one call at a time.
///
/// It opens on consecutive failures or on too few successes in a window, as Linkerd's unified accrual does; how long it
/// stays open doubles with each probe that fails. Results of calls that were let through before it last changed are not
/// counted: they tell of the time before.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// How often the phase has changed.
    generation: u64,
    consecutive: u32,
    window: Window,
    /// Probes that failed since it was closed.
    failed_probes: u32,
    /// When it may be probed, while it is not closed.
    until: Instant,
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Lets them through.
    Closed,
    /// Lets one through, and another one only after a while.
    HalfOpen,
    /// Stops them.
    Open,
}

/// Leave to call once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    generation: u64,
    /// The phase that this very call has begun, if it did.
    pub(crate) begun: Option<Phase>,
}

impl Breaker {
    pub(super) fn new(settings: Settings, now: Instant) -> Self {
        let state = State {
            phase: Phase::Closed,
            generation: 0,
            consecutive: 0,
            window: Window::new(settings.window, now),
            failed_probes: 0,
            until: now,
        };
        Self { settings, state: Mutex::new(state) }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Lets a call through, or says how long none is.
    pub(crate) fn admit(&self, now: Instant) -> Result<Pass, Duration> {
        let mut state = self.lock();
        let begun = match state.phase {
            Phase::Closed => None,
            Phase::Open | Phase::HalfOpen if state.until > now => {
                return Err(state.until.saturating_duration_since(now));
            }
            // A probe may take as long as a long answer does: there is another one before that.
            Phase::Open | Phase::HalfOpen => {
                state.until = now + self.settings.open;
                (state.phase == Phase::Open).then(|| state.enter(Phase::HalfOpen))
            }
        };
        Ok(Pass { generation: state.generation, begun })
    }

    /// Notes what came of a call; `jitter` is a random number from 0 up to 1. The phase that this has begun, if any.
    pub(crate) fn settle(&self, pass: Pass, well: bool, now: Instant, jitter: f64) -> Option<Phase> {
        let mut state = self.lock();
        if state.generation != pass.generation {
            return None;
        }
        match (state.phase, well) {
            (Phase::Open, _) => None,
            (Phase::HalfOpen, true) => {
                state.failed_probes = 0;
                state.consecutive = 0;
                state.window.clear();
                Some(state.enter(Phase::Closed))
            }
            (Phase::HalfOpen, false) => {
                state.failed_probes = state.failed_probes.saturating_add(1);
                Some(self.open(&mut state, now, jitter))
            }
            (Phase::Closed, _) => {
                state.window.add(!well, now);
                state.consecutive = if well { 0 } else { state.consecutive.saturating_add(1) };
                let trips = !well && self.trips(&mut state, now);
                trips.then(|| self.open(&mut state, now, jitter))
            }
        }
    }

    /// Nothing is known of a call that was let through: its caller has left. Another one may be the probe.
    pub(crate) fn forget(&self, pass: Pass, now: Instant) -> Option<Phase> {
        let mut state = self.lock();
        let probe = state.generation == pass.generation && state.phase == Phase::HalfOpen;
        probe.then(|| {
            state.until = now;
            state.enter(Phase::Open)
        })
    }

    fn trips(&self, state: &mut State, now: Instant) -> bool {
        let [well, failed] = state.window.sums(now);
        let all = well + failed;
        let few = all >= u64::from(self.settings.min_requests)
            && (well as f64) < self.settings.success_rate * all as f64;
        few || state.consecutive >= self.settings.consecutive
    }

    fn open(&self, state: &mut State, now: Instant, jitter: f64) -> Phase {
        let doubled = 1_u32.checked_shl(state.failed_probes).unwrap_or(u32::MAX);
        let wait = self.settings.open.saturating_mul(doubled).min(self.settings.max_open);
        // Up to half as long again, so that nodes do not all knock at once.
        state.until = now + wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0);
        state.enter(Phase::Open)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) -> Phase {
        self.phase = phase;
        self.generation += 1;
        phase
    }
}

impl Phase {
    /// Its number in metrics.
    pub(crate) fn as_number(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

#[cfg(test)]
mod tests;
