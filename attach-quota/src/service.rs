use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::body::metered as metered_body;
use attach_core::usage::Wire;
use attach_core::{Api, Body, BoxError, Destination, Exchange, Payload, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use crate::bill::Asked;
use crate::caller::Caller;
use crate::clamp::{self, Reserved, Wanted};
use crate::layer::Callers;
use crate::lease::Lease;
use crate::{QuotaLayer, ResponseFuture, headers, include_usage, refusal};

/// The service that [`QuotaLayer`] makes of another.
#[derive(Clone)]
pub struct Quota<S> {
    inner: S,
    // Shared: a service is cloned for every request, by each layer around it.
    layer: Arc<QuotaLayer>,
}

impl<S> Quota<S> {
    /// Puts `layer` around `inner`.
    pub fn new(inner: S, layer: QuotaLayer) -> Self {
        Self { inner, layer: Arc::new(layer) }
    }
}

impl<S> fmt::Debug for Quota<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Quota<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let fresh = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, fresh);
        let layer = Arc::clone(&self.layer);
        ResponseFuture::new(async move {
            let exchange = Exchange::of_request(&mut request);
            let (request, lease) = match layer.admit(request, &exchange).await {
                Ok(admitted) => admitted,
                Err(rejection) => return Ok(rejection.into_response(&exchange)),
            };
            let Some(mut lease) = lease else {
                return inner.call(request).await.map(|response| response.map(ResponseBody::inner));
            };
            let head = match inner.call(request).await {
                Ok(response) if response.body().is_end_stream() => {
                    follow(response, lease, &exchange).into_parts().0
                }
                Ok(response) => return Ok(follow(response, lease, &exchange)),
                Err(error) => {
                    lease.refund();
                    return Err(error);
                }
            };
            // It is all that the caller gets, and waits as a last frame would.
            if let Some(flushed) = layer.store.flushed() {
                flushed.await;
            }
            Ok(Response::from_parts(head, ResponseBody::default()))
        })
    }
}

