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
    pub(super) fn change(&self, keep: Duration) -> Change {
        let (name, not_before) = match self.effect {
            Effect::NotBefore(time) => ("not_before", Some(since_epoch(time))),
            Effect::Disabled | Effect::Enabled => ("disabled", None),
        };
        let (kind, value) = self.subject.parts();
        let key = format!("{}\n{kind}\n{value}\n{name}", self.directory);
        if self.effect == Effect::Enabled {
            return Change::remove(Table::FACTS, key);
        }
        let at = since_epoch(self.at);
        let stored = Stored { not_before, source: self.source.to_string(), at };
        // A struct of numbers and strings cannot fail to become JSON.
        let row = Row::new(Table::FACTS, key, serde_json::to_vec(&stored).unwrap_or_default());
        Change::put(match not_before {
            Some(time) => row.until(time.max(at).saturating_add(keep.as_secs())),
            None => row,
        })
    }

    /// Reads a row that [`change`](Self::change) wrote.
    pub(super) fn of_row(row: &Row) -> Option<Self> {
        let (directory, subject, effect) = Self::of_key(&row.key)?;
        let stored: Stored = serde_json::from_slice(&row.value).ok()?;
        let moment = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let effect = match effect {
            "not_before" => Effect::NotBefore(moment(stored.not_before?)?),
            _ => Effect::Disabled,
        };
        let source = stored.source.into();
        Some(Self { directory: directory.into(), subject, effect, source, at: moment(stored.at)? })
    }

    /// Whose fact of which kind a row's key stands for.
    pub(super) fn of_key(key: &str) -> Option<(&str, Subject, &str)> {
        let (directory, rest) = key.split_once('\n')?;
        let (kind, rest) = rest.split_once('\n')?;
        let (value, effect) = rest.rsplit_once('\n')?;
        Some((directory, Subject::of_parts(kind, value)?, effect))
    }
}

/// A fact as a row holds it, besides what its key says.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
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
