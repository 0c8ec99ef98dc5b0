use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_auth::endpoint::EndpointLayer;
use attach_auth::keys::{
    AdminKeys, AdminServices, KeyIndex, KeyRevocation, KeySettings, Keys, OwnKeys, Services, WithKeys,
};
use attach_auth::policy::{Rule, Rules};
use attach_auth::revocation::{FactIndex, Revocations};
use attach_auth::state::{Backend, Batch, Change, CommitError, Feed, Lost, Memory, Snapshot, State, Table};
use attach_auth::{AuthLayer, Clock, Event, OidcVerifier, PolicyLayer, Unwitnessed, Witness};
use attach_core::{Fetch, Identity, Peer};
use axum::Router;
use axum::body::Body;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::util::MapRequestLayer;

use crate::support::{Signer, TestFetch, claims_with, config};

/// What several nodes share, and what tests look into.
#[derive(Clone)]
pub(super) struct World {
    pub(super) store: Store,
    pub(super) clock: Shifted,
    pub(super) events: Events,
    pub(super) settings: KeySettings,
    signer: Signer,
}

/// One node: its sockets and its handles.
pub(super) struct Node {
    pub(super) keys: Keys,
    pub(super) services: Services,
    pub(super) revocations: Revocations,
    data: SocketAddr,
    admin: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What a client saw.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) json: Value,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(KeySettings::new())
    }

    pub(super) fn with(settings: KeySettings) -> Self {
        Self {
            store: Store::default(),
            clock: Shifted::default(),
            events: Events::default(),
            settings,
            signer: Signer::ed25519("k"),
        }
    }

    /// A token of `sub` in these groups, issued now.
    pub(super) fn token(&self, sub: &str, groups: &[&str]) -> String {
        self.token_with(json!({"sub": sub, "groups": groups}))
    }

    pub(super) fn token_with(&self, changes: Value) -> String {
        let now = self.clock.seconds();
        let mut claims = claims_with(json!({"iat": now, "exp": now + 600, "acr": "phr", "amr": ["hwk"]}));
        let fresh = claims.as_object_mut().expect("an object");
        fresh.extend(changes.as_object().expect("an object").clone());
        self.signer.token(&claims)
    }

    pub(super) async fn node(&self) -> Node {
        let (index, facts) = (KeyIndex::new(), FactIndex::new());
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let views = vec![
            (Table::KEYS, Arc::new(index.clone()) as Arc<dyn attach_auth::state::View>),
            (Table::FACTS, Arc::new(facts.clone())),
        ];
        let state = State::with_clock(self.store.clone(), views, Arc::clone(&clock)).await.expect("the rows");
        let running = state.clone();
        tokio::spawn(async move { running.run(tokio::time::sleep).await });
        let revocations = Revocations::new(state.clone(), facts);
        let keys = Keys::new(state, index, self.settings.clone())
            .witness(Arc::new(self.events.clone()))
            .revocations(revocations.clone())
            .owner_groups(Arc::new(|_: &str, group: &str| (group == "ghosts").then_some(false)))
            .clock(clock);
        let services = Services::new(keys.clone());
        Node {
            data: serve(self.data(keys.clone())).await,
            admin: serve(admin(&keys, &services)).await,
            client: Client::builder(TokioExecutor::new()).build_http(),
            keys,
            services,
            revocations,
        }
    }

    fn data(&self, keys: Keys) -> Router {
        let config = config().jwks(Signer::set(&[&self.signer]).as_bytes()).expect("a key set");
        let fetch: Arc<dyn Fetch> = Arc::new(TestFetch::default());
        let verifier = OidcVerifier::with_clock(vec![config], fetch, Arc::new(self.clock.clone()));
        let rules = Rules::deny_by_default()
            .deny(Rule::new("leavers").groups(["leavers"]))
            .and_then(|rules| rules.allow(Rule::new("all")))
            .expect("rules");
        Router::new()
            .fallback(any(who))
            .layer(PolicyLayer::new(rules))
            .layer(EndpointLayer::new(OwnKeys::new(keys.clone())))
            .layer(AuthLayer::new(WithKeys::new(keys.clone(), verifier.expect("a verifier"))))
            .layer(EndpointLayer::new(KeyRevocation::new(keys)))
            .layer(MapRequestLayer::new(|mut request: Request<Body>| {
                request.extensions_mut().insert(Peer::new(([192, 0, 2, 1], 1).into()));
                request
            }))
    }
}

