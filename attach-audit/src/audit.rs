use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use attach_core::Rejection;
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::refusals::Refusals;
use crate::sink::{Ack, Slot};
use crate::spoken::Packer;
use crate::{AuditLayer, IntentLayer, Kind, Mode, Record, Sink};

/// An audit trail: one sink, and the two layers that feed it.
///
/// Clones share the trail. [`layer`](Self::layer) goes outermost; [`intent_layer`](Self::intent_layer) innermost,
/// where everything is known about a request that is about to go upstream.
#[derive(Clone)]
pub struct Audit {
    mode: Mode,
    exempt: Arc<HashSet<Box<str>>>,
    shared: Arc<Shared>,
    /// The digest of the configuration that records are made under, if not the one in force.
    config: Option<Arc<str>>,
    /// Who looks at content, if anybody does.
    pub(crate) packer: Option<Arc<Packer>>,
}

/// What every request and every clone shares.
pub(crate) struct Shared {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) refusals: Refusals,
    slots: Arc<Semaphore>,
}

impl Audit {
    /// How many requests may be between their beginning and their durable record, unless set.
    pub const SLOTS: usize = 16_384;

    /// A trail to `sink`, in [`Mode::Strict`].
    pub fn new(sink: impl Sink) -> Self {
        let sink: Arc<dyn Sink> = Arc::new(sink);
        let shared = Shared {
            refusals: Refusals::new(Arc::clone(&sink)),
            slots: Arc::new(Semaphore::new(Self::SLOTS)),
            sink,
        };
        Self {
            mode: Mode::default(),
            exempt: Arc::default(),
            shared: Arc::new(shared),
            config: None,
            packer: None,
        }
    }

    /// Sets when a record has to be durable.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Bounds how many requests may be between their beginning and their durable record. One more is refused with
    /// 503 `audit_unavailable`.
    #[must_use]
    pub fn slots(self, slots: usize) -> Self {
        let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
        let Shared { sink, refusals, .. } = &*self.shared;
        let shared = Shared { sink: Arc::clone(sink), refusals: refusals.clone(), slots };
        Self { shared: Arc::new(shared), ..self }
    }

    /// Paths (exact, without a query) that are answered without a record: liveness, readiness, metrics, published
    /// metadata. Keep the list short and written down.
    #[must_use]
    pub fn exempt<P: Into<Box<str>>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        Self { exempt: Arc::new(paths.into_iter().map(Into::into).collect()), ..self }
    }

    /// Names the configuration, by its digest, that the records of this clone's layers are made under: a request's
    /// records name the one it began under, whatever has come into force when it ends.
    #[must_use]
    pub fn under(self, config_hash: impl Into<Arc<str>>) -> Self {
        Self { config: Some(config_hash.into()), ..self }
    }

    /// From now on the configuration with this digest is in force: the log's own records name it, and those of clones
    /// that name [no other](Self::under).
    pub fn configured(&self, config_hash: &str) {
        self.shared.sink.configured(config_hash);
    }

    /// The outer half: opens the [`Exchange`](attach_core::Exchange), catches panics, writes how it ended.
    #[must_use]
    pub fn layer(&self) -> AuditLayer {
        AuditLayer::new(self.clone())
    }

    /// The inner half: writes what is about to be done before it is done.
    #[must_use]
    pub fn intent_layer(&self) -> IntentLayer {
        IntentLayer::new(self.clone())
    }

    /// Writes what is still being counted and a `stop` record, and waits until they are durable.
    ///
    /// To be called when no request is running any more; one that comes later is refused.
    pub async fn close(&self) {
        #[cfg(feature = "content")]
        if let Some(packer) = &self.packer {
            packer.idle().await;
        }
        self.shared.refusals.flush();
        let (ack, receipt) = Ack::awaited(None);
        self.shared.sink.close(&Record::system(Kind::Stop, |stop| stop.mode = Some(self.mode)), ack);
        if let Err(error) = receipt.await {
            tracing::error!(error = %error.0, "the audit log did not take its stop record");
        }
    }

    /// Whether records are taken: while they are not, requests are refused.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared().sink.is_ready()
    }

    pub(crate) fn when(&self) -> Mode {
        self.mode
    }

    pub(crate) fn config(&self) -> Option<&Arc<str>> {
        self.config.as_ref()
    }

    pub(crate) fn is_exempt(&self, path: &str) -> bool {
        self.exempt.contains(path)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    /// A place in the queue, if there is one.
    pub(crate) fn slot(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }
}

/// The answer when there can be no record.
pub(crate) fn unavailable() -> Rejection {
    let message = "the request cannot be recorded at the moment, so it is not served";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message).with_retry_after(1)
}

/// The code of [`unavailable`].
pub(crate) const UNAVAILABLE: &str = "audit_unavailable";

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("mode", &self.mode)
            .field("exempt", &self.exempt)
            .finish_non_exhaustive()
    }
}
