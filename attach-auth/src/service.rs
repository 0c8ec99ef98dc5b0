use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{BoxError, Exchange, Identity, ResponseBody};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::delegation::Asserted;
use crate::layer::Settings;
use crate::{AuthLayer, Authenticate, Credential, Denial, ResponseFuture, headers};

/// The service of [`AuthLayer`].
pub struct Auth<S, A> {
    inner: S,
    authenticator: Arc<A>,
    settings: Arc<Settings>,
}

impl<S, A> Auth<S, A> {
    /// `inner` behind `authenticator`.
    pub fn new(inner: S, authenticator: A) -> Self {
        tower_layer::Layer::layer(&AuthLayer::new(authenticator), inner)
    }

    /// A layer that makes this service.
    pub fn layer(authenticator: A) -> AuthLayer<A> {
        AuthLayer::new(authenticator)
    }

    pub(crate) fn with(inner: S, authenticator: Arc<A>, settings: Arc<Settings>) -> Self {
        Self { inner, authenticator, settings }
    }
}

impl<S, A, B, R> Service<Request<B>> for Auth<S, A>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    A: Authenticate,
    B: Send + 'static,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
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
        let (authenticator, settings) = (Arc::clone(&self.authenticator), Arc::clone(&self.settings));
        let (mut parts, body) = request.into_parts();
        ResponseFuture::new(async move {
            let exchange = Exchange::of(&mut parts);
            match identify(&*authenticator, &settings, &mut parts, &exchange).await {
                Ok(identity) => {
                    let response = inner.call(Request::from_parts(parts, body)).await?;
                    Ok(settings.standing.hold(response, identity, &exchange, &settings.challenge))
                }
                Err(denial) => Ok(denial.into_rejection(&settings.challenge).into_response(&exchange)),
            }
        })
    }
}

/// Takes the credential out of the request and puts in who showed it, if they may still come in.
async fn identify<A: Authenticate>(
    authenticator: &A,
    settings: &Settings,
    parts: &mut Parts,
    exchange: &Exchange,
) -> Result<Arc<Identity>, Denial> {
    let credential = Credential::of(parts);
    let asserted = Asserted::of(settings.delegation.as_deref(), parts);
    headers::clean(&mut parts.headers, settings.keep_credential);
    let identity = match credential {
        Ok(credential) => authenticator.authenticate(&credential, parts).await?,
        Err(denial) if denial.is_nothing_shown() => authenticator.connected(parts).ok_or(denial)?,
        Err(denial) => return Err(denial),
    };
    let identity = asserted.resolve(identity, authenticator, parts, exchange).await?;
    exchange.identify(Arc::clone(&identity));
    parts.extensions.insert(Arc::clone(&identity));
    // What a policy further inside refuses names the same realm.
    parts.extensions.insert(Arc::clone(&settings.challenge));
    settings.standing.check(&identity)?;
    Ok(identity)
}

impl<S: Clone, A> Clone for Auth<S, A> {
    fn clone(&self) -> Self {
        Self::with(self.inner.clone(), Arc::clone(&self.authenticator), Arc::clone(&self.settings))
    }
}

impl<S, A> fmt::Debug for Auth<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("settings", &self.settings).finish_non_exhaustive()
    }
}
