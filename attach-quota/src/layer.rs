use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use attach_core::Identity;
use http::request::Parts;
use tower_layer::Layer;

use crate::alerts::{Alert, Alerts};
use crate::bill::Book;
use crate::caller::Caller;
use crate::clock::SharedClock;
use crate::estimate::{Estimator, Tokenizer};
use crate::fair;
use crate::limit::Limit;
use crate::metrics::Metrics;
use crate::store::{MemoryStore, Store};
use crate::{Clock, Overrides, Prices, Quota, SystemClock};

/// The largest body that is read unless [`QuotaLayer::body_limit`] says otherwise: 4 MiB.
const BODY_LIMIT: usize = 4 << 20;

/// Holds callers to their limits.
///
/// Every limit that is for a call applies to it, and all must allow it. Clones share their counts.
#[derive(Clone)]
#[must_use]
pub struct QuotaLayer {
    pub(crate) limits: Arc<[Arc<Limit>]>,
    pub(crate) overrides: Overrides,
    pub(crate) prices: Prices,
    pub(crate) estimator: Estimator,
    pub(crate) metrics: Metrics,
    pub(crate) reads_body: bool,
    pub(crate) asks_for_usage: bool,
    pub(crate) callers: Callers,
    pub(crate) alerts: Option<Alerts>,
    pub(crate) store: Arc<dyn Store>,
    /// Whether a judge of fair shares stands before the store.
    pub(crate) judged: bool,
    pub(crate) body_limit: usize,
}

/// How the caller is told.
#[derive(Clone)]
pub(crate) enum Callers {
    Identity,
    Named(Arc<Name>),
}

type Name = dyn Fn(&Parts) -> Option<Arc<str>> + Send + Sync;

impl QuotaLayer {
    /// Limits on the verified caller, whom a layer further out has put into the exchange or the extensions. A call
    /// without an [`Identity`] is refused with 500 `layer_misconfigured`, never counted for nobody.
    ///
    /// Ids are unique; a second limit of an id is renamed, and a warning says so.
    pub fn new(limits: Vec<Limit>) -> Self {
        Self::with(limits, Callers::Identity)
    }

    /// Limits on whoever `key` says is calling, for a service without identities. It may read headers, the peer and
    /// whatever else is in the request's extensions; a request of which it says `None` is refused with 403
    /// `caller_unknown`. Limits for particular groups, users or clients apply to nobody then.
    ///
    /// ```
    /// use attach_core::Peer;
    /// use attach_quota::{Limit, QuotaLayer, Rate};
    ///
    /// let limits = vec![Limit::requests("per-address", Rate::per_minute(100))];
    /// let layer = QuotaLayer::by(limits, |parts| Some(parts.extensions.get::<Peer>()?.addr.ip().to_string()));
    /// ```
    pub fn by<F, K>(limits: Vec<Limit>, key: F) -> Self
    where
        F: Fn(&Parts) -> Option<K> + Send + Sync + 'static,
        K: Into<Arc<str>>,
    {
        Self::with(limits, Callers::Named(Arc::new(move |parts| key(parts).map(Into::into))))
    }

    fn with(limits: Vec<Limit>, callers: Callers) -> Self {
        let limits = in_order(limits);
        let judged = fair::is_wanted(&limits);
        let store = fair::before(MemoryStore::new(), &limits, SharedClock::new(SystemClock::default()));
        Self {
            reads_body: limits.iter().any(|limit| limit.reads_body()),
            metrics: Metrics::new(&limits),
            asks_for_usage: true,
            limits,
            overrides: Overrides::new(),
            prices: Prices::new(),
            estimator: Estimator::default(),
            callers,
            alerts: None,
            store,
            judged,
            body_limit: BODY_LIMIT,
        }
    }

    /// What models cost, for limits on money.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Exceptions for people and groups; they may change while the layer works.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Calls `tell` when a budget has been used up to one of these shares, in hundredths (1 to 100). It is called while a
    /// request waits: it hands the word to somebody else and returns. Set once more, as on a layer that was
    /// [reconfigured](Self::reconfigured), it tells nothing that was told already.
    pub fn alerts(
        mut self,
        at: impl IntoIterator<Item = u8>,
        tell: impl Fn(Alert) + Send + Sync + 'static,
    ) -> Self {
        self.alerts = Some(Alerts::new(self.alerts.as_ref(), at, tell));
        self
    }

