//! One issuer's keys over time: fetched by one request at a time, kept while the provider is away.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::key_files::{KeyFile, KeyFiles};
use super::source::{Fetched, Problem, Source};
use crate::Denial;
use crate::clock::Clock;
use crate::jws::{Compact, JwsError, KeySet, KeySetError};

/// How old keys get before [`KeyRing::refresh`] fetches them again: a withdrawn key is refused after that.
const REFRESH_AFTER: Duration = Duration::from_secs(5 * 60);
/// How old keys get before a request fetches them: later, so that a service which refreshes makes no caller wait.
const OVERDUE_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long keys are relied on while the provider does not answer.
const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// The least time between two fetches that tokens asked for, and between two attempts after a failure.
const PAUSE: Duration = Duration::from_secs(10);
/// Nobody calls [`KeyRing::refresh`] if it was not called for so long.
const UNATTENDED: Duration = Duration::from_secs(60);

/// A key set that is in use.
pub(super) struct Published {
    pub(super) keys: Arc<KeySet>,
    bytes: bytes::Bytes,
    /// Another number for every other set.
    pub(super) generation: u64,
}

type Flight = Pin<Box<dyn Future<Output = Result<Fetched, Problem>> + Send>>;

pub(super) struct KeyRing {
    /// `None` if the keys were given and never change.
    source: Option<Arc<Source>>,
    clock: Arc<dyn Clock>,
    current: ArcSwapOption<Published>,
    /// When the keys were last confirmed, in milliseconds of the clock; below zero if before it began.
    confirmed: AtomicI64,
    /// Where the last good set is kept, if it is.
    file: OnceLock<KeyFile>,
    /// Fetches that came to an end.
    landed: AtomicU64,
    /// The fetch under way. Whoever waits for it drives it, so a caller that goes away neither breaks nor repeats it.
    flight: Mutex<Option<Flight>>,
    health: StdMutex<Health>,
}

#[derive(Default)]
struct Health {
    problem: Option<Problem>,
    attempted: Option<Duration>,
    demanded: Option<Duration>,
}

/// Who wants a fetch.
#[derive(Clone, Copy, PartialEq)]
enum Cause {
    /// The service, from time to time.
    Timer,
    /// A token that cannot be verified without.
    Token,
    /// A token that can, where nobody else keeps the keys current. It waits for nobody's fetch but its own.
    Age,
}

impl KeyRing {
    pub(super) fn fixed(keys: Arc<KeySet>, clock: Arc<dyn Clock>) -> Self {
        let ring = Self::new(None, clock);
        ring.current.store(Some(Arc::new(Published { keys, bytes: bytes::Bytes::new(), generation: 0 })));
        ring
    }

    pub(super) fn remote(source: Source, clock: Arc<dyn Clock>) -> Self {
        Self::new(Some(Arc::new(source)), clock)
    }

