use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::request::Parts;
use http::{Extensions, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::attribute;
use super::collection::Collection;
use super::discovery;
use super::error::ScimError;
use super::limits::ScimLimits;
use super::list::Asked;
use super::patch;
use super::reply::{reply, resource};
use super::store::{Store, replacement};
use super::stored::Stored;
use crate::endpoint::{Endpoint, status};
use crate::signals::desk::Signals;
use crate::signals::universal::bearer;
use crate::signals::{SignalCredential, SignalKind, SignalOutcome};

const KIND: SignalKind = SignalKind::Scim;

/// Provisioning by SCIM 2.0, under `/scim/v2` unless set.
///
/// Users and groups are stored as they are sent; a user grants nobody anything. `active: false`, in a PATCH, a PUT or
/// from the start, refuses whoever is called by the user's id, `externalId`, `userName` or one of the e-mail addresses,
/// as does DELETE; `active: true` lifts that, and nothing that anybody else refused. Both happen with the user's own
/// change or not at all.
#[derive(Debug)]
#[must_use]
pub struct Scim {
    signals: Signals,
    credentials: Arc<[SignalCredential]>,
    limits: ScimLimits,
    external_url: Box<str>,
    path: Box<str>,
}

impl Scim {
    /// Provisioning by whoever has one of `credentials`, each in its own directory.
    pub fn new(signals: Signals, credentials: Vec<SignalCredential>) -> Self {
        Self {
            signals,
            credentials: credentials.into(),
            limits: ScimLimits::default(),
            external_url: "".into(),
            path: "/scim/v2".into(),
        }
    }

    /// Replaces how much a directory may provision.
    pub fn limits(mut self, limits: ScimLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The URL under which the service is reached, without a path, for the places of resources. They are named by
    /// their paths unless it is set.
    pub fn external_url(mut self, url: &str) -> Self {
        self.external_url = url.trim_end_matches('/').into();
        self
    }

    /// Replaces the path.
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.trim_end_matches('/').into();
        self
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, ScimError> {
        let caller = self.caller(request)?;
        let path = request.uri().path().get(self.path.len()..).unwrap_or_default();
        let mut steps = path.split('/').filter(|step| !step.is_empty());
        let (Some(first), second, None) = (steps.next(), steps.next(), steps.next()) else {
            return Err(ScimError::not_found());
        };
        let Some(collection) = Collection::ALL.into_iter().find(|collection| collection.path() == first)
        else {
            return self.discover(request.method(), first, second);
        };
        let store = Store { signals: &self.signals, caller, collection, limits: self.limits };
        match second {
            None => self.whole(&store, request).await,
            Some(id) => self.one(&store, id, request).await,
        }
    }

    fn caller(&self, request: &Request<Bytes>) -> Result<&SignalCredential, ScimError> {
        let caller = self.known(request.headers(), request.extensions())?;
        caller.take().map_err(|wait| {
            self.signals.count(KIND, SignalOutcome::Throttled);
            ScimError::too_many(wait)
        })?;
        Ok(caller)
    }

    /// Whose secret is shown.
    fn known(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<&SignalCredential, ScimError> {
        let found = bearer(headers)
            .and_then(|secret| SignalCredential::find(&self.credentials, secret, self.signals.now()));
        found.ok_or_else(|| {
            let patience = self.signals.refuse(KIND, extensions, "credential");
            patience.map_or_else(ScimError::too_many, |()| ScimError::unauthorized())
        })
    }

    fn discover(
        &self,
        method: &Method,
        first: &str,
        second: Option<&str>,
    ) -> Result<Response<Bytes>, ScimError> {
        let base = self.base();
        let list = |all: Vec<Value>, id: Option<&str>| match id {
            None => Ok(page(all.len(), 0, &all)),
            Some(id) => {
                let one = all.into_iter().find(|one| one.get("id").and_then(Value::as_str) == Some(id));
                one.ok_or_else(ScimError::not_found)
            }
        };
        let body = match (first, second) {
            ("ServiceProviderConfig" | "ServiceProviderConfigs", None) => {
                discovery::service_provider_config(&base)
            }
            ("ResourceTypes", id) => {
                list(Collection::ALL.map(|one| discovery::resource_type(one, &base)).to_vec(), id)?
            }
            ("Schemas", id) => list(Collection::ALL.map(|one| discovery::schema(one, &base)).to_vec(), id)?,
            _ => return Err(ScimError::not_found()),
        };
        if method == Method::GET {
            Ok(reply(StatusCode::OK, &body))
        } else {
            Err(ScimError::method_not_allowed())
        }
    }

    /// A whole collection: looking for resources in it, and adding one.
    async fn whole(&self, store: &Store<'_>, request: &Request<Bytes>) -> Result<Response<Bytes>, ScimError> {
        let asked = Asked::parse(request.uri().query())?;
        if request.method() == Method::GET {
            return self.list(store, &asked);
        }
        if request.method() != Method::POST {
            return Err(ScimError::method_not_allowed());
        }
        let stored = store.create(attribute::object(request.body())?).await?;
        Ok(resource(StatusCode::CREATED, &self.shown(store, stored, &asked)))
    }

    fn list(&self, store: &Store<'_>, asked: &Asked) -> Result<Response<Bytes>, ScimError> {
        let (directory, provisioned) = (store.caller.directory(), self.signals.provisioned());
        let filter = asked.filter.as_deref();
        let ids = store.collection.ids(provisioned, self.signals.state(), directory, filter)?;
        let (skip, most) = asked.page();
        let there = ids.iter().skip(skip).take(most);
        // Whoever is deleted meanwhile is not shown.
        let shown = there.filter_map(|id| store.load(id).ok()).map(|stored| self.shown(store, stored, asked));
        Ok(reply(StatusCode::OK, &page(ids.len(), skip, &shown.collect::<Vec<_>>())))
    }

    async fn one(
        &self,
        store: &Store<'_>,
        id: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, ScimError> {
        let (headers, body) = (request.headers(), || attribute::object(request.body()));
        let asked = Asked::parse(request.uri().query())?;
        let stored = match *request.method() {
            Method::GET => store.load(id)?,
            Method::PUT => {
                let body = body()?;
                store.update(id, headers, |before| Ok(replacement(body.clone(), &before))).await?
            }
            Method::PATCH => {
                let body = body()?;
                let change = |mut object| patch::apply(&mut object, &body).map(|()| object);
                let stored = store.update(id, headers, change).await?;
                if store.collection == Collection::Groups {
                    // A group may be long, and nobody reads what they have just written.
                    return Ok(status(StatusCode::NO_CONTENT));
                }
                stored
            }
            Method::DELETE => {
                store.delete(id, headers).await?;
                return Ok(status(StatusCode::NO_CONTENT));
            }
            _ => return Err(ScimError::method_not_allowed()),
        };
        Ok(resource(StatusCode::OK, &self.shown(store, stored, &asked)))
    }

    fn shown(&self, store: &Store<'_>, stored: Stored, asked: &Asked) -> Value {
        asked.project(stored.shown(store.collection, &self.base()))
    }

    fn base(&self) -> String {
        format!("{}{}", self.external_url, self.path)
    }
}

/// One page of a list (RFC 7644 §3.4.2), of which `skip` were left out before.
fn page(total: usize, skip: usize, resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": skip + 1,
        "itemsPerPage": resources.len(),
        "Resources": resources
    })
}

impl Endpoint for Scim {
    fn owns(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&*self.path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        let known = self.known(&head.headers, &head.extensions);
        known.err().map(ScimError::into_response)
    }

    fn body_limit(&self, _: &str) -> usize {
        1 << 20
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(&request).await.unwrap_or_else(ScimError::into_response)
    }
}
