use std::sync::Arc;

use attach_audit::Audit;
use attach_auth::endpoint::Endpoint;
use attach_core::Identity;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::answer::{Refused, json_answer};
use super::query::Query;

/// Where it is.
pub(super) const PATH: &str = "/admin/v1/content";

/// `DELETE` destroys the key of a person, so that nobody can read what was sealed of theirs on this node.
#[derive(Debug)]
pub(super) struct ContentAdmin(pub(super) Audit);

impl ContentAdmin {
    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Refused> {
        if *request.method() != Method::DELETE {
            return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "DELETE erases"));
        }
        let query = Query::of(request.uri());
        query.knows(&["directory", "user"])?;
        let (Some(directory), Some(user)) = (query.one("directory")?, query.one("user")?) else {
            return Err(Refused::bad_request("say whose: ?directory=…&user=…"));
        };
        let actor = request.extensions().get::<Arc<Identity>>().cloned();
        let actor =
            actor.ok_or_else(|| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "no administrator"))?;
        let erased = self.0.erase_content(&actor.id, directory, user).await;
        let erased = erased.map_err(|why| Refused::new(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()))?;
        Ok(json_answer(StatusCode::OK, &json!({"erased": erased})))
    }
}

impl Endpoint for ContentAdmin {
    fn owns(&self, path: &str) -> bool {
        path == PATH
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(&request).await.unwrap_or_else(Refused::into_answer)
    }
}