    fn new(source: Option<Arc<Source>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            current: ArcSwapOption::empty(),
            confirmed: AtomicI64::new(0),
            file: OnceLock::new(),
            landed: AtomicU64::new(0),
            flight: Mutex::new(None),
            health: StdMutex::new(Health::default()),
        }
    }

    /// Keeps good sets in `files`, and begins with the one that was kept there, if there is none yet.
    pub(super) fn keep_in(&self, files: &KeyFiles) {
        // A development issuer has other keys at its next start.
        let Some(source) = self.source.as_ref().filter(|source| !source.development) else { return };
        let file = self.file.get_or_init(|| files.of(&source.issuer));
        if self.current.load().is_some() {
            return;
        }
        let Some(kept) = file.read(self.clock.now()).filter(|kept| kept.age < MAX_STALE) else { return };
        match source.read(kept.bytes) {
            Ok(fetched) => {
                self.publish(fetched);
                self.confirmed.store(self.millis() - millis(kept.age), Ordering::Release);
                tracing::info!(issuer = %source.issuer, age = ?kept.age, "begins with the keys that were kept");
            }
            Err(problem) => tracing::warn!(issuer = %source.issuer, %problem, "the kept key set is not used"),
        }
    }

    /// Verifies the signature by the key the token names, fetching keys if that one is not known.
    pub(super) async fn verify(&self, token: &Compact<'_>) -> Result<Arc<Published>, Denial> {
        if let Some(published) = self.current().await {
            match published.keys.check(token) {
                Ok(()) => return Ok(published),
                Err(JwsError::KidUnknown) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.fetch(Cause::Token).await;
        let Some(published) = self.usable() else {
            return Err(self.unavailable());
        };
        match published.keys.check(token) {
            Ok(()) => Ok(published),
            // The key may well exist: only the provider could tell.
            Err(JwsError::KidUnknown) if self.health().problem.is_some() => Err(self.unavailable()),
            Err(error) => Err(error.into()),
        }
    }

    /// The keys in use, if there are any that may be relied on.
    pub(super) async fn current(&self) -> Option<Arc<Published>> {
        if self.source.is_some() && self.age() >= OVERDUE_AFTER && self.current.load().is_some() {
            self.fetch(Cause::Age).await;
        }
        self.usable()
    }

    /// Fetches the keys if that is due.
    pub(super) async fn refresh(&self) {
        let health = || {
            let health = self.health();
            // Keys that were kept from an earlier run may have been withdrawn since.
            health.problem.is_some() || health.attempted.is_none()
        };
        let due = self.usable().is_none() || health() || self.age() >= REFRESH_AFTER;
        if self.source.is_some() && due {
            self.fetch(Cause::Timer).await;
        }
    }

    /// What is wrong, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        self.health().problem.as_ref().map(ToString::to_string)
    }

    pub(super) fn usable(&self) -> Option<Arc<Published>> {
        let published = self.current.load_full()?;
        (self.source.is_none() || self.age() < MAX_STALE).then_some(published)
    }

    /// How long ago the provider confirmed its keys; `None` if there are none yet, or they were given.
    pub(super) fn confirmed_ago(&self) -> Option<Duration> {
        let fetched = self.source.is_some() && self.current.load().is_some();
        fetched.then(|| self.age())
    }

    fn age(&self) -> Duration {
        let age = self.millis().saturating_sub(self.confirmed.load(Ordering::Acquire));
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    fn millis(&self) -> i64 {
        millis(self.clock.elapsed())
    }

    /// 503, unless it is the provider's keys themselves that cannot be relied on.
    pub(super) fn unavailable(&self) -> Denial {
        match self.health().problem {
            Some(Problem::Keys(error @ (KeySetError::PrivateKey | KeySetError::Ambiguous))) => {
                Denial::invalid_token("unknown_key").with_reason(error.as_str())
            }
            _ => Denial::unavailable(PAUSE.as_secs()).with_reason("idp_unavailable"),
        }
    }

    /// One fetch for all who ask while it runs.
    async fn fetch(&self, cause: Cause) {
        let Some(source) = &self.source else { return };
        let landed = self.landed.load(Ordering::Acquire);
        let mut flight = match self.flight.try_lock() {
            Ok(flight) => flight,
            Err(_) if cause == Cause::Age => return,
            Err(_) => self.flight.lock().await,
        };
        if self.landed.load(Ordering::Acquire) != landed || (flight.is_none() && !self.may_start(cause)) {
            return;
        }
        let source = Arc::clone(source);
        let running = flight.get_or_insert_with(|| Box::pin(async move { source.keys().await }));
        let result = running.as_mut().await;
        *flight = None;
        self.land(result);
    }

    /// Whether another fetch may begin, and notes that it does.
    fn may_start(&self, cause: Cause) -> bool {
        let now = self.clock.elapsed();
        let mut health = self.health();
        let rested =
            |since: Option<Duration>, pause| since.is_none_or(|since| now.saturating_sub(since) >= pause);
        let may = match cause {
            Cause::Timer => health.problem.is_none() || rested(health.attempted, PAUSE),
            Cause::Token => rested(health.demanded, PAUSE),
            Cause::Age => rested(health.attempted, UNATTENDED),
        };
        if may {
            health.attempted = Some(now);
            if cause == Cause::Token {
                health.demanded = Some(now);
            }
        }
        may
    }

    fn land(&self, result: Result<Fetched, Problem>) {
        match result {
            Ok(fetched) => {
                if let Some(file) = self.file.get() {
                    file.write(fetched.bytes.clone(), self.clock.now());
                }
                self.publish(fetched);
                if self.health().problem.take().is_some() {
                    tracing::info!(issuer = %self.issuer(), "the issuer's keys are available again");
                }
            }
            Err(problem) => {
                let before = self.health().problem.replace(problem.clone());
                if before.is_none() {
                    tracing::warn!(issuer = %self.issuer(), %problem, "the issuer's keys cannot be had");
                }
            }
        }
        self.landed.fetch_add(1, Ordering::AcqRel);
    }

    fn publish(&self, fetched: Fetched) {
        let before = self.current.load_full();
        if before.as_ref().is_none_or(|before| before.bytes != fetched.bytes) {
            let generation = before.map_or(1, |before| before.generation + 1);
            self.remark(&fetched.keys);
            let keys = Arc::new(fetched.keys);
            self.current.store(Some(Arc::new(Published { keys, bytes: fetched.bytes, generation })));
        }
        self.confirmed.store(self.millis(), Ordering::Release);
    }

    /// What is odd about a new set, once.
    fn remark(&self, keys: &KeySet) {
        if keys.symmetric() > 0 {
            tracing::warn!(
                issuer = %self.issuer(),
                keys = keys.symmetric(),
                "the issuer publishes symmetric keys; they are ignored, but whoever relies on them is open to all"
            );
        }
        if keys.len() == KeySet::MAX_KEYS && keys.ignored() > 0 {
            tracing::warn!(
                issuer = %self.issuer(),
                ignored = keys.ignored(),
                "the issuer publishes more keys than are used; only the first {} count",
                KeySet::MAX_KEYS
            );
        }
    }

    fn issuer(&self) -> &str {
        self.source.as_ref().map_or("", |source| &source.issuer)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("source", &self.source).finish_non_exhaustive()
    }
}
