//! Who is calling: `AuthLayer` with tokens of an OpenID Connect provider, on an axum route.
//!
//! ```sh
//! OIDC_ISSUER=https://dev-123456.okta.com/oauth2/default OIDC_AUD=api://default AUTH_BACKEND=okta \
//!   cargo run -p attach-examples --example auth_axum
//! curl -i http://127.0.0.1:3000/whoami -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! Without `AUTH_BACKEND` the provider is a generic one. A token that is not good is answered 401 with the reason's
//! code; while the provider cannot be reached, 503.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier, Preset};
use attach_core::Identity;
use attach_core::client::Client;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

async fn whoami(Extension(caller): Extension<Arc<Identity>>) -> Json<Value> {
    let groups: Vec<_> = caller.groups.iter().map(|group| &*group.name).collect();
    Json(json!({
        "directory": &*caller.directory,
        "id": &*caller.id,
        "kind": caller.kind.as_str(),
        "groups": groups,
        "scopes": caller.scopes,
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let preset: Preset = std::env::var("AUTH_BACKEND").as_deref().unwrap_or("generic").parse()?;
    let issuer = IssuerConfig::new(preset, &std::env::var("OIDC_ISSUER")?, [std::env::var("OIDC_AUD")?])?;
    let verifier = OidcVerifier::new(vec![issuer], Arc::new(Client::new()?))?;

    // The provider's keys: once now, then as they get old.
    verifier.refresh().await;
    let keeper = verifier.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            keeper.refresh().await;
        }
    });

    let app = Router::new().route("/whoami", get(whoami)).layer(AuthLayer::new(verifier));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000/whoami");
    axum::serve(listener, app).await?;
    Ok(())
}
