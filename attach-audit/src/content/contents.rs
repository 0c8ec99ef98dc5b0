use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attach_core::Exchange;
use http::Extensions;

use super::recording::Room;
use super::{Keep, Key, PeopleKeys};
use crate::metrics::ContentMetrics;

type Choose = dyn Fn(&Exchange, &Extensions) -> Keep + Send + Sync;

/// What is kept of requests' content; without [`keep`](Self::keep), digests.
#[derive(Clone)]
pub struct Contents {
    pub(super) key: Key,
    pub(super) limit: usize,
    pub(super) room: Room,
    pub(super) people: Option<Arc<PeopleKeys>>,
    truncated: Arc<AtomicU64>,
    metrics: ContentMetrics,
    choose: Option<Arc<Choose>>,
}

impl Contents {
    /// Bytes kept of each direction, unless set: 1 MiB.
    pub const LIMIT: usize = 1 << 20;
    /// Bytes that all requests on their way may take together, unless set: 64 MiB.
    pub const ROOM: usize = 64 << 20;

    /// Digests under `key`.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self {
            key,
            limit: Self::LIMIT,
            room: Room::of(Self::ROOM),
            people: None,
            truncated: Arc::default(),
            metrics: ContentMetrics::new(),
            choose: None,
        }
    }

    /// Decides, where a request is about to go upstream, what is kept of it. In the extensions are the
    /// [`Payload`](attach_core::Payload) and the [`Destination`](attach_core::Destination), if layers put them there.
    #[must_use]
    pub fn keep(self, choose: impl Fn(&Exchange, &Extensions) -> Keep + Send + Sync + 'static) -> Self {
        Self { choose: Some(Arc::new(choose)), ..self }
    }

    /// Whose keys texts are sealed to. Without them a request whose content is to be sealed is refused.
    #[must_use]
    pub fn people(self, people: PeopleKeys) -> Self {
        Self { people: Some(Arc::new(people)), ..self }
    }

    /// Sets how many bytes of each direction are kept; what is beyond is left out, and the record says so.
    #[must_use]
    pub fn limit(self, bytes: usize) -> Self {
        Self { limit: bytes, ..self }
    }

    /// Sets how many bytes of content all requests on their way may take together. Beyond that, texts are cut off,
    /// counted, and their records say so; requests go on.
    #[must_use]
    pub fn room(self, bytes: usize) -> Self {
        Self { room: Room::of(bytes), ..self }
    }

    /// How many requests so far had content that was not kept to its end.
    #[must_use]
    pub fn truncated(&self) -> u64 {
        self.truncated.load(Ordering::Relaxed)
    }

    pub(super) fn count_truncated(&self) {
        self.truncated.fetch_add(1, Ordering::Relaxed);
        self.metrics.truncated();
    }

    pub(super) fn chosen(&self, exchange: &Exchange, extensions: &Extensions) -> Keep {
        self.choose.as_ref().map_or(Keep::None, |choose| choose(exchange, extensions))
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("limit", &self.limit)
            .field("chosen", &self.choose.is_some())
            .field("sealed", &self.people.is_some())
            .finish_non_exhaustive()
    }
}
