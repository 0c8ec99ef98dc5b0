use std::time::Duration;

use attach_core::identity::Limits;
use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, Problem, caller, json, key, read};
use crate::endpoint::Endpoint;
use crate::keys::handle::may_manage;
use crate::keys::{Keys, NewKey};

const PATH: &str = "/attach/v1/keys";

/// A caller's own keys: `POST` and `GET` [`/attach/v1/keys`](Self::PATH), `DELETE` of one below it.
///
/// Needs to know the caller: it goes inside an [`AuthLayer`](crate::AuthLayer). Keys manage no keys.
#[derive(Debug, Clone)]
pub struct OwnKeys(Keys);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: Box<str>,
    /// Seconds.
    expires_in: u64,
    groups: Option<Vec<Box<str>>>,
    scopes: Option<Vec<Box<str>>>,
    #[serde(default)]
    models: Vec<Box<str>>,
    #[serde(default)]
    apis: Vec<Box<str>>,
}

impl OwnKeys {
    /// Where it answers.
    pub const PATH: &str = PATH;

    /// Over `keys`.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Answer, Problem> {
        let owner = caller(&request)?;
        may_manage(&owner)?;
        let path = request.uri().path();
        let id = path.strip_prefix(PATH).unwrap_or_default().trim_start_matches('/').to_owned();
        let keys = &self.0;
        match (request.method(), &*id) {
            (&Method::GET, "") => {
                let list: Vec<Value> = keys.list(&owner).iter().map(|one| key(one).into()).collect();
                Ok(json(StatusCode::OK, &serde_json::json!({ "keys": list })))
            }
            (&Method::POST, "") => {
                let body: Body = read(request.headers(), request.body())?;
                let (minted, secret) = keys.mint(&owner, body.into()).await?;
                let mut value = key(&minted);
                value.insert("secret".to_owned(), secret.reveal().into());
                let mut answer = json(StatusCode::CREATED, &value.into());
                if let Ok(location) = HeaderValue::try_from(format!("{PATH}/{}", minted.id)) {
                    answer.headers_mut().insert(LOCATION, location);
                }
                Ok(answer)
            }
            (_, "") => Err(Problem::not_allowed("GET, POST")),
            (&Method::DELETE, id) => {
                keys.revoke(&owner, id).await?;
                Ok(crate::endpoint::status(StatusCode::NO_CONTENT))
            }
            (_, id) if id.contains('/') => Err(Problem::not_found()),
            _ => Err(Problem::not_allowed("DELETE")),
        }
    }
}

impl From<Body> for NewKey {
    fn from(body: Body) -> Self {
        let mut new = Self::new(&body.name, Duration::from_secs(body.expires_in));
        (new.groups, new.scopes) = (body.groups, body.scopes);
        new.limits(Limits::new(body.models, body.apis))
    }
}

impl Endpoint for OwnKeys {
    fn owns(&self, path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(request).await.unwrap_or_else(Problem::into_answer)
    }
}
