use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::clock::since_epoch;
use crate::state::{Change, Row, Table};

/// Something a directory or an administrator said about a caller.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// Whose caller it is.
    pub directory: Arc<str>,
    /// Who is meant.
    pub subject: Subject,
    /// What it means for them.
    pub effect: Effect,
    /// Who said so: `scim`, `backchannel-logout`, `universal-logout`, `admin` …
    pub source: Arc<str>,
    /// When it was said.
    pub at: SystemTime,
}

/// Who is meant by a [`Fact`]. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The caller with this stable id, `sub`, or external id.
    User(Arc<str>),
    /// The caller with this e-mail address or user name, in any case.
    Name(Arc<str>),
    /// Whatever was issued in this session (`sid`).
    Session(Arc<str>),
    /// The token with this id (`jti`).
    Token(Arc<str>),
    /// Whatever was issued to this OAuth client.
    Client(Arc<str>),
}

/// What a [`Fact`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// What was issued at this time or before is refused.
    NotBefore(SystemTime),
    /// Everything is refused, until [`Enabled`](Self::Enabled).
    Disabled,
    /// Lifts [`Disabled`](Self::Disabled), and nothing else.
    Enabled,
}

impl Fact {
    /// Whoever is `subject` in `directory` is held to `effect`, as `source` said just now.
    #[must_use]
    pub fn new(directory: impl Into<Arc<str>>, subject: Subject, effect: Effect, source: &str) -> Self {
        Self { directory: directory.into(), subject, effect, source: source.into(), at: SystemTime::now() }
    }

    /// The row that makes it last. `keep` is how long anything lives that a *not before* could still meet.
    ///
    /// Every *not before* has a row of its own, so that one that comes late never stands in for a later one.
    pub(super) fn change(&self, keep: Duration) -> Change {
        let key = Key::of(self).to_string();
        if self.effect == Effect::Enabled {
            return Change::remove(Table::FACTS, key);
        }
        let at = since_epoch(self.at);
        let stored = Stored { source: self.source.to_string(), at };
        // A struct of a number and a string cannot fail to become JSON.
        let row = Row::new(Table::FACTS, key, serde_json::to_vec(&stored).unwrap_or_default());
        Change::put(match self.effect {
            Effect::NotBefore(time) => row.until(since_epoch(time).max(at).saturating_add(keep.as_secs())),
            Effect::Disabled | Effect::Enabled => row,
        })
    }

    /// Reads a row that [`change`](Self::change) wrote.
    pub(super) fn of_row(row: &Row) -> Option<Self> {
        let key = Key::parse(&row.key)?;
        let stored: Stored = serde_json::from_slice(&row.value).ok()?;
        let moment = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let effect = match key.not_before {
            Some(seconds) => Effect::NotBefore(moment(seconds)?),
            None => Effect::Disabled,
        };
        let subject = Subject::of_parts(key.kind, key.subject)?;
        let directory = key.directory.into();
        Some(Self { directory, subject, effect, source: stored.source.into(), at: moment(stored.at)? })
    }
}

/// What a row's key says: all that decides whether somebody is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) directory: &'a str,
    pub(super) kind: &'a str,
    pub(super) subject: &'a str,
    /// In seconds since the epoch; `None` is *disabled*.
    pub(super) not_before: Option<u64>,
}

impl<'a> Key<'a> {
    pub(super) fn of(fact: &'a Fact) -> Self {
        let (kind, subject) = fact.subject.parts();
        let not_before = match fact.effect {
            Effect::NotBefore(time) => Some(since_epoch(time)),
            Effect::Disabled | Effect::Enabled => None,
        };
        Self { directory: &fact.directory, kind, subject, not_before }
    }

    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let (directory, rest) = key.split_once('\n')?;
        let (kind, rest) = rest.split_once('\n')?;
        let (subject, effect) = rest.rsplit_once('\n')?;
        let not_before = match effect.strip_prefix("not_before:") {
            Some(seconds) => Some(seconds.parse().ok()?),
            None if effect == "disabled" => None,
            None => return None,
        };
        Some(Self { directory, kind, subject, not_before })
    }

    /// What the keys of all rows about the same subject begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}\n{}\n{}\n", self.directory, self.kind, self.subject)
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix())?;
        match self.not_before {
            Some(seconds) => write!(f, "not_before:{seconds}"),
            None => f.write_str("disabled"),
        }
    }
}

/// A fact as a row holds it, besides what its key says.
#[derive(Serialize, Deserialize)]
struct Stored {
    source: String,
    at: u64,
}

impl Subject {
    /// The caller with this e-mail address or user name.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self::Name(name.to_lowercase().into())
    }

    /// `user`, `name`, `session`, `token` or `client`, and the value.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::User(value) => ("user", value),
            Self::Name(value) => ("name", value),
            Self::Session(value) => ("session", value),
            Self::Token(value) => ("token", value),
            Self::Client(value) => ("client", value),
        }
    }

    /// What [`parts`](Self::parts) took apart.
    #[must_use]
    pub fn of_parts(kind: &str, value: &str) -> Option<Self> {
        Some(match kind {
            "user" => Self::User(value.into()),
            "name" => Self::name(value),
            "session" => Self::Session(value.into()),
            "token" => Self::Token(value.into()),
            "client" => Self::Client(value.into()),
            _ => return None,
        })
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.parts().0).finish()
    }
}

impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fact")
            .field("directory", &self.directory)
            .field("subject", &self.subject)
            .field("effect", &self.effect)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
