use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::state::{Row, Table};
use attach_core::Identity;
use attach_quota::overrides::{Grant, Override, Whom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::amount;
use crate::moment;

/// What a row of this version begins with.
const VERSION: u8 = 1;

/// An exception as it is kept. The row's key is its id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    v: u8,
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) directory: Arc<str>,
    pub(crate) whom: StoredWhom,
    pub(crate) limit: Arc<str>,
    /// As the limit was, by which the amount is to be read.
    pub(crate) unit: Box<str>,
    pub(crate) period: Option<Box<str>>,
    grant: StoredGrant,
    /// Seconds since the epoch.
    until: Option<u64>,
    reason: Option<Box<str>>,
    by: By,
    at: u64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredWhom {
    User(Arc<str>),
    Group(Arc<str>),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredGrant {
    Amount(u64),
    Extra(u64),
    Unlimited,
}

#[derive(Clone, Serialize, Deserialize)]
struct By {
    directory: Arc<str>,
    id: Arc<str>,
}

/// What an exception is about.
pub(super) struct Terms {
    pub(super) directory: Arc<str>,
    pub(super) whom: StoredWhom,
    pub(super) grant: StoredGrant,
    pub(super) until: Option<u64>,
    pub(super) reason: Option<Box<str>>,
}

impl Stored {
    pub(super) fn new(id: String, limit: &attach_quota::Limit, terms: Terms, actor: &Identity) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            v: VERSION,
            id,
            directory: terms.directory,
            whom: terms.whom,
            limit: limit.id().into(),
            unit: limit.unit().as_str().into(),
            period: limit.window().period_name().map(Into::into),
            grant: terms.grant,
            until: terms.until,
            reason: terms.reason,
            by: By { directory: Arc::clone(&actor.directory), id: Arc::clone(&actor.id) },
            at: now.as_secs(),
        }
    }

    pub(crate) fn of_row(row: &Row) -> Option<Self> {
        let stored: Self = serde_json::from_slice(&row.value).ok()?;
        (stored.v == VERSION).then(|| Self { id: row.key.to_string(), ..stored })
    }

    /// # Errors
    ///
    /// None that can happen: everything in it can be written as JSON.
    pub(crate) fn to_row(&self) -> serde_json::Result<Row> {
        let row = Row::new(Table::QUOTAS, &*self.id, serde_json::to_vec(self)?);
        Ok(match self.until {
            Some(until) => row.until(until),
            None => row,
        })
    }

    pub(super) fn exception(self) -> Override {
        let whom = match self.whom {
            StoredWhom::User(id) => Whom::User(id),
            StoredWhom::Group(name) => Whom::Group(name),
        };
        let grant = match self.grant {
            StoredGrant::Amount(amount) => Grant::Amount(amount),
            StoredGrant::Extra(extra) => Grant::Extra(extra),
            StoredGrant::Unlimited => Grant::Unlimited,
        };
        let exception = Override::new(self.id, self.directory, whom, self.limit, grant);
        match self.until {
            Some(until) => exception.until(time(until)),
            None => exception,
        }
    }

    /// What it gives, in a few words for the audit log: `amount 120000`, `extra 5`, `unlimited`.
    pub(crate) fn granted(&self) -> String {
        let shown = |amount| match amount::shown(&self.unit, amount) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match self.grant {
            StoredGrant::Amount(amount) => format!("amount {}", shown(amount)),
            StoredGrant::Extra(extra) => format!("extra {}", shown(extra)),
            StoredGrant::Unlimited => "unlimited".into(),
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// When it stops (RFC 3339).
    pub(crate) fn until(&self) -> Option<String> {
        self.until.map(|until| moment::shown(time(until)))
    }

    /// As administrators see it.
    pub(crate) fn show(&self, in_force: bool) -> Value {
        let mut shown = json!({
            "id": self.id,
            "directory": &*self.directory,
            "limit": &*self.limit,
            "unit": &*self.unit,
            "period": self.period,
            "until": self.until(),
            "reason": self.reason,
            "created_at": moment::shown(time(self.at)),
            "created_by": {"directory": &*self.by.directory, "id": &*self.by.id},
            "in_force": in_force,
        });
        let (kind, name) = match &self.whom {
            StoredWhom::User(id) => ("user", id),
            StoredWhom::Group(name) => ("group", name),
        };
        shown[kind] = json!(&**name);
        match self.grant {
            StoredGrant::Amount(amount) => shown["amount"] = amount::shown(&self.unit, amount),
            StoredGrant::Extra(extra) => shown["extra"] = amount::shown(&self.unit, extra),
            StoredGrant::Unlimited => shown["amount"] = json!("unlimited"),
        }
        shown
    }
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}
