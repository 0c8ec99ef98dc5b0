//! The models a caller may use, in the shape each dialect's clients expect.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_auth::policy::{self, Ask, Policy};
use attach_core::call::ModelName;
use attach_core::{Destination, Dialect, Exchange, Identity, Peer, Rejection, ResponseBody};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, Service};

use super::answering::Answering;
use super::me::{Me, not_allowed};
use super::route::Route;
use crate::resolve::{Directory, Listed, listing};

/// Answers `GET /v1/models`, `/v1/models/{id}`, `/v1/attach/me`, `/api/tags`, `/api/ps` and `/api/version`.
#[derive(Clone)]
pub(crate) struct CatalogLayer {
    upstreams: Arc<Directory>,
    policy: Arc<dyn Policy>,
    me: Me,
}

impl CatalogLayer {
    pub(crate) fn new(upstreams: Arc<Directory>, policy: Arc<dyn Policy>, me: Me) -> Self {
        Self { upstreams, policy, me }
    }

    async fn answer(
        &self,
        route: Route,
        exchange: &Exchange,
        peer: Option<&Peer>,
    ) -> Result<Value, Rejection> {
        let identity = exchange.identity().ok_or_else(|| Rejection::misconfigured("no identity"))?;
        match route {
            Route::Version => Ok(json!({"version": env!("CARGO_PKG_VERSION")})),
            // What a server has in memory tells what others ask; whoever asks for it is told of nothing.
            Route::Running => Ok(json!({"models": []})),
            Route::Models(dialect) => {
                let listed = self.listed(dialect, identity, peer).await?;
                Ok(shape(dialect, listed))
            }
            Route::Model(dialect, name) => {
                let listed = self.listed(dialect, identity, peer).await?;
                let meant = ModelName::canonical_of(&name);
                let one = listed.into_iter().find(|one| ModelName::canonical_of(&one.name) == meant);
                one.map(|one| entry(dialect, one)).ok_or_else(unknown)
            }
            Route::Me(method) => match not_allowed(&method) {
                Some(refused) => Err(refused),
                None => {
                    let may_use = |name: &str| self.may_see(Dialect::OpenAi, identity, peer, name);
                    Ok(self.me.answer(identity, &self.upstreams, may_use).await)
                }
            },
            Route::Keys => Err(no_keys()),
            Route::Call(_) => Err(Rejection::misconfigured("a call reached the catalog")),
        }
    }

    async fn listed(
        &self,
        dialect: Dialect,
        identity: &Identity,
        peer: Option<&Peer>,
    ) -> Result<Vec<Listed>, Rejection> {
        let mut listed = listing(&self.upstreams, dialect).await?;
        listed.retain(|one| self.may_see(dialect, identity, peer, &one.name));
        Ok(listed)
    }

    fn may_see(&self, dialect: Dialect, identity: &Identity, peer: Option<&Peer>, name: &str) -> bool {
        let ask = Ask::model(identity, ModelName::canonical_of(name)).with_peer(peer);
        self.may_use(ask, &self.upstreams.anywhere(dialect, name))
    }

    /// Somewhere, now or after signing in again: who never sees a model never finds out how to get at it.
    fn may_use(&self, ask: Ask<'_>, destination: &Destination) -> bool {
        destination.candidates().iter().any(|candidate| {
            let verdict = policy::decide(&*self.policy, &ask.with_candidate(Some(candidate)));
            verdict.is_allowed() || verdict.step_up.is_some()
        })
    }
}

fn no_keys() -> Rejection {
    let message = "this gateway has no keys of its own";
    Rejection::new(StatusCode::NOT_FOUND, "not_found", message)
}

fn unknown() -> Rejection {
    let message = "this model does not exist or is not available to you";
    Rejection::new(StatusCode::NOT_FOUND, "model_not_available", message)
}

fn shape(dialect: Dialect, listed: Vec<Listed>) -> Value {
    let ends = listed
        .first()
        .zip(listed.last())
        .map(|(first, last)| (first.name.to_string(), last.name.to_string()));
    let entries: Vec<_> = listed.into_iter().map(|one| entry(dialect, one)).collect();
    match dialect {
        Dialect::Ollama => json!({"models": entries}),
        Dialect::Anthropic => {
            let (first, last) = ends.unzip();
            json!({"data": entries, "has_more": false, "first_id": first, "last_id": last})
        }
        Dialect::OpenAi | Dialect::Problem => json!({"object": "list", "data": entries}),
        _ => json!({"data": entries}),
    }
}

/// The upstream's own entry where it speaks the dialect, else one with what is known.
fn entry(dialect: Dialect, one: Listed) -> Value {
    if let Some((native, value)) = one.native
        && native == dialect
    {
        return value;
    }
    match dialect {
        Dialect::Ollama => json!({
            "name": &*one.name,
            "model": &*one.name,
            "modified_at": "1970-01-01T00:00:00Z",
            "size": 0,
            "digest": "",
            "details": {"format": "", "family": "", "families": null, "parameter_size": "", "quantization_level": ""},
        }),
        Dialect::Anthropic => json!({
            "type": "model",
            "id": &*one.name,
            "display_name": &*one.name,
            "created_at": "1970-01-01T00:00:00Z",
        }),
        _ => json!({"id": &*one.name, "object": "model", "created": 0, "owned_by": "attach"}),
    }
}

impl<S> Layer<S> for CatalogLayer {
    type Service = Catalog<S>;

    fn layer(&self, inner: S) -> Catalog<S> {
        Catalog { inner, layer: Arc::new(self.clone()) }
    }
}

/// The service of [`CatalogLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Catalog<S> {
    inner: S,
    layer: Arc<CatalogLayer>,
}

impl<S, B, R> Service<Request<B>> for Catalog<S>
where
    S: Service<Request<B>, Response = Response<ResponseBody<R>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match request.extensions_mut().remove::<Route>() {
            None | Some(Route::Call(_)) => Answering::inner(self.inner.call(request)),
            Some(route) => {
                let layer = Arc::clone(&self.layer);
                let exchange = Exchange::of_request(&mut request);
                let peer = request.extensions_mut().remove::<Peer>();
                Answering::later(async move {
                    Ok(match layer.answer(route, &exchange, peer.as_ref()).await {
                        Ok(value) => respond(&value),
                        Err(rejection) => rejection.into_response(&exchange),
                    })
                })
            }
        }
    }
}

fn respond<R>(value: &Value) -> Response<ResponseBody<R>> {
    let mut response = Response::new(ResponseBody::full(Bytes::from(value.to_string())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Debug for CatalogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogLayer").finish_non_exhaustive()
    }
}
