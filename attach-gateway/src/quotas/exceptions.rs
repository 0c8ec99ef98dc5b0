//! Exceptions from limits at run time, whatever the limits are at the moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attach_auth::state::{Change, Row, View};
use attach_quota::overrides::Override;
use attach_quota::{Limit, Overrides, QuotaLayer};

use super::Stored;
use crate::alerts::Webhook;
use crate::config::Config;

/// The limits of one configuration, with the exceptions that count under it.
#[derive(Clone)]
pub(super) struct Book {
    pub(super) layer: QuotaLayer,
    overrides: Overrides,
}

/// All exceptions that were made, and the limits in force: a [`View`] of [`Table::QUOTAS`](attach_auth::state::Table).
pub(super) struct Exceptions(Mutex<Known>);

struct Known {
    rows: BTreeMap<Arc<str>, Row>,
    book: Book,
}

impl Book {
    /// `layer` with the prices of `config` and whom it wants told, and nobody's exception but those it names.
    pub(super) fn new(layer: QuotaLayer, config: &Config, webhook: Option<&Webhook>) -> Self {
        let overrides = Overrides::new();
        overrides.configure(config.quota.overrides.iter().cloned());
        let layer = layer.prices(config.quota.prices.clone()).overrides(overrides.clone());
        let layer = match (&config.alerts, webhook.cloned()) {
            (Some(alerts), Some(webhook)) => {
                let at = alerts.quota_used.iter().copied();
                layer.alerts(at, move |alert| webhook.tell(&alert))
            }
            _ => layer.without_alerts(),
        };
        Self { layer, overrides }
    }

    /// The limit of this id.
    pub(super) fn find(&self, id: &str) -> Option<&Limit> {
        self.layer.limits().find(|limit| limit.id() == id)
    }

    /// Whether the limit is still what it was when the exception was made: what was meant per minute must not become
    /// so much per month because the configuration changed.
    pub(super) fn fits(&self, stored: &Stored) -> bool {
        self.find(&stored.limit).is_some_and(|limit| {
            let period = limit.window().period_name();
            (limit.unit().as_str(), period) == (&*stored.unit, stored.period.as_deref())
        })
    }

    fn read(&self, row: &Row) -> Option<Override> {
        let Some(stored) = Stored::of_row(row) else {
            tracing::error!("an exception from a limit cannot be read; the limit is as configured");
            return None;
        };
        if !self.fits(&stored) {
            let limit = &*stored.limit;
            tracing::warn!(
                limit,
                id = stored.id,
                "an exception is for a limit that is not what it was; it does not count"
            );
            return None;
        }
        Some(stored.exception())
    }
}

impl Exceptions {
    pub(super) fn new(book: Book) -> Self {
        Self(Mutex::new(Known { rows: BTreeMap::new(), book }))
    }

    /// From now on exceptions count under `book`. What does not fit its limits is kept, for when one does again.
    pub(super) fn follow(&self, book: Book) {
        let mut known = self.lock();
        book.overrides.reset(known.rows.values().filter_map(|row| book.read(row)));
        known.book = book;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View for Exceptions {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut known = self.lock();
        known.rows = rows.map(|row| (Arc::clone(&row.key), row.clone())).collect();
        let Known { rows, book } = &*known;
        book.overrides.reset(rows.values().filter_map(|row| book.read(row)));
    }

    fn apply(&self, change: &Change) {
        let mut known = self.lock();
        let exception = match change {
            Change::Put(row, _) => {
                known.rows.insert(Arc::clone(&row.key), row.clone());
                known.book.read(row)
            }
            _ => {
                known.rows.remove(change.key());
                None
            }
        };
        match exception {
            Some(exception) => known.book.overrides.put(exception),
            None => known.book.overrides.remove(change.key()),
        }
    }
}

#[cfg(test)]
mod tests {
    use attach_auth::state::Table;
    use attach_core::Identity;

    use super::*;
    use crate::quotas::{Order, Quotas};

    fn config(limit: &str) -> Config {
        let text = format!(
            "issuer = [{{ issuer = \"https://idp.example.com\", audience = [\"api\"] }}]\n\
             upstream = [{{ name = \"a\", kind = \"openai\", url = \"https://api.openai.com\" }}]\n\
             [[quota]]\nid = \"calls\"\n{limit}\n"
        );
        Config::parse(&text, |_| None).unwrap()
    }

    fn quotas() -> Quotas {
        Quotas::new(&config("requests = \"2/h\""))
    }

    fn stored(quotas: &Quotas, amount: u64) -> Stored {
        let order =
            serde_json::json!({"directory": "acme", "user": "alice", "limit": "calls", "amount": amount});
        let order: Order = serde_json::from_value(order).unwrap();
        order.checked(quotas, &["acme".into()], &Identity::person("acme", "root")).unwrap()
    }

    fn count(quotas: &Quotas) -> usize {
        quotas.book.overrides.list().len()
    }

    #[test]
    fn a_row_that_cannot_be_read_takes_its_exception_away() {
        let quotas = quotas();
        let row = stored(&quotas, 50).to_row().unwrap();
        quotas.exceptions.apply(&Change::put(row.clone()));
        assert_eq!(count(&quotas), 1);
        quotas.exceptions.apply(&Change::put(Row::new(Table::QUOTAS, Arc::clone(&row.key), "{\"v\":2}")));
        assert_eq!(count(&quotas), 0);
        quotas.exceptions.apply(&Change::put(row.clone()));
        quotas.exceptions.apply(&Change::remove(Table::QUOTAS, row.key));
        assert_eq!(count(&quotas), 0);
    }

    #[test]
    fn all_rows_at_once_take_the_place_of_what_was_known() {
        let quotas = quotas();
        quotas.exceptions.apply(&Change::put(stored(&quotas, 50).to_row().unwrap()));
        let rows = [7, 8].map(|amount| stored(&quotas, amount).to_row().unwrap());
        quotas.exceptions.reset(&mut rows.iter());
        assert_eq!(count(&quotas), 2);
        quotas.exceptions.reset(&mut std::iter::empty());
        assert_eq!(count(&quotas), 0);
    }

    #[test]
    fn exceptions_go_on_under_other_limits_as_far_as_they_fit() {
        let first = quotas();
        first.exceptions.apply(&Change::put(stored(&first, 50).to_row().unwrap()));
        let nine = config("requests = \"9/h\"");
        let more = first.reconfigured(&nine);
        assert_eq!(count(&more), 0, "not before they come into force");
        more.enter(&nine);
        assert_eq!((count(&first), count(&more)), (1, 1));
        let tokens = config("tokens = \"9/min\"");
        let other = more.reconfigured(&tokens);
        other.enter(&tokens);
        assert_eq!(count(&other), 0, "fifty calls an hour are not fifty tokens a minute");
        let one = config("requests = \"1/h\"");
        let again = other.reconfigured(&one);
        again.enter(&one);
        assert_eq!(count(&again), 1, "what did not fit was kept");
        again.exceptions.apply(&Change::put(stored(&again, 5).to_row().unwrap()));
        assert_eq!((count(&again), count(&more)), (2, 1), "what is new is for what is in force");
    }
}
