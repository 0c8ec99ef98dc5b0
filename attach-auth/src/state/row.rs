use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(&'static str);

impl Table {
    /// Facts about callers who lost the right to go on.
    pub const FACTS: Self = Self("facts");
    /// Gateway keys, by the hash of their secret.
    pub const KEYS: Self = Self("keys");
    /// Provisioned users (SCIM).
    pub const USERS: Self = Self("users");
    /// Provisioned groups (SCIM).
    pub const GROUPS: Self = Self("groups");
    /// What may happen once only: ids of signals, nonces, names that must be unique.
    pub const ONCE: Self = Self("once");
    /// Exceptions from limits, made at run time.
    pub const QUOTAS: Self = Self("quotas");

    /// Every table.
    pub const ALL: [Self; 6] = [Self::FACTS, Self::KEYS, Self::USERS, Self::GROUPS, Self::ONCE, Self::QUOTAS];

    /// The table's name in a backend.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The table called `name`, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.0 == name)
    }
}

/// One record. `Debug` hides its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The table it is in.
    pub table: Table,
    /// Unique within the table.
    pub key: Arc<str>,
    /// JSON, by convention.
    pub value: Bytes,
    /// When the row counts as absent, in seconds since the epoch.
    pub expires_at: Option<u64>,
}

impl Row {
    /// A row that stays until it is removed.
    #[must_use]
    pub fn new(table: Table, key: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        Self { table, key: key.into(), value: value.into(), expires_at: None }
    }

    /// The same row, absent from `expires_at` (seconds since the epoch) on.
    #[must_use]
    pub fn until(mut self, expires_at: u64) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Whether the row is over at `now`, in seconds since the epoch.
    #[must_use]
    pub fn is_over(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Writes a row, if what is there is what was expected.
    Put(Row, Expect),
    /// Removes a row, if there is one.
    Remove(Table, Arc<str>),
}

impl Change {
    /// Writes `row` over whatever is there.
    #[must_use]
    pub fn put(row: Row) -> Self {
        Self::Put(row, Expect::Any)
    }

    /// Writes `row` where there is none.
    #[must_use]
    pub fn insert(row: Row) -> Self {
        Self::Put(row, Expect::Absent)
    }

    /// Removes a row.
    #[must_use]
    pub fn remove(table: Table, key: impl Into<Arc<str>>) -> Self {
        Self::Remove(table, key.into())
    }

    /// The row's table.
    #[must_use]
    pub fn table(&self) -> Table {
        match self {
            Self::Put(row, _) => row.table,
            Self::Remove(table, _) => *table,
        }
    }

    /// The row's key.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Put(row, _) => &row.key,
            Self::Remove(_, key) => key,
        }
    }
}

/// What a row has to be for a change to apply. If one change of a commit does not apply, none does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// Whatever it is.
    Any,
    /// There is none, or it is over.
    Absent,
    /// It has exactly this value.
    Value(Bytes),
}

impl Expect {
    /// Whether `there`, the value of a row that is not over, is what was expected.
    pub(super) fn is_met(&self, there: Option<&Bytes>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => there.is_none(),
            Self::Value(value) => there == Some(value),
        }
    }
}

/// Why a commit did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitError {
    /// A row was not what was expected. Nothing was written.
    Conflict(Table, Arc<str>),
    /// Whether it was written cannot be known, or this node cannot see it yet: to be treated as not done.
    Unavailable(Box<str>),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(table, _) => write!(f, "a row of {} was changed meanwhile", table.as_str()),
            Self::Unavailable(why) => write!(f, "the state store cannot be relied on: {why}"),
        }
    }
}

impl std::error::Error for CommitError {}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("table", &self.table.0)
            .field("bytes", &self.value.len())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