    /// Tells nobody, as at first.
    pub fn without_alerts(mut self) -> Self {
        self.alerts = None;
        self
    }

    /// Counts the tokens of what callers send, for the estimates; four bytes are taken for a token unless set.
    pub fn tokenizer(mut self, tokenizer: impl Tokenizer) -> Self {
        self.estimator = self.estimator.with_tokenizer(tokenizer);
        self
    }

    /// The largest body that is read, in bytes; more is refused with 413. 4 MiB unless set.
    ///
    /// A body is read only for a known operation and only if a limit counts tokens or money, or is for some models.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Leaves `stream_options` as the caller wrote them, for upstreams that refuse the field.
    ///
    /// Otherwise, where a limit counts tokens or money, a stream of OpenAI's chat completions or completions is made to
    /// report its usage (`include_usage`); the caller sees of it only what they asked for. Without the report the output is
    /// our own count.
    pub fn leave_stream_options(mut self) -> Self {
        self.asks_for_usage = false;
        self
    }

    /// Counts in memory on `clock`, which is what tests want. It takes the place of an earlier
    /// [`store`](Self::store).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock = SharedClock::new(clock);
        self.judged = fair::is_wanted(&self.limits);
        self.store = fair::before(MemoryStore::on(clock.clone()), &self.limits, clock);
        self
    }

    /// Counts in `store`; in memory unless set.
    pub fn store(mut self, store: impl Store) -> Self {
        self.judged = fair::is_wanted(&self.limits);
        self.store = fair::before(store, &self.limits, SharedClock::new(SystemClock::default()));
        self
    }

    /// Forgets callers whose buckets are full, which a service may do from a timer, once a minute or so.
    ///
    /// Without it memory stays within twice what was in use at its busiest.
    pub fn sweep(&self) {
        self.store.sweep();
        if let Some(buckets) = self.store.buckets() {
            self.metrics.buckets(buckets);
        }
    }

    /// The limits in force, in the order in which they are tried.
    #[must_use]
    pub fn limits(&self) -> impl ExactSizeIterator<Item = &Limit> {
        self.limits.iter().map(|limit| &**limit)
    }

    pub(crate) fn book(&self) -> Book<'_> {
        Book { limits: &self.limits, overrides: &self.overrides, prices: &self.prices }
    }

    /// Who calls, if that is known.
    pub(crate) fn caller(&self, parts: &Parts, known: Option<&Arc<Identity>>) -> Option<Caller> {
        match &self.callers {
            Callers::Named(name) => name(parts).map(Caller::Named),
            Callers::Identity => {
                let shared = || parts.extensions.get::<Arc<Identity>>();
                let plain = || parts.extensions.get::<Identity>();
                let known = known.or_else(shared).map(Arc::clone);
                known.or_else(|| plain().cloned().map(Arc::new)).map(Caller::Known)
            }
        }
    }
}

/// What few share is tried before what many share, so that somebody who is refused takes nothing from the many
/// even for a moment.
pub(crate) fn in_order(mut limits: Vec<Limit>) -> Arc<[Arc<Limit>]> {
    limits.sort_by_key(|limit| limit.scope().breadth());
    let mut seen = HashSet::new();
    let unique = |limit: Limit| {
        let taken = |id: &str| seen.contains(id);
        let limit = match (2..).map(|n| format!("{}-{n}", limit.id())).find(|id| !taken(id)) {
            Some(id) if taken(limit.id()) => {
                tracing::warn!(limit = limit.id(), renamed = id, "two limits have one id");
                limit.renamed(id)
            }
            _ => limit,
        };
        seen.insert(limit.id().to_owned());
        Arc::new(limit.settled())
    };
    limits.into_iter().map(unique).collect()
}

impl<S> Layer<S> for QuotaLayer {
    type Service = Quota<S>;

    fn layer(&self, inner: S) -> Quota<S> {
        Quota::new(inner, self.clone())
    }
}

impl fmt::Debug for QuotaLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuotaLayer")
            .field("limits", &self.limits)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}
