//! One request's facts, shared by the layers it passes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Uri};
use uuid::Uuid;

use crate::{Api, Dialect, Identity, Outcome, Usage};

mod facts;
mod received;
mod rest;
mod trace;

pub use self::facts::{
    Charged, Costs, Coverage, Decision, Facts, QuotaFacts, Redaction, RedactionMode, Refusal, Route, Tried,
};
pub use self::rest::Rest;
pub use self::trace::{TraceContext, TraceId};

/// A cheap handle on one request's facts: who, what, where to, what was decided, what it used, how it ended.
///
/// The first of our layers that a request meets creates it, so every layer works alone; clones share the facts.
/// Reading or writing never blocks for longer than a field takes to copy, and no lock is held across an await.
///
/// ```
/// use attach_core::{Api, Exchange, Outcome};
///
/// let request = http::Request::post("/v1/chat/completions").body(())?;
/// let (mut parts, _) = request.into_parts();
/// let exchange = Exchange::of(&mut parts);
/// assert_eq!(exchange.api(), Some(Api::OpenAiChat));
/// assert_eq!(Exchange::of(&mut parts).id(), exchange.id());
///
/// assert!(exchange.finish(Outcome::Cut));
/// assert!(!exchange.finish(Outcome::Disconnected), "a drop after a cut is a cut");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    id: Uuid,
    api: OnceLock<Api>,
    /// Of the path, where the operation is not known.
    dialect: Dialect,
    started: Instant,
    metered: AtomicBool,
    identity: OnceLock<Arc<Identity>>,
    facts: Mutex<Facts>,
    reading: Mutex<rest::Reading>,
    received: Mutex<received::Received>,
}

impl Exchange {
    /// The exchange of a request, created if this is the first layer that asks.
    pub fn of(parts: &mut Parts) -> Self {
        Self::of_head(&parts.method, &parts.uri, &parts.headers, &mut parts.extensions)
    }

    /// [`of`](Self::of) for a request that was not taken apart.
    pub fn of_request<B>(request: &mut http::Request<B>) -> Self {
        let mut extensions = std::mem::take(request.extensions_mut());
        let exchange = Self::of_head(request.method(), request.uri(), request.headers(), &mut extensions);
        *request.extensions_mut() = extensions;
        exchange
    }

    /// An operation that was not known further out, where a router rewrites paths, may be known by now.
    fn of_head(method: &Method, uri: &Uri, headers: &HeaderMap, extensions: &mut Extensions) -> Self {
        let api = |extensions: &Extensions| {
            extensions.get::<Api>().copied().or_else(|| Api::of(method, uri.path()))
        };
        if let Some(known) = extensions.get::<Self>() {
            if known.0.api.get().is_none()
                && let Some(api) = api(extensions)
            {
                let _ = known.0.api.set(api);
            }
            return known.clone();
        }
        let fresh = Self::new(api(extensions), Dialect::of(uri.path(), headers), TraceContext::of(headers));
        extensions.insert(fresh.clone());
        fresh
    }

    fn new(api: Option<Api>, dialect: Dialect, trace: Option<TraceContext>) -> Self {
        Self(Arc::new(Inner {
            id: Uuid::now_v7(),
            api: api.map_or_else(OnceLock::new, OnceLock::from),
            dialect,
            started: Instant::now(),
            metered: AtomicBool::new(false),
            identity: OnceLock::new(),
            facts: Mutex::new(Facts { trace, ..Facts::default() }),
            reading: Mutex::default(),
            received: Mutex::default(),
        }))
    }

    /// The exchange's id: in the answer's `X-Request-Id`, in every error and in every audit record.
    #[must_use]
    pub fn id(&self) -> ExchangeId {
        ExchangeId(self.0.id)
    }

    /// What was asked for, if it is one of the known operations.
    #[must_use]
    pub fn api(&self) -> Option<Api> {
        self.0.api.get().copied()
    }

