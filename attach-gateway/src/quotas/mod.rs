//! The limits in force, who has an exception from them, and how both are shown.

use std::fmt;
use std::sync::Arc;

use attach_auth::state::{Table, View};
use attach_quota::{Limit, QuotaLayer};

use crate::alerts::Webhook;
use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

mod amount;
mod exceptions;
mod order;
mod raise;
mod shown;
mod store;
mod stored;

pub(crate) use self::amount::shown as shown_amount;
use self::exceptions::{Book, Exceptions};
pub(crate) use self::order::Order;
pub(crate) use self::raise::NotRaised;
pub(crate) use self::shown::limit;
use self::store::Counts;
pub(crate) use self::store::warn;
pub(crate) use self::stored::{Stored, StoredWhom};

/// The limits of one configuration of this gateway, and the exceptions from them.
///
/// Cheap to clone; clones share the counts and the exceptions, and so does whatever is [reconfigured](Self::reconfigured)
/// from it.
#[derive(Clone)]
pub(crate) struct Quotas {
    book: Book,
    counts: Counts,
    exceptions: Arc<Exceptions>,
    /// Who is told of budgets that come to their end.
    webhook: Option<Webhook>,
}

impl Quotas {
    /// The limits as they are configured, with counts of their own that nobody shares.
    pub(crate) fn new(config: &Config) -> Self {
        let counts = Counts::Memory(Arc::default());
        let layer = QuotaLayer::new(config.limits.clone()).store(counts.store());
        let book = Book::new(layer, config, None);
        Self { exceptions: Arc::new(Exceptions::new(book.clone())), book, counts, webhook: None }
    }

    /// Opens the counts. Nobody has an exception at run time until the rows are read.
    pub(crate) async fn open(config: &Config, dir: &StateDir, webhook: &Webhook) -> Result<Self, StartError> {
        let counts = Counts::open(config, dir).await?;
        let layer = QuotaLayer::new(config.limits.clone()).store(counts.store());
        #[cfg(feature = "tiktoken")]
        let layer = layer.tokenizer(attach_quota::Tiktoken::load());
        let book = Book::new(layer, config, Some(webhook));
        let (exceptions, webhook) = (Arc::new(Exceptions::new(book.clone())), webhook.clone());
        webhook.follow(config.alerts.as_ref());
        Ok(Self { exceptions, book, counts, webhook: Some(webhook) })
    }

    /// The limits of `config` on the same counts. Exceptions at run time are for these from [`enter`](Self::enter) on.
    pub(crate) fn reconfigured(&self, config: &Config) -> Self {
        let layer = self.book.layer.reconfigured(config.limits.clone());
        Self { book: Book::new(layer, config, self.webhook.as_ref()), ..self.clone() }
    }

    /// These limits, which `config` has, come into force.
    pub(crate) fn enter(&self, config: &Config) {
        self.exceptions.follow(self.book.clone());
        if let Some(webhook) = &self.webhook {
            webhook.follow(config.alerts.as_ref());
        }
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
        &self.book.layer
    }

    /// What the state has to be opened with.
    pub(crate) fn view(&self) -> (Table, Arc<dyn View>) {
        (Table::QUOTAS, Arc::clone(&self.exceptions) as Arc<dyn View>)
    }

    /// The limit of this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Limit> {
        self.book.find(id)
    }

    /// Whether the limit is still what it was when the exception was made.
    pub(crate) fn fits(&self, stored: &Stored) -> bool {
        self.book.fits(stored)
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas").field("layer", &self.book.layer).finish_non_exhaustive()
    }
}
