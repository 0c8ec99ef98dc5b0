use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::Peer;
use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::{Mutex, MutexGuard};

use super::Provisioned;
use super::stats::{Counts, SignalKind, SignalOutcome, SignalStats};
use crate::clock::{Clock, SystemClock, since_epoch};
use crate::failures::Failures;
use crate::hex::hex;
use crate::notice::Notice;
use crate::revocation::{Effect, Fact, Subject};
use crate::state::{Change, CommitError, Health, Row, State, Table};
use crate::throttle::Throttle;
use crate::{Event, Revocations, Witness};

/// Signed signals of one kind at once, and the time until there may be one more.
const RATE: (u32, Duration) = (500, Duration::from_millis(10));

/// Where all signals come together: recorded for the audit trail, made durable, counted.
///
/// Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Signals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    revocations: Revocations,
    provisioned: Provisioned,
    witness: Arc<dyn Witness>,
    clock: Arc<dyn Clock>,
    counts: Counts,
    failures: Failures,
    /// For what is signed, and has no credential with a throttle of its own.
    signed: Throttle,
    /// Changes of one resource take turns, so that those of one node are never recorded and then not done.
    turns: [Mutex<()>; 32],
    unmatched: Notice,
    refused: Notice,
    unavailable: Notice,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// What was to be changed is not what it was, or what was to be new is not.
    Conflict(Table),
    /// It could not be recorded or made durable.
    Unavailable,
}

impl Signals {
    /// Signals that change `revocations`, are about the people of `provisioned`, and are recorded by `witness` first.
    ///
    /// The state of `revocations` has to have been opened with the [views](Provisioned::views) of `provisioned`.
    #[must_use]
    pub fn new(revocations: Revocations, provisioned: Provisioned, witness: Arc<dyn Witness>) -> Self {
        Self::with_clock(revocations, provisioned, witness, Arc::new(SystemClock::default()))
    }

