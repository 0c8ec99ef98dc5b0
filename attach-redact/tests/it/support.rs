//! A model that one can look into, and calls of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use attach_core::{Body, Exchange, Identity, ResponseBody};
use attach_redact::{RedactLayer, Redactor};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const OLLAMA: &str = "/api/chat";

/// One redactor for all tests: building takes a while.
pub(crate) fn redactor() -> Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    // On a machine that is busy otherwise a second is soon over.
    let forever = std::time::Duration::from_secs(3600);
    let builder = Redactor::builder().key(b"0123456789abcdef").budget(forever);
    REDACTOR.get_or_init(|| builder.build().unwrap()).clone()
}

/// A body in given pieces.
pub(crate) struct Pieces(pub(crate) VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// What a call came to, seen from all sides.
pub(crate) struct Seen {
    /// What the upstream got.
    pub(crate) upstream: Option<String>,
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    /// What the client got.
    pub(crate) client: String,
    pub(crate) exchange: Exchange,
}

impl Seen {
    pub(crate) fn upstream(&self) -> &str {
        self.upstream.as_deref().expect("the request was forwarded")
    }

    pub(crate) fn count(&self, entity: &str) -> u32 {
        self.exchange.facts(|facts| {
            let redaction = facts.redaction.as_ref().expect("the layer looked at it");
            redaction.counts.iter().find(|(name, _)| **name == *entity).map_or(0, |(_, count)| *count)
        })
    }

    pub(crate) fn restored_and_withheld(&self) -> (u32, u32) {
        self.exchange.facts(|facts| {
            let redaction = facts.redaction.as_ref().expect("the layer looked at it");
            (redaction.restored, redaction.withheld)
        })
    }
}

/// Calls `path` with `body` of a model that answers `answer(what it was sent)`, cut into pieces of `size` bytes.
pub(crate) async fn call_in_pieces(
    redactor: Redactor,
    path: &str,
    body: &str,
    content_type: &'static str,
    size: usize,
    answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> Seen {
    let mut request = Request::post(path).extension(Identity::person("acme", "alice"));
    request = request.header("accept-encoding", "gzip");
    let mut request: Request<Full<Bytes>> = request.body(Full::from(body.to_owned())).unwrap();
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(Arc::new(Identity::person("acme", "alice")));
    let sent = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&sent);
    let model = service_fn(move |request: Request<Body>| {
        let (seen, answer) = (Arc::clone(&seen), answer.clone());
        async move {
            let length =
                request.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(length, Some(body.len().to_string()));
            let body = String::from_utf8(body.to_vec()).unwrap();
            let answer = Bytes::from(answer(&body));
            *seen.lock().unwrap() = Some(body);
            let pieces =
                (0..answer.len()).step_by(size).map(|at| answer.slice(at..answer.len().min(at + size)));
            let response = Response::builder()
                .header("content-type", content_type)
                .header("content-length", answer.len());
            Ok::<_, Infallible>(response.body(Pieces(pieces.collect())).unwrap())
        }
    });
    let response = RedactLayer::new(redactor).layer(model).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let client = text(body).await;
    let upstream = sent.lock().unwrap().take();
    Seen { upstream, status: parts.status.as_u16(), headers: parts.headers, client, exchange }
}

async fn text(body: ResponseBody<Pieces>) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// The same, with the answer in one piece.
pub(crate) async fn call(
    path: &str,
    body: &str,
    content_type: &'static str,
    answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> Seen {
    call_in_pieces(redactor(), path, body, content_type, usize::MAX, answer).await
}

/// Every placeholder in a text, in order.
pub(crate) fn placeholders(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !word(c)).filter(|word| word.starts_with("PII_"));
    words.map(str::to_owned).collect()
}

/// A chat with one message of the user's.
pub(crate) fn chat(message: &str) -> String {
    serde_json::json!({"model": "m", "messages": [{"role": "user", "content": message}]}).to_string()
}
