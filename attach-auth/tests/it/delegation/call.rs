//! A front end's side: a request, what it says about its user, and a signature over both.

use std::sync::Arc;

use attach_auth::delegation::{Delegation, FrontEnd, SigningKey};
use attach_auth::state::State;
use attach_auth::{AuthLayer, OidcVerifier};
use attach_core::{Exchange, Identity, Payload};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, NOW, Signer, TestClock, claims_with, config, verifier};

pub(super) const PATH: &str = "/v1/chat/completions";
pub(super) const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
pub(super) const SECRET: &[u8] = b"a secret of more than 32 bytes, shared by two";

/// The gateway's side: a provider, and the front ends that are trusted.
pub(super) struct Gateway {
    pub(super) provider: Signer,
    pub(super) clock: TestClock,
    layer: AuthLayer<OidcVerifier>,
    router: Router,
}

/// `open-webui` may do everything; what it may do is changed by `change`.
pub(super) fn web_ui(change: impl FnOnce(FrontEnd) -> FrontEnd) -> Gateway {
    let clock = TestClock::default();
    let delegation = Delegation::new([change(front_end())]).expect("front ends");
    Gateway::new(delegation.clock(Arc::new(clock.clone())), clock)
}

/// One of several nodes.
pub(super) fn sharing(state: State) -> Gateway {
    Gateway::new(Delegation::new([front_end()]).expect("front ends").state(state), TestClock::default())
}

fn front_end() -> FrontEnd {
    let key = SigningKey::hmac_sha256("k1", SECRET).expect("a key");
    FrontEnd::client("web-ui", "idp.test", "open-webui").tokens().key(key).groups(["chat-*"])
}

impl Gateway {
    fn new(delegation: Delegation, clock: TestClock) -> Self {
        let provider = Signer::es256("k");
        let layer = AuthLayer::new(verifier(config(), &[&provider])).delegation(delegation);
        let router = Router::new().fallback(any(who)).layer(layer.clone());
        Self { provider, clock, layer, router }
    }

    /// The same after its configuration was read again.
    pub(super) fn reloaded(self) -> Self {
        let again = Delegation::new([front_end()]).expect("front ends");
        let layer = AuthLayer::new(self.verifier()).delegation(again).succeeding(&self.layer);
        let router = Router::new().fallback(any(who)).layer(layer.clone());
        Self { layer, router, ..self }
    }

    /// The verifier alone, to compare with.
    pub(super) fn verifier(&self) -> OidcVerifier {
        verifier(config(), &[&self.provider])
    }

    pub(super) fn token(&self, changes: Value) -> String {
        self.provider.token(&claims_with(changes))
    }

    /// The front end's own token, by the client credentials grant.
    pub(super) fn own_token(&self) -> String {
        self.token(json!({"sub": "open-webui", "client_id": "open-webui"}))
    }

    pub(super) fn person_token(&self, name: &str) -> String {
        let assurance =
            json!({"sub": name, "client_id": "open-webui", "groups": ["eng"], "acr": "phr", "amr": ["mfa"]});
        self.token(assurance)
    }

    /// A call by the front end, saying nothing yet.
    pub(super) fn call(&self) -> Call {
        Call::new(&self.own_token())
    }

    pub(super) async fn send(&self, call: Call) -> Answer {
        let response = self.router.clone().oneshot(call.request()).await.expect("is infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// What the service learned about the caller.
    pub(super) async fn learned(&self, call: Call) -> Value {
        let answer = self.send(call).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Status and code of a refusal, and whom the record names.
    pub(super) async fn refusal(&self, call: Call) -> (u16, String) {
        let answer = self.send(call).await;
        (answer.status, answer.code())
    }
}

/// The service: reads the body as our layers do, and says who called.
async fn who(mut request: Request<Body>) -> axum::response::Response {
    let exchange = Exchange::of_request(&mut request);
    let caller = Arc::clone(request.extensions().get::<Arc<Identity>>().expect("an identity"));
    let names: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
    if exchange.api().is_some()
        && let Err(rejection) = Payload::take(request, 10_000).await
    {
        return rejection.into_response::<Body>(&exchange).map(Body::new);
    }
    let actor = caller.actor.as_deref();
    let seconds =
        |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).expect("after it").as_secs();
    let known = json!({
        "directory": &*caller.directory,
        "id": &*caller.id,
        "kind": caller.kind.as_str(),
        "proof": caller.proof.as_str(),
        "groups": caller.groups.iter().map(|group| &*group.name).collect::<Vec<_>>(),
        "scopes": caller.scopes,
        "email": caller.email.as_deref(),
        "name": caller.name.as_deref(),
        "client_id": caller.client_id.as_deref(),
        "acr": caller.assurance.acr,
        "amr": caller.assurance.amr,
        "actor": actor.map(|actor| &*actor.id),
        "issued_at": caller.issued_at.map(seconds),
        "headers": names,
    });
    axum::response::Response::new(Body::from(known.to_string()))
}

/// A request that is being made up.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) created: u64,
    pub(super) nonce: String,
    /// What is signed besides what has to be.
    pub(super) also: Vec<&'static str>,
    /// What is left out of it.
    pub(super) without: Vec<&'static str>,
    pub(super) params: String,
}

impl Call {
    pub(super) fn new(token: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self {
            method: Method::POST,
            target: PATH.to_owned(),
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            body: BODY.to_owned(),
            created: NOW,
            nonce: format!("nonce-of-16-and-more-{number}"),
            also: Vec::new(),
            without: Vec::new(),
            params: r#";keyid="k1";alg="hmac-sha256""#.to_owned(),
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn on_behalf_of(self, token: &str) -> Self {
        self.header("x-attach-on-behalf-of", &format!("Bearer {token}"))
    }

    /// `name` by a signature over everything that has to be under it.
    pub(super) fn signed_for(self, name: &str) -> Self {
        self.header("x-attach-user", name).signed()
    }

    pub(super) fn signed(self) -> Self {
        self.signed_by(|base| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), base).as_ref().to_vec())
    }

    pub(super) fn signed_by(mut self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        let content = STANDARD.encode(digest(&SHA256, self.body.as_bytes()));
        self.headers.push(("content-digest".to_owned(), format!("sha-256=:{content}:")));
        let (path, query) =
            self.target.split_once('?').map_or((&*self.target, None), |(path, query)| (path, Some(query)));
        let mut lines =
            vec![("@method".to_owned(), self.method.to_string()), ("@path".to_owned(), path.to_owned())];
        lines.extend(query.map(|query| ("@query".to_owned(), format!("?{query}"))));
        let fields = self.headers.iter().filter(|(name, _)| {
            name.starts_with("x-attach-") || name == "content-digest" || self.also.contains(&&**name)
        });
        lines.extend(fields.cloned());
        lines.retain(|(name, _)| !self.without.contains(&&**name));
        let names: Vec<String> = lines.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let params =
            format!("({});created={};nonce=\"{}\"{}", names.join(" "), self.created, self.nonce, self.params);
        let mut base: String = lines.iter().map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
        base.push_str(&format!("\"@signature-params\": {params}"));
        let signature = STANDARD.encode(sign(base.as_bytes()));
        self.header("signature-input", &format!("sig1={params}"))
            .header("signature", &format!("sig1=:{signature}:"))
    }

    /// With another value of a header.
    pub(super) fn replaced(mut self, name: &str, by: impl Fn(&str) -> String) -> Self {
        let place = self.headers.iter_mut().find(|(known, _)| known == name).expect("is there");
        place.1 = by(&place.1);
        self
    }

    pub(super) fn removed(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.target);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).expect("a request")
    }
}
