use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::Identity;
use attach_quota::{Limit, Window};
use serde::Deserialize;
use serde_json::Value;

use super::stored::{StoredGrant, StoredWhom, Terms};
use super::{Quotas, Stored, amount};
use crate::hex::hex;
use crate::moment;

/// How long a name or a reason may be, in characters.
const TEXT: usize = 256;

/// An exception as an administrator asks for it: for whom, from which limit, what, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    directory: String,
    user: Option<String>,
    group: Option<String>,
    limit: String,
    amount: Option<Value>,
    extra: Option<Value>,
    until: Option<String>,
    reason: Option<String>,
}

impl Order {
    /// What is to be kept.
    ///
    /// # Errors
    ///
    /// A sentence that says what makes no sense.
    pub(crate) fn checked(
        self,
        quotas: &Quotas,
        directories: &[Arc<str>],
        actor: &Identity,
    ) -> Result<Stored, String> {
        let directory = directories.iter().find(|known| ***known == *self.directory);
        let directory = directory.ok_or_else(|| format!("there is no directory {:?}", self.directory))?;
        let limit = quotas.find(&self.limit).ok_or_else(|| unknown(&self.limit, quotas))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let grant = self.grant(limit)?;
        let until = match &self.until {
            Some(text) => Some(until(text, now)?),
            None => end_of_period(limit, grant, now),
        };
        let reason = self.reason.as_deref().map(|text| named("reason", text)).transpose()?.map(Box::from);
        let terms = Terms { directory: Arc::clone(directory), whom: self.whom()?, grant, until, reason };
        Ok(Stored::new(fresh_id()?, limit, terms, actor))
    }

    fn whom(&self) -> Result<StoredWhom, String> {
        match (&self.user, &self.group) {
            (Some(user), None) => Ok(StoredWhom::User(named("user", user)?.into())),
            (None, Some(group)) => Ok(StoredWhom::Group(named("group", group)?.into())),
            _ => Err("name exactly one of user, group".into()),
        }
    }

    fn grant(&self, limit: &Limit) -> Result<StoredGrant, String> {
        match (&self.amount, &self.extra) {
            (Some(Value::String(text)), None) if text.trim() == "unlimited" => Ok(StoredGrant::Unlimited),
            (Some(value), None) => match (amount::parse(limit, value)?, limit.window()) {
                (0, Window::Rate { .. }) => {
                    Err("a rate of 0 allows nothing at all: deny by a rule of [access] instead".into())
                }
                (amount, _) => Ok(StoredGrant::Amount(amount)),
            },
            (None, Some(value)) => match amount::parse(limit, value)? {
                0 => Err("an extra of 0 adds nothing".into()),
                extra => Ok(StoredGrant::Extra(extra)),
            },
            _ => Err("say exactly one of amount, extra".into()),
        }
    }
}

/// What is on top of a budget is for the period in which it was given, unless somebody says otherwise.
fn end_of_period(limit: &Limit, grant: StoredGrant, now: Duration) -> Option<u64> {
    match (grant, limit.window()) {
        (StoredGrant::Extra(_), Window::Budget(budget)) => Some(budget.bounds(now.as_secs()).1),
        _ => None,
    }
}

/// Seconds since the epoch; `now` is since then as well.
fn until(text: &str, now: Duration) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`until`: {text:?} is neither a day like 2026-12-31, a time like 2026-12-31T00:00:00Z nor a duration like \"7d\""
        )
    };
    let time = match moment::parse(text) {
        Some(time) => time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        None => {
            let span = humantime::parse_duration(text).map_err(|_| wrong())?;
            let end = now.checked_add(span).ok_or_else(wrong)?;
            end.as_secs().saturating_add(u64::from(end.subsec_nanos() > 0))
        }
    };
    if Duration::from_secs(time) <= now {
        return Err(format!("`until`: {text:?} is over already"));
    }
    Ok(time)
}

fn named<'a>(field: &str, text: &'a str) -> Result<&'a str, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT || text.chars().any(char::is_control) {
        return Err(format!("`{field}` is a text of 1 to {TEXT} characters on one line"));
    }
    Ok(text)
}

fn unknown(id: &str, quotas: &Quotas) -> String {
    let known: Vec<&str> = quotas.layer().limits().map(Limit::id).collect();
    match &*known {
        [] => format!("there is no limit {id:?}: none is configured"),
        known => format!("there is no limit {id:?}; there are {}", known.join(", ")),
    }
}

fn fresh_id() -> Result<String, String> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "there is no randomness for an id".to_owned())?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_a_time_or_a_duration_and_never_over() {
        let now = Duration::from_millis(1_795_305_600_500); // 2026-11-22T00:00:00.5Z
        for (text, end) in [
            ("2026-11-22T00:00:01Z", 1_795_305_601),
            ("2026-11-22T02:00:00+01:00", 1_795_309_200),
            ("2026-11-23", 1_795_392_000),
            ("7d", 1_795_305_601 + 7 * 86_400),
            ("1h 30m", 1_795_305_601 + 5400),
        ] {
            assert_eq!(until(text, now), Ok(end), "{text}");
        }
        for (text, says) in [
            ("2026-11-22T00:00:00Z", "over already"),
            ("1969-01-01T00:00:00Z", "over already"),
            ("tomorrow", "neither"),
            ("2026-11-22", "over already"),
            ("2026-13-22", "neither"),
            ("99999999999999y", "neither"),
        ] {
            let error = until(text, now).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }
}
