use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::answer::{Answer, Problem, json as answer};
use super::form;
use crate::endpoint::{Endpoint, has_type, status};
use crate::keys::{Keys, Secret};

const PATH: &str = "/attach/v1/revoke";

/// Token revocation for gateway keys (RFC 7009) at [`/attach/v1/revoke`](Self::PATH).
///
/// The key is its own proof: whoever found one may end it, so this goes outside an
/// [`AuthLayer`](crate::AuthLayer). Tokens of an identity provider are revoked at the provider.
#[derive(Debug, Clone)]
pub struct KeyRevocation(Keys);

impl KeyRevocation {
    /// Where it answers.
    pub const PATH: &str = PATH;

    /// Over `keys`.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    async fn revoke(&self, request: &Request<Bytes>) -> Answer {
        let is_form = has_type(request.headers(), "application/x-www-form-urlencoded");
        let form = form::parse(request.body()).filter(|_| is_form);
        let Some(token) = form.and_then(|mut form| form.remove("token")).filter(|token| !token.is_empty())
        else {
            return error(StatusCode::BAD_REQUEST, "invalid_request");
        };
        if !Secret::looks_like(&token) {
            // 200 would make somebody believe that a token of the provider's is worthless now.
            return error(StatusCode::BAD_REQUEST, "unsupported_token_type");
        }
        let done = match Secret::parse(&token) {
            Some(secret) => self.0.give_up(&secret).await.map(drop),
            None => Ok(()),
        };
        match done {
            Ok(()) => status(StatusCode::OK),
            Err(_) => {
                let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                answer
            }
        }
    }
}

fn error(status: StatusCode, code: &str) -> Answer {
    answer(status, &json!({ "error": code }))
}

impl Endpoint for KeyRevocation {
    fn owns(&self, path: &str) -> bool {
        path == PATH
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match *request.method() {
            Method::POST => self.revoke(&request).await,
            _ => Problem::not_allowed("POST").into_answer(),
        }
    }
}