    /// The shape the caller expects errors in.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.api().map_or(self.0.dialect, Api::dialect)
    }

    /// Time since the exchange began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// The verified caller, once there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Arc<Identity>> {
        self.0.identity.get()
    }

    /// States who is calling. The first statement stands; `false` means there was one already.
    #[allow(clippy::must_use_candidate, reason = "most callers state and go on")]
    pub fn identify(&self, identity: Arc<Identity>) -> bool {
        self.0.identity.set(identity).is_ok()
    }

    /// Reads or writes facts under the exchange's lock. `with` must not call the exchange again.
    pub fn facts<T>(&self, with: impl FnOnce(&mut Facts) -> T) -> T {
        with(&mut self.lock())
    }

    /// States how the exchange ended. The first statement stands; `false` means there was one already.
    #[allow(clippy::must_use_candidate, reason = "most callers state and go on")]
    pub fn finish(&self, outcome: Outcome) -> bool {
        let mut facts = self.lock();
        if facts.outcome.is_some() {
            return false;
        }
        facts.outcome = Some(outcome);
        true
    }

    /// Takes back how the exchange ended, so that it can be stated anew: for who holds the frame that completed an answer, and
    /// decides that it must not go on as it is. Nobody further out can have seen that frame.
    pub fn reopen(&self) {
        self.lock().outcome = None;
    }

    /// How the exchange ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.lock().outcome
    }

    /// What was used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.lock().usage
    }

    /// Claims the right to meter the answer: true for the first, innermost, caller only.
    #[must_use]
    pub fn claim_meter(&self) -> bool {
        !self.0.metered.swap(true, Ordering::AcqRel)
    }

    /// Nothing that runs under the lock can leave the facts half written, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("id", &self.0.id).field("api", &self.api()).finish_non_exhaustive()
    }
}

/// A UUID version 7 (RFC 9562): unique, and in order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(Uuid);

impl ExchangeId {
    /// The 16 bytes of the UUID.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id as it stands in headers: 36 characters.
    #[must_use]
    pub fn to_header(self) -> HeaderValue {
        let mut text = [0; 36];
        let text = self.0.hyphenated().encode_lower(&mut text);
        // Hexadecimal digits and hyphens are always a value.
        HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(path: &str) -> Exchange {
        Exchange::of_request(&mut http::Request::post(path).body(()).expect("a valid request"))
    }

    #[test]
    fn only_the_innermost_meters() {
        let exchange = exchange("/api/chat");
        assert!(exchange.claim_meter());
        assert!(!exchange.clone().claim_meter());
    }

    #[test]
    fn who_holds_the_frame_that_completed_it_may_state_another_end() {
        let exchange = exchange("/api/chat");
        assert!(exchange.finish(Outcome::Complete));
        assert!(!exchange.finish(Outcome::Blocked));
        exchange.reopen();
        assert!(exchange.finish(Outcome::Blocked));
        assert_eq!(exchange.outcome(), Some(Outcome::Blocked));
    }

    #[test]
    fn an_api_extension_overrides_the_path() {
        let mut request = http::Request::post("/nested").body(()).expect("a valid request");
        request.extensions_mut().insert(Api::OllamaChat);
        assert_eq!(Exchange::of_request(&mut request).dialect(), Dialect::Ollama);
    }

    #[test]
    fn an_operation_that_a_router_reveals_is_known_from_there_on() {
        let mut request = http::Request::post("/llm/v1/messages").body(()).expect("a valid request");
        let exchange = Exchange::of_request(&mut request);
        assert_eq!((exchange.api(), exchange.dialect()), (None, Dialect::Problem));
        *request.uri_mut() = "/v1/messages".parse().expect("a path");
        assert_eq!(Exchange::of_request(&mut request).id(), exchange.id());
        assert_eq!((exchange.api(), exchange.dialect()), (Some(Api::AnthropicMessages), Dialect::Anthropic));
    }

    #[test]
    fn a_poisoned_lock_is_used_on() {
        let exchange = exchange("/api/chat");
        let poisoner = exchange.clone();
        std::thread::spawn(move || poisoner.facts(|_| panic!("poison"))).join().expect_err("it panicked");
        assert!(exchange.finish(Outcome::Panicked));
    }
}
