use std::time::{Duration, SystemTime};

use attach_core::Identity;
use tokio::sync::watch;

use super::fact::Key;
use super::{Effect, Fact, FactIndex};
use crate::Denial;
use crate::state::{Change, CommitError, Expect, Health, State, Table};

/// The source of facts that administrators record.
const ADMIN: &str = "admin";

/// Says who lost the right to go on, and records who does.
///
/// Cheap to clone; clones share the facts.
#[derive(Debug, Clone)]
pub struct Revocations {
    state: State,
    index: FactIndex,
    keep: Duration,
    stale: Duration,
}

impl Revocations {
    /// Facts of `state`, which was opened with `index` as a view of its facts.
    #[must_use]
    pub fn new(state: State, index: FactIndex) -> Self {
        Self { state, index, keep: Duration::from_secs(48 * 60 * 60), stale: Duration::ZERO }
    }

    /// How long a *not before* is kept: at least as long as the longest-lived token or key. Two days unless set.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// For how long the facts are relied on while their store is down; not at all unless set.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Records facts. When it returns they are durable, and this node acts on them.
    ///
    /// # Errors
    ///
    /// When that cannot be known.
    pub async fn record(&self, facts: &[Fact]) -> Result<(), CommitError> {
        let changes = self.changes(facts);
        if !changes.is_empty() {
            return self.state.commit(changes).await;
        }
        match self.state.health() {
            Health::Up => Ok(()),
            Health::Down { why, .. } => Err(CommitError::Unavailable(why)),
        }
    }

    /// What [`record`](Self::record) would commit, for those who have more to commit at once.
    ///
    /// A *not before* never moves back, and a caller who was disabled is enabled by whoever disabled them, or by an
    /// administrator: what these would change is left out.
    #[must_use]
    pub fn changes(&self, facts: &[Fact]) -> Vec<Change> {
        let mut changes: Vec<Change> = facts.iter().flat_map(|fact| self.change(fact)).collect();
        let covered: Vec<Change> = changes.iter().flat_map(|change| self.covered_by(change)).collect();
        // First what goes, so that nothing goes that comes.
        changes.splice(..0, covered);
        changes
    }

    fn change(&self, fact: &Fact) -> Vec<Change> {
        let change = fact.change(self.keep);
        let standing = self.state.get(Table::FACTS, change.key());
        let by_admin = &*fact.source == ADMIN;
        let applies = match (fact.effect, standing.as_ref().map(Fact::of_row)) {
            (Effect::Enabled, None) => false,
            (Effect::Enabled, Some(Some(standing))) => by_admin || standing.source == fact.source,
            // What cannot be read is not lifted by a signal, and what stands needs no second one.
            (Effect::Enabled, Some(None)) | (Effect::Disabled, Some(_)) => by_admin,
            (Effect::NotBefore(_), _) | (Effect::Disabled, None) => true,
        };
        let lifted = standing.filter(|_| fact.effect == Effect::Enabled);
        // Only the fact that was looked at is lifted: another may have taken its place meanwhile.
        let expected = lifted.map(|row| {
            let value = row.value.clone();
            Change::Put(row, Expect::Value(value))
        });
        if applies { expected.into_iter().chain([change]).collect() } else { Vec::new() }
    }

    /// The removal of what a new *not before* says as well, and for longer.
    fn covered_by(&self, change: &Change) -> Vec<Change> {
        let Change::Put(new, _) = change else { return Vec::new() };
        let Some(key) = Key::parse(&new.key) else { return Vec::new() };
        let Some(time) = key.not_before else { return Vec::new() };
        let covered = |old: &str| {
            let old = Key::parse(old).filter(|old| (old.kind, old.subject) == (key.kind, key.subject))?;
            old.not_before.map(|earlier| earlier < time)
        };
        let rows = self.state.scan(Table::FACTS, &key.prefix());
        rows.into_iter()
            .filter(|row| row.expires_at.is_some() && row.expires_at <= new.expires_at)
            .filter(|row| covered(&row.key) == Some(true))
            .map(|row| Change::Remove(row.table, row.key))
            .collect()
    }

    /// Whether `identity` may go on.
    ///
    /// # Errors
    ///
    /// 401 `revoked`, also when it is the client that speaks for the caller; 503 while the store is down.
    pub fn check(&self, identity: &Identity) -> Result<(), Denial> {
        // Known facts first: they hold whatever became of the store.
        if self.refuses(identity) {
            return Err(Denial::invalid_token("revoked"));
        }
        match self.state.health() {
            Health::Down { since, .. } if since >= self.stale => Err(unknown()),
            _ => Ok(()),
        }
    }

    /// Whether a fact known here refuses `identity`, or the client that speaks for it, whatever became of the store.
    ///
    /// What a running answer is held to: a store that is lost refuses who comes, and interrupts nobody.
    #[must_use]
    pub fn refuses(&self, identity: &Identity) -> bool {
        let refuses = |identity: &Identity| self.index.refuses(identity, || self.state.now());
        refuses(identity) || identity.actor.as_deref().is_some_and(refuses)
    }

    /// Changes whenever somebody may be refused who was not before.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.index.subscribe()
    }

    /// The facts there are, of one directory or of all: at most one of each [`Effect`] for a subject, the latest.
    #[must_use]
    pub fn list(&self, directory: Option<&str>) -> Vec<Fact> {
        let prefix = directory.map(|directory| format!("{directory}\n")).unwrap_or_default();
        let mut facts: Vec<Fact> = Vec::new();
        for fact in self.state.scan(Table::FACTS, &prefix).iter().filter_map(Fact::of_row) {
            // Rows about one subject follow each other.
            let same = |other: &&mut Fact| {
                (&other.directory, &other.subject) == (&fact.directory, &fact.subject)
                    && matches!((other.effect, fact.effect), (Effect::NotBefore(_), Effect::NotBefore(_)))
            };
            match facts.last_mut().filter(same) {
                Some(other) if time(other) < time(&fact) => *other = fact,
                Some(_) => {}
                None => facts.push(fact),
            }
        }
        facts
    }

    /// The rows the facts are among.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }
}

fn time(fact: &Fact) -> Option<SystemTime> {
    match fact.effect {
        Effect::NotBefore(time) => Some(time),
        Effect::Disabled | Effect::Enabled => None,
    }
}

fn unknown() -> Denial {
    Denial::unavailable(1)
        .with_code("revocation_store_unavailable")
        .with_reason("revocation_store_down")
        .with_message("whether you may still go on cannot be known at the moment; try again")
}
