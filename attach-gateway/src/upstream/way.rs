use std::time::Duration;

use attach_core::Exchange;
use http::{HeaderMap, HeaderName};
use tokio::sync::OwnedSemaphorePermit;

use crate::telemetry::Attempt;

/// The headers in which model servers and the proxies before them name a request, the surest first.
const IDS: [HeaderName; 4] = [
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("apim-request-id"),
    HeaderName::from_static("x-amzn-requestid"),
];

/// Longest id that is kept, in bytes.
const LONGEST: usize = 128;

/// A call on its way to an upstream and back: what the audit trail, metrics and traces learn of it there.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) attempt: Attempt,
    exchange: Exchange,
    /// When it was sent, from the exchange's beginning.
    sent: Duration,
    /// Its place among the calls that run at the upstream, if these are counted.
    slot: Option<OwnedSemaphorePermit>,
}

impl Way {
    /// It is sent now.
    pub(super) fn begin(exchange: &Exchange, attempt: Attempt) -> Self {
        Self { attempt, exchange: exchange.clone(), sent: exchange.elapsed(), slot: None }
    }

    /// Keeps the place as long as the answer lasts.
    pub(super) fn hold(mut self, slot: Option<OwnedSemaphorePermit>) -> Self {
        self.slot = slot;
        self
    }

    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Something came of it, which is `of`.
    pub(super) fn note<T>(&self, of: T) -> T {
        let time = self.exchange.elapsed().saturating_sub(self.sent);
        self.exchange.facts(|facts| {
            facts.upstream_time = Some(time);
            if let Some((end, status)) = self.attempt.end() {
                facts.tried(end, status, time);
            }
        });
        of
    }

    /// Keeps the upstream's own id of the call, if it says one that is one: printable ASCII without spaces.
    pub(super) fn note_id(&self, headers: &HeaderMap) {
        let id = IDS.iter().find_map(|name| headers.get(name)).and_then(|id| id.to_str().ok());
        let is_id = |id: &&str| (1..=LONGEST).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        if let Some(id) = id.filter(is_id) {
            self.exchange.facts(|facts| facts.upstream_request_id = Some(id.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn kept(name: &'static str, value: &[u8]) -> Option<Box<str>> {
        let mut request = http::Request::post("/api/chat").body(()).expect("valid");
        let exchange = Exchange::of_request(&mut request);
        let value = HeaderValue::from_bytes(value).expect("a value");
        Way::begin(&exchange, Attempt::default())
            .note_id(&[(HeaderName::from_static(name), value)].into_iter().collect());
        exchange.facts(|facts| facts.upstream_request_id.clone())
    }

    #[test]
    fn an_id_is_kept_if_it_is_short_and_printable() {
        assert_eq!(kept("request-id", b"req_011CQ").as_deref(), Some("req_011CQ"));
        assert_eq!(kept("x-request-id", b"9f86d081").as_deref(), Some("9f86d081"));
        assert_eq!(kept("request-id", b"a b"), None);
        assert_eq!(kept("request-id", b"\xff"), None);
        assert_eq!(kept("request-id", "a".repeat(129).as_bytes()), None);
        assert_eq!(kept("cf-ray", b"1"), None);
    }
}
