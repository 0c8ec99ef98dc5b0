use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{BoxError, PassFuture, ResponseBody};
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::layer::Bounds;
use super::{Endpoint, EndpointLayer, status};

/// The service of [`EndpointLayer`](super::EndpointLayer).
pub struct Endpoints<S, E> {
    inner: S,
    layer: EndpointLayer<E>,
}

impl<S, E> Endpoints<S, E> {
    pub(super) fn new(inner: S, layer: EndpointLayer<E>) -> Self {
        Self { inner, layer }
    }
}

impl<S, E, B, R> Service<Request<B>> for Endpoints<S, E>
where
    S: Service<Request<B>, Response = Response<R>>,
    E: Endpoint,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = PassFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !self.layer.endpoint.owns(request.uri().path()) {
            return PassFuture::inner(self.inner.call(request));
        }
        let (endpoint, bounds) = (Arc::clone(&self.layer.endpoint), self.layer.bounds.clone());
        PassFuture::own(async move {
            let (parts, body) = request.into_parts();
            let limit = endpoint.body_limit(parts.uri.path());
            let mut response = match endpoint.refuse(&parts) {
                Some(refused) => refused,
                None => match read(body, limit, &bounds).await {
                    Ok(body) => endpoint.handle(Request::from_parts(parts, body)).await,
                    Err(refused) => status(refused),
                },
            };
            let headers = response.headers_mut();
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            Ok(response.map(ResponseBody::full))
        })
    }
}

/// The body, if there is room for it and it comes in time.
async fn read<B: Body<Data = Bytes>>(body: B, limit: usize, bounds: &Bounds) -> Result<Bytes, StatusCode> {
    let _slot = bounds.slots.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let Some(timer) = &bounds.deadline else { return collect(body, limit).await };
    let (mut late, mut whole) = (timer(), pin!(collect(body, limit)));
    poll_fn(|cx| match whole.as_mut().poll(cx) {
        Poll::Ready(read) => Poll::Ready(read),
        Poll::Pending => late.as_mut().poll(cx).map(|()| Err(StatusCode::REQUEST_TIMEOUT)),
    })
    .await
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
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, E> fmt::Debug for Endpoints<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}
