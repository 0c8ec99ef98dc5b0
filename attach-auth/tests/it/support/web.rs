use std::sync::Arc;

use attach_auth::{AuthLayer, Authenticate};
use attach_core::Identity;
use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// What a caller saw.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn challenge(&self) -> &str {
        self.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap_or("?"))
    }

    /// The code in an error of OpenAI's shape.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends `request` to a service behind an [`AuthLayer`] that says who called and which headers it saw.
pub(crate) async fn ask(authenticator: impl Authenticate, request: Request<Body>) -> Answer {
    let layer = AuthLayer::new(authenticator)
        .realm("gw")
        .resource_metadata("https://gw/.well-known/oauth-protected-resource");
    let router = Router::new().fallback(any(who)).layer(layer);
    let response = router.oneshot(request).await.expect("is infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// `GET /v1/models` with a token.
pub(crate) async fn get(authenticator: impl Authenticate, token: &str) -> Answer {
    let request = Request::get("/v1/models").header("authorization", format!("Bearer {token}"));
    ask(authenticator, request.body(Body::empty()).expect("a request")).await
}

async fn who(request: Request<Body>) -> String {
    let identity = request.extensions().get::<Arc<Identity>>().expect("an identity");
    let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    format!("{}/{} {}", identity.directory, identity.id, names.join(","))
}
