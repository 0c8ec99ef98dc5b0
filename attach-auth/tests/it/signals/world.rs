use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use attach_auth::endpoint::{Endpoint, EndpointLayer};
use attach_auth::revocation::{FactIndex, Revocations};
use attach_auth::signals::{
    BackchannelLogout, Provisioned, Scim, ScimLimits, SecurityEvents, SignalCredential, SignalIssuer,
    SignalSecret, Signals, UniversalLogout,
};
use attach_auth::state::{
    Backend, Batch, Change, CommitError, Feed, Lost, Memory, Snapshot, State, Table, View,
};
use attach_auth::{
    AuthLayer, Authenticate, Credential, Denial, Event, IssuerConfig, OidcVerifier, Preset, Unwitnessed,
    Witness,
};
use attach_core::{Fetch, Identity};
use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Answer, Signer, TestFetch};

/// Secrets of two directories.
pub(crate) const ACME: &str = "4f0c2a7be91d58360f6d7a1bc03e9285";
pub(crate) const PARTNER: &str = "b7315d0e8c6a94f2215e7fd09a3b86c4";

/// Who signs Acme's tokens, who Acme's signals, and who everything of another organisation's.
pub(crate) const TOKENS: &str = "https://acme.okta.test/oauth2/default";
pub(crate) const ORG: &str = "https://acme.okta.test";
pub(crate) const OTHER: &str = "https://partner.test";
pub(crate) const EXTERNAL: &str = "https://llm.acme.test";

/// A service behind every signal there is.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) signals: Signals,
    pub(crate) revocations: Revocations,
    pub(crate) backend: Flaky,
    pub(crate) witness: Watcher,
    pub(crate) tokens: Signer,
    pub(crate) org: Signer,
    pub(crate) other: Signer,
}

/// Rows that can be made impossible to write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flaky {
    memory: Memory,
    pub(crate) broken: Arc<AtomicBool>,
}

impl Backend for Flaky {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        self.memory.load()
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        if self.broken.load(Ordering::SeqCst) {
            return Box::pin(async { Err(CommitError::Unavailable("the disk is full".into())) });
        }
        self.memory.commit(changes)
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        self.memory.follow(after)
    }

    fn is_watched(&self) -> bool {
        false
    }
}

/// Keeps events, unless it is told not to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watcher {
    pub(crate) events: Arc<std::sync::Mutex<Vec<Event>>>,
    pub(crate) blind: Arc<AtomicBool>,
}

impl Watcher {
    pub(crate) fn seen(&self) -> Vec<Event> {
        self.events.lock().expect("no panic").clone()
    }
}

impl Witness for Watcher {
    fn witness(
        &self,
        event: Event,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Unwitnessed>> + Send>> {
        let (blind, events) = (self.blind.load(Ordering::SeqCst), Arc::clone(&self.events));
        Box::pin(async move {
            if blind {
                return Err(Unwitnessed::default());
            }
            events.lock().expect("no panic").push(event);
            Ok(())
        })
    }
}

/// A verifier that asks the facts.
pub(crate) struct Held(pub(crate) OidcVerifier, pub(crate) Revocations);

impl Authenticate for Held {
    async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        let identity = self.0.verify(credential.token()).await?;
        self.1.check(&identity)?;
        Ok(identity)
    }
}

/// An issuer of a directory, with the keys of `signer`.
pub(crate) fn issuer(preset: Preset, issuer: &str, directory: &str, signer: &Signer) -> IssuerConfig {
    let config = IssuerConfig::new(preset, issuer, [AUDIENCE.to_owned()]).expect("an issuer");
    config.directory(directory).jwks(Signer::set(&[signer]).as_bytes()).expect("keys")
}

