//! Who leaves is refused with the next request: SCIM provisioning in front of an axum route, one node, no provider.
//!
//! ```sh
//! cargo run -p attach-examples --example leavers
//! ```
//!
//! A real service puts `OidcVerifier` where `Names` is, opens `state::Sqlite` or `state::Redis` instead of
//! `state::Memory`, and listens.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use attach_auth::endpoint::EndpointLayer;
use attach_auth::revocation::{FactIndex, Revocations};
use attach_auth::signals::{Provisioned, Scim, SignalCredential, SignalSecret, Signals};
use attach_auth::state::{Memory, State, Table, View};
use attach_auth::{AuthLayer, Authenticate, Credential, Denial, LogWitness};
use attach_core::Identity;
use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "4f0c2a7be91d58360f6d7a1bc03e9285";

/// Believes whatever name it is shown. Never in production.
struct Names;

impl Authenticate for Names {
    async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        Ok(Arc::new(Identity::person("acme", credential.token())))
    }
}

async fn whoami(Extension(caller): Extension<Arc<Identity>>) -> String {
    format!("hello {}", caller.id)
}

async fn service() -> Result<Router, Box<dyn Error>> {
    let (facts, provisioned) = (FactIndex::new(), Provisioned::new());
    let mut views: Vec<(Table, Arc<dyn View>)> = vec![(Table::FACTS, Arc::new(facts.clone()))];
    views.extend(provisioned.views());
    let state = State::open(Memory::new(), views).await?;
    let follower = state.clone();
    tokio::spawn(async move { follower.run(async |time: Duration| tokio::time::sleep(time).await).await });

    let revocations = Revocations::new(state, facts);
    let signals = Signals::new(revocations.clone(), provisioned, Arc::new(LogWitness::default()));
    let okta = SignalCredential::new("okta", "acme", SignalSecret::of_text(SECRET)?);
    Ok(Router::new()
        .route("/whoami", get(whoami))
        .layer(AuthLayer::new(Names).revocations(revocations))
        .layer(EndpointLayer::new(Scim::new(signals, vec![okta]))))
}

async fn call(
    service: &Router,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Result<Value, Box<dyn Error>> {
    let request =
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    let request =
        request.header("content-type", "application/scim+json").body(Body::from(body.to_string()))?;
    let response = service.clone().oneshot(request).await?;
    println!("{method} {path} -> {}", response.status());
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = service().await?;
    call(&service, "GET", "/whoami", "bob", &Value::Null).await?;

    println!("\nthe directory provisions bob, and deactivates him:");
    let bob = json!({"userName": "bob", "active": true});
    let id = call(&service, "POST", "/scim/v2/Users", SECRET, &bob).await?["id"].clone();
    let path = format!("/scim/v2/Users/{}", id.as_str().ok_or("no id")?);
    let off = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": false}}],
    });
    call(&service, "PATCH", &path, SECRET, &off).await?;

    println!();
    let refused = call(&service, "GET", "/whoami", "bob", &Value::Null).await?;
    println!("{refused}");
    call(&service, "GET", "/whoami", "alice", &Value::Null).await?;
    Ok(())
}
