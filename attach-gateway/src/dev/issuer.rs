//! A development OpenID provider: its signing key is made at every start and never leaves the process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use attach_core::client::Client;
use attach_core::fetch::Fetch;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::AUDIENCE;
use super::serve::{Body, full, on_loopback};
use crate::config::ConfigError;

/// How long a development token is valid, in seconds.
const LIFETIME: u64 = 8 * 3600;

/// A person of the development directory: name, display name, groups.
const PEOPLE: [(&str, &str, &[&str]); 2] = [
    ("alice", "Alice Example", &["AI-Power-Users", "Engineering"]),
    ("bob", "Bob Example", &["Engineering"]),
];

/// The running development issuer.
pub(super) struct Issuer {
    url: String,
    signer: Arc<Signer>,
}

struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    pub(super) async fn start() -> std::io::Result<Self> {
        let signer = Arc::new(Signer::new().map_err(std::io::Error::other)?);
        let serving = Arc::clone(&signer);
        let addr = on_loopback(move |request, addr| {
            let signer = Arc::clone(&serving);
            async move { signer.answer(&request, addr) }
        })
        .await?;
        Ok(Self { url: url(addr), signer })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A token of `person`, who is one of [`PEOPLE`].
    pub(super) fn token(&self, person: &str) -> Option<String> {
        self.signer.token(&self.url, person)
    }
}

fn url(addr: SocketAddr) -> String {
    format!("http://{addr}")
}

impl Signer {
    fn new() -> Result<Self, &'static str> {
        let key =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "cannot make a key")?;
        Ok(Self { key, random: SystemRandom::new() })
    }

    fn answer(&self, request: &Request<Incoming>, addr: SocketAddr) -> Response<Body> {
        let issuer = url(addr);
        let found = match (request.method(), request.uri().path()) {
            (&Method::GET, "/.well-known/openid-configuration") => Some(discovery(&issuer).to_string()),
            (&Method::GET, "/keys") => Some(self.keys().to_string()),
            (&Method::POST, "/token") => request.uri().query().and_then(|person| self.token(&issuer, person)),
            _ => None,
        };
        let mut response = Response::new(full(found.clone().unwrap_or_default()));
        if found.is_none() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn keys(&self) -> serde_json::Value {
        // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "dev", "x": x, "y": y}]})
    }

    fn token(&self, issuer: &str, person: &str) -> Option<String> {
        let (name, display, groups) = PEOPLE.iter().find(|(name, ..)| *name == person)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "dev"});
        let claims = json!({
            "iss": issuer,
            "sub": name,
            "aud": AUDIENCE,
            "client_id": "attach-dev",
            "scope": "llm",
            "name": display,
            "email": format!("{name}@example.test"),
            "groups": groups,
            "amr": ["pwd"],
            "auth_time": now,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": format!("{name}-{now}"),
        });
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// OpenID Connect Discovery 1.0 §3, with a mark by which a production gateway refuses this issuer.
fn discovery(issuer: &str) -> serde_json::Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "attach_development_issuer": true,
    })
}

/// Asks a running development issuer for a token.
pub(super) async fn fetch_token(issuer: &str, person: &str) -> Result<String, ConfigError> {
    let wrong = |why: String| ConfigError::new(why);
    let request = Request::post(format!("{issuer}/token?{person}")).body(Bytes::new());
    let request = request.map_err(|_| wrong(format!("{person:?} is not a person's name")))?;
    let client = Client::new().map_err(|error| wrong(error.to_string()))?;
    let response = client.fetch(request).await.map_err(|error| {
        wrong(format!(
            "the development gateway does not answer ({error}); start it with `attach-gateway dev`"
        ))
    })?;
    if !response.status().is_success() {
        let people: Vec<_> = PEOPLE.iter().map(|(name, ..)| *name).collect();
        return Err(wrong(format!("{person:?} is not one of {}", people.join(", "))));
    }
    String::from_utf8(response.into_body().to_vec()).map_err(|_| wrong("the issuer answered nonsense".into()))
}