fn credential(name: &str, directory: &str, secret: &str) -> SignalCredential {
    SignalCredential::new(name, directory, SignalSecret::of_text(secret).expect("a good secret"))
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(ScimLimits::default()).await
    }

    pub(crate) async fn with(limits: ScimLimits) -> Self {
        let [tokens, org, other] = ["t", "o", "p"].map(Signer::es256);
        let fetch: Arc<dyn Fetch> = Arc::new(TestFetch::default());
        let configs = vec![
            issuer(Preset::Okta, TOKENS, "acme", &tokens),
            issuer(Preset::Generic, OTHER, "partner", &other),
        ];
        let verifier = OidcVerifier::new(configs, Arc::clone(&fetch)).expect("a verifier");
        let org_config = issuer(Preset::Okta, ORG, "acme", &org);
        let org_issuer = SignalIssuer::new(org_config, Arc::clone(&fetch));
        let other_issuer = SignalIssuer::new(issuer(Preset::Generic, OTHER, "partner", &other), fetch);

        let (backend, witness) = (Flaky::default(), Watcher::default());
        let (signals, revocations) = Self::signals(&backend, &witness).await;
        let scim = Scim::new(
            signals.clone(),
            vec![credential("okta", "acme", ACME), credential("entra", "partner", PARTNER)],
        )
        .limits(limits)
        .external_url(EXTERNAL);
        let logout =
            BackchannelLogout::new(signals.clone(), verifier.clone(), ["web-app"]).issuer(org_issuer.clone());
        let universal = UniversalLogout::new(signals.clone(), EXTERNAL)
            .expect("a URL")
            .trust(org_issuer.clone(), "0oa-llm")
            .trust(other_issuer.clone(), "their-client");
        let events = SecurityEvents::new(signals.clone(), [EXTERNAL])
            .transmitter(org_issuer)
            .transmitter(other_issuer);
        let held = Held(verifier, revocations.clone());
        let address = serve(held, (scim, (logout, (universal, events)))).await;
        Self { address, signals, revocations, backend, witness, tokens, org, other }
    }

    pub(crate) async fn signals(backend: &Flaky, witness: &Watcher) -> (Signals, Revocations) {
        let (facts, provisioned) = (FactIndex::new(), Provisioned::new());
        let mut views: Vec<(Table, Arc<dyn View>)> = vec![(Table::FACTS, Arc::new(facts.clone()))];
        views.extend(provisioned.views());
        let state = State::open(backend.clone(), views).await.expect("a state");
        let running = state.clone();
        tokio::spawn(async move { running.run(tokio::time::sleep).await });
        let revocations = Revocations::new(state, facts);
        let signals = Signals::new(revocations.clone(), provisioned, Arc::new(witness.clone()));
        (signals, revocations)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        send(self.address, method, path, headers, body.into()).await
    }

    /// A SCIM request of the directory whose secret it is.
    pub(crate) async fn scim(&self, secret: &str, method: Method, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {secret}");
        let headers = [("authorization", &*authorization), ("content-type", "application/scim+json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/scim/v2{path}"), &headers, body).await
    }

    /// Acme provisions a user and gets the id.
    pub(crate) async fn provision(&self, user: Value) -> String {
        let answer = self.scim(ACME, Method::POST, "/Users", &user).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        json_of(&answer)["id"].as_str().expect("an id").to_owned()
    }

    /// A token of Acme's authorization server, issued a moment ago.
    pub(crate) fn token(&self, uid: &str, login: &str) -> String {
        self.token_issued(uid, login, now() - 5)
    }

    pub(crate) fn token_issued(&self, uid: &str, login: &str, iat: u64) -> String {
        let claims = json!({"iss": TOKENS, "aud": AUDIENCE, "sub": login, "uid": uid, "cid": "0oa1", "scp": ["llm"],
            "sid": "session-1", "iat": iat, "exp": iat + 600});
        self.tokens.token(&claims)
    }

    /// A token of the other organisation's.
    pub(crate) fn their_token(&self, sub: &str) -> String {
        let claims = json!({"iss": OTHER, "aud": AUDIENCE, "sub": sub, "client_id": "c", "iat": now() - 5,
            "exp": now() + 600});
        self.other.token(&claims)
    }

    /// The status of a call with `token`.
    pub(crate) async fn call(&self, token: &str) -> u16 {
        call(self.address, token).await
    }
}

/// A service that callers are let into as `held` has it, behind `endpoint`.
pub(crate) async fn serve(held: Held, endpoint: impl Endpoint) -> SocketAddr {
    let router = Router::new()
        .fallback(any(|| async { "in" }))
        .layer(AuthLayer::new(held))
        .layer(EndpointLayer::new(endpoint));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The status of a call with `token`.
pub(crate) async fn call(address: SocketAddr, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    send(address, Method::GET, "/v1/models", &[("authorization", &authorization)], Bytes::new()).await.status
}

async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = request.body(Full::new(body)).expect("a request");
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}