fn admin(keys: &Keys, services: &Services) -> Router {
    let endpoints = (AdminKeys::new(keys.clone()), AdminServices::new(services.clone()));
    Router::new()
        .fallback(any(|| async { http::StatusCode::NOT_FOUND }))
        .layer(EndpointLayer::new(endpoints))
        .layer(MapRequestLayer::new(|mut request: Request<Body>| {
            request.extensions_mut().insert(Arc::new(Identity::person("idp.test", "root")));
            request
        }))
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// What the inner service knows of the caller.
async fn who(request: Request<Body>) -> Result<Response<String>, Infallible> {
    let identity = request.extensions().get::<Arc<Identity>>().expect("an identity");
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    let body = json!({
        "directory": &*identity.directory,
        "id": &*identity.id,
        "kind": identity.kind.as_str(),
        "proof": identity.proof.as_str(),
        "key": identity.key_id.as_deref(),
        "groups": identity.groups.iter().map(|group| &*group.name).collect::<Vec<_>>(),
        "scopes": identity.scopes.iter().collect::<Vec<_>>(),
        "acr": identity.assurance.acr,
        "amr": identity.assurance.amr,
        "issued_at": identity.issued_at.map(seconds),
        "expires_at": identity.expires_at.map(seconds),
        "headers": names,
    });
    Ok(Response::new(body.to_string()))
}

impl Node {
    /// A call with a credential in `authorization`.
    pub(super) async fn call(&self, credential: &str) -> Seen {
        self.send(Request::get("/v1/models").header("authorization", format!("Bearer {credential}")), "")
            .await
    }

    /// The status and code of a call.
    pub(super) async fn called(&self, credential: &str) -> (u16, String) {
        let seen = self.call(credential).await;
        (seen.status, seen.code())
    }

    pub(super) async fn chat(&self, credential: &str, model: &str) -> (u16, String) {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let request = Request::post("/v1/chat/completions").header("x-api-key", credential);
        let seen = self.send(request, &body).await;
        (seen.status, seen.code())
    }

    /// A request to the endpoint of one's own keys.
    pub(super) async fn own(&self, method: &str, below: &str, credential: &str, body: Value) -> Seen {
        let request = Request::builder()
            .method(method)
            .uri(format!("/attach/v1/keys{below}"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {credential}"));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request, &body).await
    }

    /// Mints a key; the id and the secret.
    pub(super) async fn mint(&self, token: &str, body: Value) -> (String, String) {
        let seen = self.own("POST", "", token, body).await;
        assert_eq!(seen.status, 201, "{}", seen.text);
        let field = |name: &str| seen.json[name].as_str().expect("a string").to_owned();
        (field("id"), field("secret"))
    }

    pub(super) async fn admin(&self, method: &str, path: &str, body: Value) -> Seen {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.admin))
            .header("content-type", "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request, &body).await
    }

    pub(super) async fn send(&self, request: http::request::Builder, body: &str) -> Seen {
        let mut request = request.body(Full::from(body.to_owned())).expect("a request");
        if request.uri().authority().is_none() {
            let uri = format!("http://{}{}", self.data, request.uri());
            *request.uri_mut() = uri.parse().expect("a URL");
        }
        let (parts, body) = self.client.request(request).await.expect("an answer").into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Seen { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }
}

impl Seen {
    /// The code of an error, in the shape of OpenAI's or of RFC 9457.
    pub(super) fn code(&self) -> String {
        let code = self.json["error"]["code"].as_str().or(self.json["code"].as_str());
        code.unwrap_or_default().to_owned()
    }
}

/// Begins at the machine's time, which [`Memory`] goes by, and can be moved forward.
#[derive(Debug, Clone)]
pub(super) struct Shifted(SystemTime, Arc<Mutex<Duration>>);

impl Default for Shifted {
    fn default() -> Self {
        Self(SystemTime::now(), Arc::default())
    }
}

impl Shifted {
    pub(super) fn advance(&self, by: Duration) {
        *self.1.lock().expect("no panic") += by;
    }

    pub(super) fn seconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
    }
}

impl Clock for Shifted {
    fn now(&self) -> SystemTime {
        self.0 + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        *self.1.lock().expect("no panic")
    }
}

/// A store in memory that remembers everything it was told, and can be lost.
#[derive(Debug, Clone)]
pub(super) struct Store {
    memory: Memory,
    pub(super) told: Arc<Mutex<Vec<Change>>>,
    lost: tokio::sync::watch::Sender<bool>,
}

impl Default for Store {
    fn default() -> Self {
        let lost = tokio::sync::watch::Sender::new(false);
        Self { memory: Memory::new(), told: Arc::default(), lost }
    }
}

impl Store {
    pub(super) fn lose(&self) {
        self.lost.send_replace(true);
    }

    /// How many rows were written whose names begin so.
    pub(super) fn writes(&self, prefix: &str) -> usize {
        let told = self.told.lock().expect("no panic");
        told.iter().filter(|change| change.key().starts_with(prefix)).count()
    }
}

impl Backend for Store {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        self.memory.load()
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        self.told.lock().expect("no panic").extend(changes.iter().cloned());
        self.memory.commit(changes)
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        let (follow, mut lost) = (self.memory.follow(after), self.lost.subscribe());
        Box::pin(async move {
            tokio::select! {
                followed = follow => followed,
                _ = lost.wait_for(|lost| *lost) => Err(Lost::Reset("for the test".into())),
            }
        })
    }

    fn is_watched(&self) -> bool {
        false
    }
}

/// Remembers what it witnessed, and can refuse to.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    seen: Arc<Mutex<Vec<Event>>>,
    pub(super) refuses: Arc<AtomicBool>,
}

impl Events {
    pub(super) fn actions(&self) -> Vec<&'static str> {
        self.seen.lock().expect("no panic").iter().map(|event| event.action).collect()
    }

    pub(super) fn text(&self) -> String {
        format!("{:?}", self.seen.lock().expect("no panic"))
    }
}

impl Witness for Events {
    fn witness(&self, event: Event) -> Pin<Box<dyn Future<Output = Result<(), Unwitnessed>> + Send>> {
        let refuses = self.refuses.load(Ordering::Relaxed);
        if !refuses {
            self.seen.lock().expect("no panic").push(event);
        }
        Box::pin(async move { if refuses { Err(Unwitnessed::default()) } else { Ok(()) } })
    }
}