impl QuotaLayer {
    /// The request as the inner service gets it, and what was reserved for it, if it is counted.
    async fn admit<B>(
        &self,
        request: Request<B>,
        exchange: &Exchange,
    ) -> Result<(Request<Body>, Option<Lease>), Rejection>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let caller = self.caller(&parts, exchange.identity());
        let request = Request::from_parts(parts, body);
        if self.limits.is_empty() {
            return Ok((request.map(Body::new), None));
        }
        let Some(caller) = caller else {
            self.unknown_caller(exchange)?;
            return Ok((request.map(Body::new), None));
        };
        match exchange.api().filter(|api| self.reads_body && api.is_inference()) {
            Some(api) => self.admit_call(request, api, &caller, exchange).await,
            None => {
                let destination = request.extensions().get::<Destination>().cloned();
                let destination = destination.as_ref();
                let asked = Asked { api: exchange.api(), destination, ..Asked::default() };
                let lease = self.reserve(&caller, exchange, asked).await?;
                Ok((request.map(Body::new), lease))
            }
        }
    }

    /// The same for a call whose body says what it will use.
    async fn admit_call<B>(
        &self,
        mut request: Request<B>,
        api: Api,
        caller: &Caller,
        exchange: &Exchange,
    ) -> Result<(Request<Body>, Option<Lease>), Rejection>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let destination = request.extensions().get::<Destination>().cloned();
        // Where the path was rewritten on the way, the exchange still knows.
        request.extensions_mut().get_or_insert(api);
        let (mut request, payload) = Payload::take(request, self.body_limit).await?;
        let call = payload.call();
        exchange.facts(|facts| {
            facts.model.get_or_insert_with(|| call.model.as_str().into());
            facts.stream |= call.stream;
        });
        let estimate = self.estimator.estimate(&payload, destination.as_ref());
        let asked = Asked {
            api: Some(api),
            call: Some(call),
            destination: destination.as_ref(),
            estimate: Some(estimate),
            wanted: Wanted::of(&payload, &self.limits, estimate.output),
        };
        let lease = self.reserve(caller, exchange, asked).await?;
        let mut lease = lease.map(|lease| lease.teaching(self.estimator.lesson(&payload)));
        if let Some(lease) = lease.as_mut().filter(|lease| lease.is_metered()) {
            self.adapt(&mut request, &payload, lease)?;
        }
        Ok((request, lease))
    }

    /// Makes the request such that what it uses fits, and can be told.
    fn adapt(
        &self,
        request: &mut Request<Body>,
        payload: &Payload,
        lease: &mut Lease,
    ) -> Result<(), Rejection> {
        let mut changed = None;
        if let Some(clamped) = &lease.clamped {
            let each = clamped.each;
            let destination = request.extensions().get::<Destination>();
            let lowered = clamp::lower(payload, clamped, destination);
            changed = Some(lowered.inspect_err(|_| lease.refund())?);
            lease.capped(each);
        }
        let latest = changed.as_ref().unwrap_or(payload);
        let ask = self.asks_for_usage.then(|| include_usage::ask(latest, request.headers(), self.body_limit));
        if let Some(edit) = ask.flatten() {
            changed = Some(latest.splice(&[edit]).inspect_err(|_| lease.refund())?);
            include_usage::plain_answer(request.headers_mut());
            lease.unasked = true;
        }
        if let Some(changed) = changed {
            changed.attach(request);
        }
        Ok(())
    }

    /// Health checks and the like pass where identities are used: they are no calls and there is nobody to charge.
    fn unknown_caller(&self, exchange: &Exchange) -> Result<(), Rejection> {
        match (&self.callers, exchange.api()) {
            (Callers::Identity, None) => Ok(()),
            (Callers::Identity, Some(_)) => {
                Err(Rejection::misconfigured("QuotaLayer found no Identity: put AuthLayer outside it"))
            }
            (Callers::Named(_), _) => {
                let message = "nothing in the request says who is calling";
                Err(Rejection::new(StatusCode::FORBIDDEN, "caller_unknown", message))
            }
        }
    }

    async fn reserve(
        &self,
        caller: &Caller,
        exchange: &Exchange,
        asked: Asked<'_>,
    ) -> Result<Option<Lease>, Rejection> {
        let Reserved { charges, clamped } = self.book_charges(caller, exchange, asked).await?;
        if charges.is_empty() {
            return Ok(None);
        }
        refusal::note_closest(exchange, &charges);
        let (store, prices) = (Arc::clone(&self.store), self.prices.clone());
        let lease = Lease::new(store, prices, exchange.clone(), charges, asked.estimate);
        let mut lease = lease.counting(self.metrics.clone());
        lease.usage_wanted(asked.call.is_some_and(|call| call.include_usage));
        lease.clamped = clamped;
        Ok(Some(lease))
    }
}

/// The answer with its headers, under the lease as long as it runs.
fn follow<R>(mut response: Response<R>, mut lease: Lease, exchange: &Exchange) -> Response<ResponseBody<R>>
where
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    headers::remove_foreign(&mut response, exchange);
    headers::write(response.headers_mut(), exchange.dialect(), lease.charges(), None);
    if let Some(clamped) = &lease.clamped {
        clamped.write(response.headers_mut());
    }
    let metered = lease.is_metered() && response.status().is_success();
    if let Some(api) = exchange.api().filter(|_| metered) {
        let wire = Wire::of(response.headers());
        let response = metered_body(response, api, exchange);
        if wire.is_none() {
            lease.blindfold(api);
        }
        let response = if lease.unasked { include_usage::take_out(response, exchange) } else { response };
        // A body whose length was announced cannot end before it.
        let length = http_body::Body::size_hint(response.body()).exact();
        if wire.is_some_and(|wire| wire != Wire::Json) && length.is_none() {
            lease.cut_when_due(api);
        }
        return response.map(|body| body.gated(lease, exchange));
    }
    if lease.is_metered() {
        lease.refund();
    } else {
        lease.conclude();
    }
    if lease.holds_a_place() || lease.is_late() {
        return response.map(|body| ResponseBody::inner(body).gated(lease, exchange));
    }
    response.map(ResponseBody::inner)
}
