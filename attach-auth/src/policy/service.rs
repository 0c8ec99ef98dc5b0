use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{Body, BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::layer::Settings;
use super::{Policy, PolicyLayer, body, header};
use crate::ResponseFuture;
use crate::challenge::Challenge;

/// The service of [`PolicyLayer`].
pub struct Access<S, P> {
    inner: S,
    policy: Arc<P>,
    settings: Settings,
}

impl<S, P> Access<S, P> {
    /// `inner` behind `policy`.
    pub fn new(inner: S, policy: P) -> Self {
        tower_layer::Layer::layer(&PolicyLayer::new(policy), inner)
    }

    /// A layer that makes this service.
    pub fn layer(policy: P) -> PolicyLayer<P> {
        PolicyLayer::new(policy)
    }

    pub(super) fn with(inner: S, policy: Arc<P>, settings: Settings) -> Self {
        Self { inner, policy, settings }
    }
}

impl<S, P, B, R> Service<Request<B>> for Access<S, P>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    P: Policy,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (policy, settings) = (Arc::clone(&self.policy), self.settings);
        ResponseFuture::new(async move {
            let exchange = Exchange::of_request(&mut request);
            let challenge = request.extensions().get::<Arc<Challenge>>().cloned();
            let mut response = match body::decide(&*policy, request, settings, &exchange).await {
                Ok(request) => inner.call(request).await?.map(ResponseBody::inner),
                Err(rejection) => challenged(rejection, challenge.as_deref()).into_response(&exchange),
            };
            if settings.decision_header {
                header::add(response.headers_mut(), &exchange);
            }
            Ok(response)
        })
    }
}

/// Where the caller showed a token, what that is not enough for is said in the terms of tokens (RFC 6750 §3.1).
fn challenged(rejection: Rejection, challenge: Option<&Challenge>) -> Rejection {
    match challenge {
        Some(challenge) if rejection.status() == StatusCode::FORBIDDEN => {
            let text = challenge.insufficient(rejection.code(), None);
            rejection.with_challenge(&text)
        }
        _ => rejection,
    }
}

impl<S: Clone, P> Clone for Access<S, P> {
    fn clone(&self) -> Self {
        Self::with(self.inner.clone(), Arc::clone(&self.policy), self.settings)
    }
}

impl<S, P> fmt::Debug for Access<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("settings", &self.settings).finish_non_exhaustive()
    }
}
