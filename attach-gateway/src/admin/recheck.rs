use attach_auth::Revocations;
use attach_auth::endpoint::Endpoint;
use attach_core::{Exchange, Identity};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use std::sync::Arc;

use super::answer::{complete, problem};

/// Asks once more, when the whole body is there, whether the caller may go on: a body can be kept open for longer than
/// its sender keeps the right to send it.
#[derive(Debug)]
pub(crate) struct Recheck<E> {
    pub(crate) endpoint: E,
    pub(crate) revocations: Revocations,
}

impl<E: Endpoint> Endpoint for Recheck<E> {
    fn owns(&self, path: &str) -> bool {
        self.endpoint.owns(path)
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        self.endpoint.refuse(head)
    }

    fn body_limit(&self, path: &str) -> usize {
        self.endpoint.body_limit(path)
    }

    async fn handle(&self, mut request: Request<Bytes>) -> Response<Bytes> {
        let exchange = Exchange::of_request(&mut request);
        let caller = request.extensions().get::<Arc<Identity>>();
        let answer = if caller.is_none_or(|caller| self.revocations.refuses(caller)) {
            problem(StatusCode::UNAUTHORIZED, "the caller has lost the right to go on")
        } else {
            self.endpoint.handle(request).await
        };
        complete(answer, &exchange)
    }
}
