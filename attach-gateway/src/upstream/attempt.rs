//! One call of one upstream, and what comes of it.

use attach_core::fetch::error_chain;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::place::Place;
use crate::telemetry::Attempt;
use crate::translate::Plan;

/// Why a call brought no answer.
pub(super) enum Miss {
    /// Nothing was sent.
    Connect(Box<str>),
    /// Something may have been sent.
    Broke(Box<str>),
    Timeout,
}

/// What an answer says about its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does its work, whatever it thinks of this call.
    Well,
    /// It refused the call before it did anything, because it has too many (429, or Anthropic's 529).
    Overloaded,
    /// It failed and may have done something: another one may be asked.
    Failed,
    /// It failed in a way that others may share.
    Other,
}

impl Standing {
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            429 | 529 => Self::Overloaded,
            500 | 502..=504 => Self::Failed,
            500.. => Self::Other,
            _ => Self::Well,
        }
    }
}

pub(super) async fn send(
    place: &Place,
    plan: &Plan,
    mut headers: HeaderMap,
    (attempt, from): (&mut Attempt, &HeaderMap),
) -> Result<Response<Incoming>, Miss> {
    attempt.propagate(&mut headers, &place.upstream, from);
    let uri = place.uri(plan.operation(), plan.model());
    let uri = uri.ok_or_else(|| Miss::Broke("no such operation".into()))?;
    let mut request = Request::new(plan.body());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    // An answer that is not streamed begins when it is finished.
    let timeouts = &place.upstream.timeouts;
    let limit = if plan.is_streamed() { timeouts.first_byte } else { timeouts.total };
    let answer = tokio::time::timeout(limit, place.ask(request, plan.dialect()));
    match answer.await {
        Err(_) => {
            attempt.failed("timeout");
            Err(Miss::Timeout)
        }
        Ok(Ok(response)) => {
            attempt.answered(response.status());
            Ok(response)
        }
        Ok(Err(error)) if error.is_connect() => {
            attempt.failed("connect");
            Err(Miss::Connect(error_chain(&error).into()))
        }
        Ok(Err(error)) => {
            attempt.failed("broke");
            Err(Miss::Broke(error_chain(&error).into()))
        }
    }
}
