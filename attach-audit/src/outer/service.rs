use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{BoxError, ResponseBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{CatchPanic, ResponseFuture};
use crate::Audit;
use crate::trail::{Ticket, Trail};

/// A service whose every answer is on record; made by [`AuditLayer`](crate::AuditLayer).
#[derive(Debug, Clone)]
pub struct Audited<S> {
    inner: S,
    audit: Arc<Audit>,
}

impl<S> Audited<S> {
    /// Puts `inner` on record in `audit`.
    pub fn new(inner: S, audit: Audit) -> Self {
        Self { inner, audit: Arc::new(audit) }
    }
}

impl<S, B, R> Service<Request<B>> for Audited<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<CatchPanic<R>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if request.extensions().get::<Ticket>().is_some() {
            // Under another audit layer, which writes the record: two for one request would be one too many.
            return ResponseFuture::unwatched(self.inner.call(request));
        }
        if self.audit.is_exempt(request.uri().path()) {
            request.extensions_mut().insert(Ticket::Exempt);
            return ResponseFuture::unwatched(self.inner.call(request));
        }
        let trail = match Trail::begin(&self.audit, &mut request) {
            (_, Ok(trail)) => trail,
            (exchange, Err(refusal)) => return ResponseFuture::answered(refusal.into_response(&exchange)),
        };
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(inner) => ResponseFuture::watched(inner, trail),
            Err(_) => ResponseFuture::panicked(trail),
        }
    }
}
