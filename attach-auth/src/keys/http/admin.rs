use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answer, Problem, caller, json as answer, key_of};
use crate::endpoint::{Endpoint, status};
use crate::keys::Keys;

const PATH: &str = "/admin/v1/keys";

/// Everybody's keys, for administrators: `GET` [`/admin/v1/keys`](Self::PATH), `DELETE` of one below it.
///
/// Whoever gets here is an administrator: who may is decided outside, where the caller is made known as well.
#[derive(Debug, Clone)]
pub struct AdminKeys(Keys);

impl AdminKeys {
    /// Where it answers.
    pub const PATH: &str = PATH;

    /// Over `keys`.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Answer, Problem> {
        let actor = caller(&request)?;
        let id = request.uri().path().strip_prefix(PATH).unwrap_or_default().trim_start_matches('/');
        match (request.method(), id) {
            (&Method::GET, "") => {
                let list: Vec<Value> = self.0.list_all().iter().map(|one| key_of(one).into()).collect();
                Ok(answer(StatusCode::OK, &json!({ "keys": list })))
            }
            (_, "") => Err(Problem::not_allowed("GET")),
            (&Method::DELETE, id) => {
                self.0.revoke_any(&actor.id, id).await?;
                Ok(status(StatusCode::NO_CONTENT))
            }
            _ => Err(Problem::not_allowed("DELETE")),
        }
    }
}

impl Endpoint for AdminKeys {
    fn owns(&self, path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(request).await.unwrap_or_else(Problem::into_answer)
    }
}