    /// [`new`](Self::new) with clocks other than the machine's.
    #[must_use]
    pub fn with_clock(
        revocations: Revocations,
        provisioned: Provisioned,
        witness: Arc<dyn Witness>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            revocations,
            provisioned,
            witness,
            clock,
            counts: Counts::default(),
            failures: Failures::new(),
            signed: Throttle::new(RATE.0, RATE.1),
            turns: Default::default(),
            unmatched: Notice::default(),
            refused: Notice::default(),
            unavailable: Notice::default(),
        }))
    }

    /// How many signals came, and what became of them.
    #[must_use]
    pub fn stats(&self) -> SignalStats {
        self.0.counts.read()
    }

    /// Who the directories provisioned.
    #[must_use]
    pub fn provisioned(&self) -> &Provisioned {
        &self.0.provisioned
    }

    pub(super) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    pub(super) fn state(&self) -> &State {
        self.0.revocations.state()
    }

    pub(super) fn now(&self) -> SystemTime {
        self.0.clock.now()
    }

    /// Whether there may be one more signed signal; the time to wait if not.
    pub(super) fn take(&self, kind: SignalKind) -> Result<(), Duration> {
        self.0.signed.take().inspect_err(|_| self.count(kind, SignalOutcome::Throttled))
    }

    /// Counts a request that was no good; the time to wait when its sender was wrong too often.
    pub(super) fn refuse(
        &self,
        kind: SignalKind,
        extensions: &http::Extensions,
        reason: &str,
    ) -> Result<(), Duration> {
        self.0.refused.at_most_each_minute(|| {
            tracing::warn!(signal = kind.as_str(), reason, "a signal was refused");
        });
        let patience = self.0.failures.count(extensions.get::<Peer>());
        let outcome = if patience.is_ok() { SignalOutcome::Refused } else { SignalOutcome::Throttled };
        self.count(kind, outcome);
        patience
    }

    pub(super) fn count(&self, kind: SignalKind, outcome: SignalOutcome) {
        self.0.counts.add(kind, outcome);
    }

    /// Waits until nobody else on this node changes what is called `key`.
    pub(super) async fn turn(&self, key: &str) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        let turns = &self.0.turns;
        let turn = usize::try_from(hash % turns.len() as u64).ok().and_then(|at| turns.get(at));
        turn.unwrap_or(&turns[0]).lock().await
    }

    /// Everything the people meant by `subjects` are called. People whom nobody provisioned, in a directory that
    /// provisions, are counted, and are called what they were called.
    pub(super) fn everything(
        &self,
        kind: SignalKind,
        directory: &str,
        subjects: Vec<Subject>,
    ) -> (Vec<Subject>, bool) {
        let provisioned = &self.0.provisioned;
        let known = provisioned.also_called(directory, &subjects);
        let is_matched = known.is_some() || !provisioned.has_users(directory);
        if !is_matched {
            self.count(kind, SignalOutcome::Unmatched);
            self.0.unmatched.at_most_each_minute(|| {
                tracing::warn!(
                    signal = kind.as_str(),
                    directory,
                    "a signal is about somebody whom the directory did not provision"
                );
            });
        }
        let mut all = subjects;
        all.extend(known.unwrap_or_default());
        all.sort();
        all.dedup();
        (all, is_matched)
    }

    /// What happened, for all of `subjects`.
    pub(super) fn facts(
        &self,
        kind: SignalKind,
        directory: &Arc<str>,
        subjects: Vec<Subject>,
        effect: Effect,
    ) -> Vec<Fact> {
        let fact = |subject| {
            let mut fact = Fact::new(Arc::clone(directory), subject, effect, kind.as_str());
            fact.at = self.now();
            fact
        };
        subjects.into_iter().map(fact).collect()
    }

    /// Whether a signal called `id` by `issuer` came before.
    pub(super) fn was_seen(&self, kind: SignalKind, issuer: &str, id: &str) -> bool {
        let seen = self.state().get(Table::ONCE, &once(kind, issuer, id)).is_some();
        if seen {
            self.count(kind, SignalOutcome::Repeated);
        }
        seen
    }

    /// Notes that the signal called `id` by `issuer` came, for as long as it would be believed.
    pub(super) fn see(&self, kind: SignalKind, issuer: &str, id: &str, until: SystemTime) -> Change {
        let row = Row::new(Table::ONCE, once(kind, issuer, id), "1");
        Change::insert(row.until(since_epoch(until).saturating_add(1)))
    }

    /// Records `event`, then makes `changes` durable: all of it, or nothing is acknowledged.
    pub(super) async fn act(
        &self,
        kind: SignalKind,
        event: Event,
        changes: Vec<Change>,
    ) -> Result<(), Undone> {
        let done = self.attempt(event, changes).await;
        match &done {
            Ok(()) => self.count(kind, SignalOutcome::Done),
            Err(Undone::Conflict(_)) => {}
            Err(Undone::Unavailable) => self.count(kind, SignalOutcome::Unavailable),
        }
        done
    }

    async fn attempt(&self, event: Event, changes: Vec<Change>) -> Result<(), Undone> {
        if let Health::Down { why, .. } = self.state().health() {
            return Err(self.unavailable(&why));
        }
        if let Err(unwitnessed) = self.0.witness.witness(event).await {
            return Err(self.unavailable(&unwitnessed));
        }
        match self.state().commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(table, _)) => Err(Undone::Conflict(table)),
            Err(error @ CommitError::Unavailable(_)) => Err(self.unavailable(&error)),
        }
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> Undone {
        self.0.unavailable.at_most_each_minute(|| {
            tracing::error!(%why, "a signal cannot be acted on; its sender is told to try again");
        });
        Undone::Unavailable
    }
}

/// The key of what came once: nothing of it can be read.
fn once(kind: SignalKind, issuer: &str, id: &str) -> String {
    format!("signal\n{}\n{}", kind.as_str(), digest_of(&format!("{issuer}\n{id}")))
}

/// The SHA-256 of `text`, in hexadecimal.
pub(super) fn digest_of(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Whom the audit trail says a signal was about: an id of the directory; of an address, the hash.
pub(super) fn target(subjects: &[Subject]) -> Box<str> {
    let id = subjects.iter().find_map(|subject| match subject {
        Subject::User(id) if !id.contains('@') => Some(Box::from(&**id)),
        _ => None,
    });
    let hashed = || {
        let (kind, value) = subjects.first()?.parts();
        Some(format!("{kind}-sha256:{}", digest_of(value)).into())
    };
    id.or_else(hashed).unwrap_or_default()
}
