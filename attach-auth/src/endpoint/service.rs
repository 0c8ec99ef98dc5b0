use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{BoxError, ResponseBody};
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::{Endpoint, status};
use crate::ResponseFuture;

/// The service of [`EndpointLayer`](super::EndpointLayer).
pub struct Endpoints<S, E> {
    inner: S,
    endpoint: Arc<E>,
    body_limit: usize,
}

impl<S, E> Endpoints<S, E> {
    pub(super) fn new(inner: S, endpoint: Arc<E>, body_limit: usize) -> Self {
        Self { inner, endpoint, body_limit }
    }
}

impl<S, E, B, R> Service<Request<B>> for Endpoints<S, E>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    E: Endpoint,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        if !self.endpoint.owns(request.uri().path()) {
            return ResponseFuture::new(
                async move { Ok(inner.call(request).await?.map(ResponseBody::inner)) },
            );
        }
        let (endpoint, limit) = (Arc::clone(&self.endpoint), self.body_limit);
        ResponseFuture::new(async move {
            let (parts, body) = request.into_parts();
            let mut response = match collect(body, limit).await {
                Ok(body) => endpoint.handle(Request::from_parts(parts, body)).await,
                Err(refused) => status(refused),
            };
            let headers = response.headers_mut();
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            Ok(response.map(ResponseBody::full))
        })
    }
}

async fn collect<B>(body: B, limit: usize) -> Result<Bytes, StatusCode>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    let mut collected = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        if collected.len() + data.len() > limit {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

impl<S: Clone, E> Clone for Endpoints<S, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), endpoint: Arc::clone(&self.endpoint), body_limit: self.body_limit }
    }
}

impl<S, E> fmt::Debug for Endpoints<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("body_limit", &self.body_limit).finish_non_exhaustive()
    }
}
