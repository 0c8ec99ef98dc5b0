use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::json::{Document, Edit};
use attach_core::{Body, BoxError, Destination, Exchange, Payload, Rejection, ResponseBody, ResponseFuture};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use http::{Request, Response};
use tower_service::Service;

use crate::judge::Judge;
use crate::request::Prepared;
use crate::vault::Vault;
use crate::{RedactLayer, Redactor, any_json, restore, steps};

/// The service of [`RedactLayer`](crate::RedactLayer).
#[derive(Debug, Clone)]
pub struct Redact<S> {
    inner: S,
    layer: Arc<RedactLayer>,
}

impl<S> Redact<S> {
    /// Puts `inner` behind `redactor`.
    #[must_use]
    pub fn new(inner: S, redactor: Redactor) -> Self {
        Self::with(inner, RedactLayer::new(redactor))
    }

    pub(crate) fn with(inner: S, layer: RedactLayer) -> Self {
        Self { inner, layer: Arc::new(layer) }
    }
}

impl<S, B, R> Service<Request<B>> for Redact<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = Exchange::of_request(&mut request);
        let judge = Judge::of(self.layer.redactor(), &exchange);
        let layer = self.layer.toward(request.extensions().get::<Destination>());
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let known = exchange.api().is_some();
        let Some(layer) = layer.filter(|layer| known || !layer.passes_other_apis()) else {
            return pass(inner, request, judge, exchange);
        };
        ResponseFuture::new(async move {
            let (mut request, vault) = match redact(&layer, request, &exchange).await {
                Ok(redacted) => redacted,
                Err(rejection) => return Ok(rejection.into_response(&exchange)),
            };
            if !vault.is_empty() || judge.is_some() {
                // Nobody could look into an encoded answer.
                request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            let response = inner.call(request).await?;
            Ok(restore::response(response, vault, judge, &exchange).await)
        })
    }
}

/// The answer to a request that stays as it is.
fn pass<S, B, R>(
    mut inner: S,
    request: Request<B>,
    judge: Option<Judge>,
    exchange: Exchange,
) -> ResponseFuture<R, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut request = request.map(Body::new);
    if judge.is_some() {
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let answer = inner.call(request);
    ResponseFuture::new(async move {
        Ok(match judge {
            None => answer.await?.map(ResponseBody::inner),
            Some(judge) => restore::response(answer.await?, Vault::none(), Some(judge), &exchange).await,
        })
    })
}

/// The request without what was found in it, and what it takes to restore the answer.
async fn redact<B>(
    layer: &RedactLayer,
    request: Request<B>,
    exchange: &Exchange,
) -> Result<(Request<Body>, Vault), Rejection>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if exchange.api().is_none() {
        return any_json::redact(layer, request, exchange).await;
    }
    let (mut request, payload) = Payload::take(request, layer.limit()).await?;
    let (size, taken) = (payload.bytes().len(), payload.clone());
    let prepare = move |redactor: &Redactor| Prepared::of(redactor, &taken);
    let splice = move |_: &Document, edits: &[Edit]| payload.splice(edits);
    let (payload, vault) = steps::redact(layer, exchange, size, prepare, splice).await?;
    payload.attach(&mut request);
    Ok((request, vault))
}
