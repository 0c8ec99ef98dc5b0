//! The limits in force, who has an exception from them, and how both are shown.

use std::fmt;
use std::sync::Arc;

use attach_auth::state::{Change, Row, Table, View};
use attach_quota::overrides::Override;
use attach_quota::{Limit, Overrides, QuotaLayer};

use crate::alerts::Webhook;
use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

mod amount;
mod order;
mod shown;
mod store;
mod stored;

pub(crate) use self::order::Order;
pub(crate) use self::shown::limit;
use self::store::Counts;
pub(crate) use self::store::warn;
pub(crate) use self::stored::{Stored, StoredWhom};

/// The limits of this gateway, and the exceptions from them at run time: a [`View`] of [`Table::QUOTAS`].
///
/// Cheap to clone; clones share the counts and the exceptions.
#[derive(Clone)]
pub(crate) struct Quotas {
    layer: QuotaLayer,
    overrides: Overrides,
    counts: Counts,
}

impl Quotas {
    /// The limits as they are configured, with counts of their own that nobody shares.
    pub(crate) fn new(config: &Config) -> Self {
        let overrides = Overrides::new();
        overrides.configure(config.quota.overrides.iter().cloned());
        let layer = QuotaLayer::new(config.limits.clone()).prices(config.quota.prices.clone());
        let counts = Counts::Memory(Arc::default());
        Self { layer: layer.overrides(overrides.clone()).store(counts.store()), overrides, counts }
    }

    /// Opens the counts. Nobody has an exception at run time until the rows are read.
    pub(crate) async fn open(
        config: &Config,
        dir: &StateDir,
        webhook: Option<&Webhook>,
    ) -> Result<Self, StartError> {
        let mut quotas = Self::new(config);
        quotas.counts = Counts::open(config, dir).await?;
        quotas.layer = quotas.layer.store(quotas.counts.store());
        #[cfg(feature = "tiktoken")]
        {
            quotas.layer = quotas.layer.tokenizer(attach_quota::Tiktoken::load());
        }
        if let (Some(alerts), Some(webhook)) = (&config.alerts, webhook.cloned()) {
            let at = alerts.quota_used.iter().copied();
            quotas.layer = quotas.layer.alerts(at, move |alert| webhook.tell(&alert));
        }
        Ok(quotas)
    }

    /// What has to be done beside the service as long as that lives.
    pub(crate) async fn run(&self) {
        self.counts.run().await;
    }

    /// Waits for what was settled, before the process ends.
    pub(crate) async fn close(&self) {
        self.counts.close().await;
    }

    /// What holds callers to the limits.
    pub(crate) fn layer(&self) -> &QuotaLayer {
        &self.layer
    }

    /// What the state has to be opened with.
    pub(crate) fn view(&self) -> (Table, Arc<dyn View>) {
        (Table::QUOTAS, Arc::new(self.clone()))
    }

    /// The limit of this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Limit> {
        self.layer.limits().find(|limit| limit.id() == id)
    }

    /// Whether the limit is still what it was when the exception was made: what was meant per minute must not become
    /// so much per month because the configuration changed.
    pub(crate) fn fits(&self, stored: &Stored) -> bool {
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

impl View for Quotas {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        self.overrides.reset(rows.filter_map(|row| self.read(row)));
    }

    fn apply(&self, change: &Change) {
        let exception = match change {
            Change::Put(row, _) => self.read(row),
            _ => None,
        };
        match exception {
            Some(exception) => self.overrides.put(exception),
            None => self.overrides.remove(change.key()),
        }
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas").field("layer", &self.layer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use attach_core::Identity;
    use attach_quota::Rate;

    use super::*;

    fn quotas() -> Quotas {
        let (overrides, counts) = (Overrides::new(), Counts::Memory(Arc::default()));
        let layer = QuotaLayer::new(vec![Limit::requests("calls", Rate::per_hour(2))]);
        Quotas { layer: layer.overrides(overrides.clone()), overrides, counts }
    }

    fn stored(quotas: &Quotas, amount: u64) -> Stored {
        let order =
            serde_json::json!({"directory": "acme", "user": "alice", "limit": "calls", "amount": amount});
        let order: Order = serde_json::from_value(order).unwrap();
        order.checked(quotas, &["acme".into()], &Identity::person("acme", "root")).unwrap()
    }

    #[test]
    fn a_row_that_cannot_be_read_takes_its_exception_away() {
        let quotas = quotas();
        let row = stored(&quotas, 50).to_row().unwrap();
        quotas.apply(&Change::put(row.clone()));
        assert_eq!(quotas.overrides.list().len(), 1);
        quotas.apply(&Change::put(Row::new(Table::QUOTAS, Arc::clone(&row.key), "{\"v\":2}")));
        assert!(quotas.overrides.list().is_empty());
        quotas.apply(&Change::put(row.clone()));
        quotas.apply(&Change::remove(Table::QUOTAS, row.key));
        assert!(quotas.overrides.list().is_empty());
    }

    #[test]
    fn all_rows_at_once_take_the_place_of_what_was_known() {
        let quotas = quotas();
        quotas.apply(&Change::put(stored(&quotas, 50).to_row().unwrap()));
        let rows = [7, 8].map(|amount| stored(&quotas, amount).to_row().unwrap());
        quotas.reset(&mut rows.iter());
        assert_eq!(quotas.overrides.list().len(), 2);
        quotas.reset(&mut std::iter::empty());
        assert!(quotas.overrides.list().is_empty());
    }
}
