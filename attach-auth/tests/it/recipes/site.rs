use std::net::SocketAddr;
use std::sync::Arc;

use attach_auth::policy::Ask;
use attach_auth::{AuthLayer, Clock, IssuerConfig, OidcVerifier, PolicyLayer};
use attach_core::exchange::Decision;
use attach_core::{Exchange, Identity};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Answer, Signer, TestClock, TestFetch, config};

pub(super) type Rule = fn(&Ask<'_>) -> Decision;

/// A service behind both layers.
#[derive(Clone)]
pub(super) struct Site {
    issuers: Vec<IssuerConfig>,
    rule: Rule,
    pub(super) fetch: TestFetch,
    pub(super) clock: Arc<dyn Clock>,
}

impl Site {
    /// Accepts tokens of the issuer of all tests, signed by one of `signers`.
    pub(super) fn of(signers: &[&Signer]) -> Self {
        Self::with(config(), &Signer::set(signers))
    }

    pub(super) fn with(config: IssuerConfig, keys: &str) -> Self {
        Self::issuers(vec![config.jwks(keys.as_bytes()).expect("a key set")])
    }

    pub(super) fn issuers(issuers: Vec<IssuerConfig>) -> Self {
        let rule: Rule = |_| Decision::new(true, "anybody");
        Self { issuers, rule, fetch: TestFetch::default(), clock: Arc::new(TestClock::default()) }
    }

    pub(super) fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Listens on a port of its own, until the test ends.
    pub(super) async fn start(&self) -> SocketAddr {
        let fetch = Arc::new(self.fetch.clone());
        let verifier = OidcVerifier::with_clock(self.issuers.clone(), fetch, Arc::clone(&self.clock));
        let auth = AuthLayer::new(verifier.expect("a verifier"))
            .realm("gw")
            .resource_metadata("https://gw/.well-known/oauth-protected-resource");
        let router = Router::new()
            .fallback(any(who))
            .layer(PolicyLayer::new(self.rule))
            .layer(auth)
            .layer(from_fn(tell_reason));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

async fn who(request: Request) -> String {
    let identity = request.extensions().get::<Arc<Identity>>().expect("an identity");
    format!("{}/{}", identity.directory, identity.id)
}

/// What only the audit trail is told, told to the test.
async fn tell_reason(mut request: Request, next: Next) -> Response {
    let exchange = Exchange::of_request(&mut request);
    let mut response = next.run(request).await;
    let reason = exchange.facts(|facts| {
        facts.refusal.as_ref().map(|refusal| match &refusal.reason {
            Some(reason) => reason.to_string(),
            None => refusal.code.to_owned(),
        })
    });
    let reason = HeaderValue::from_str(reason.as_deref().unwrap_or("ok")).expect("a reason is plain text");
    response.headers_mut().insert("x-test-reason", reason);
    response
}

/// Sends bytes as they are and reads the answer to its end.
pub(super) async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    });
    Answer { status: status.expect("a status"), headers: headers.collect(), body: body.to_owned() }
}
