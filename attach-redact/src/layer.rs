use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Destination;
use tower_layer::Layer;

use crate::budget::Budget;
use crate::{Offload, Redact, Redactor};

/// Redacts the calls that leave the perimeter and restores their answers.
///
/// Where a call goes is read from the [`Destination`](attach_core::Destination) in the request's extensions; without
/// one, it leaves. A call whose whole destination is trusted passes untouched, and so does a request that is none of
/// the known [`Api`](attach_core::Api)s, unless [`any_json`](Self::any_json) says otherwise.
///
/// Requests have to reach the layer before they are translated or compressed, and answers as the upstream's dialect is
/// the caller's.
///
/// ```
/// use attach_redact::{RedactLayer, Redactor};
/// use tower::ServiceBuilder;
///
/// let layer = RedactLayer::new(Redactor::with_defaults()?).body_limit(1 << 20);
/// let service = ServiceBuilder::new().layer(layer).service(tower::service_fn(
///     |request: http::Request<attach_core::Body>| async move {
///         Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
///     },
/// ));
/// # let _ = service;
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedactLayer {
    redactor: Redactor,
    body_limit: usize,
    offload: Option<Arc<dyn Offload>>,
    other: Other,
    budget: Option<Duration>,
}

/// What happens to requests that are none of the known APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Pass,
    Json { pass_rest: bool },
}

impl RedactLayer {
    /// The largest request body that is accepted unless set: 4 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 4 << 20;

    /// How long a request may be looked at unless set here or in the [redactor](crate::Builder::budget): a second.
    pub const DEFAULT_BUDGET: Duration = Duration::from_secs(1);

    /// A layer that redacts with `redactor`.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            body_limit: Self::DEFAULT_BODY_LIMIT,
            offload: None,
            other: Other::Pass,
            budget: None,
        }
    }

    /// The largest request body that is accepted, in bytes; a larger one is refused with 413.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// How long all texts of one request may be looked at. A request that takes longer is refused with 503
    /// `redaction_failed`; nothing of it is forwarded. Time in a queue, or for [inspectors](crate::Inspect), which have
    /// deadlines of their own, does not count.
    pub fn budget(self, limit: Duration) -> Self {
        Self { budget: Some(limit), ..self }
    }

    /// Where bodies of more than 64 KiB are worked on, and all if a recognizer [is slow](crate::Recognize::is_slow); without this, on the thread that polls the request.
    pub fn offload(self, offload: impl Offload) -> Self {
        Self { offload: Some(Arc::new(offload)), ..self }
    }

    /// Requests that are none of the known APIs are redacted, too, instead of passing untouched: every string of a
    /// JSON body, as [`Redactor::json`] does, and the answer is restored if it is JSON, server-sent events or lines of
    /// JSON. Of a stream whose form nobody knows, placeholders are restored that stand in one event as a whole.
    ///
    /// A body of another media type is refused with 415, an encoded one as well, and JSON that is not strict with
    /// 400. So is, with 422, a file in a `data:` URL, unless the redactor [permits](crate::Builder::uninspectable) it.
    /// Requests without a body pass; the path and headers are not looked at.
    pub fn any_json(self) -> Self {
        Self { other: Other::Json { pass_rest: false }, ..self }
    }

    /// Whether bodies that are not JSON leave unseen where [`any_json`](Self::any_json) is on; refused unless set.
    pub fn pass_other(self, on: bool) -> Self {
        Self { other: Other::Json { pass_rest: on }, ..self }
    }
}

impl RedactLayer {
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn limit(&self) -> usize {
        self.body_limit
    }

    /// The layer for a call that goes to `destination`; `None` if nothing is done with it.
    pub(crate) fn toward(&self, destination: Option<&Destination>) -> Option<Self> {
        let redactor = self.redactor.toward(destination)?;
        Some(Self { redactor, ..self.clone() })
    }

    pub(crate) fn passes_other_apis(&self) -> bool {
        self.other == Other::Pass
    }

    pub(crate) fn passes_other_media(&self) -> bool {
        self.other == Other::Json { pass_rest: true }
    }

    pub(crate) fn budget_of_one(&self) -> Budget {
        let set = self.redactor.budget();
        self.budget.map_or_else(|| set.or(Self::DEFAULT_BUDGET), |limit| set.with(limit))
    }

    pub(crate) fn elsewhere(&self) -> Option<&Arc<dyn Offload>> {
        self.offload.as_ref()
    }
}

impl fmt::Debug for RedactLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactLayer")
            .field("redactor", &self.redactor)
            .field("body_limit", &self.body_limit)
            .field("offload", &self.offload.is_some())
            .finish()
    }
}

impl<S> Layer<S> for RedactLayer {
    type Service = Redact<S>;

    fn layer(&self, inner: S) -> Redact<S> {
        Redact::with(inner, self.clone())
    }
}
