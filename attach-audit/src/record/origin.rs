//! What is kept of a request's head.

use std::sync::OnceLock;

use attach_core::Peer;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::shape;
use super::value::{Address, Bytes, Text};
use crate::chain::Hash;

/// The headers in which clients, and proxies before us, name a request; the client's own word first.
const CLIENT_IDS: [HeaderName; 2] =
    [HeaderName::from_static("x-client-request-id"), HeaderName::from_static("x-request-id")];

/// Longest client's id that is kept, in bytes.
const LONGEST_ID: usize = 128;

/// What is kept of a request's head; cheap to take.
#[derive(Debug)]
pub(crate) struct Origin {
    method: Method,
    uri: Uri,
    agent: Option<HeaderValue>,
    client_id: Option<HeaderValue>,
    peer: Option<Peer>,
    /// The hash of the client's certificate, once a record has it.
    certificate: OnceLock<Hash>,
}

impl Origin {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            agent: request.headers().get(USER_AGENT).cloned(),
            client_id: client_id(request.headers()).cloned(),
            peer: request.extensions().get().cloned(),
            certificate: OnceLock::new(),
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Without a query.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The client's own id of the request.
    pub(super) fn client_req_id(&self) -> Option<&str> {
        self.client_id.as_ref()?.to_str().ok()
    }

    /// What floods are counted by.
    pub(crate) fn source(&self) -> Option<Address> {
        let network = self.peer.as_ref()?.network();
        Some(if network.is_ipv4() { Address::One(network) } else { Address::Net64(network) })
    }

    pub(super) fn src(&self) -> shape::Src<'_> {
        let addr = self.peer.as_ref().map(|peer| peer.addr);
        let tls = self.peer.as_ref().and_then(|peer| peer.tls.as_deref());
        let certificate = tls.and_then(|tls| tls.client_certificate.as_deref());
        shape::Src {
            ip: addr.map(|addr| Address::One(addr.ip().to_canonical())),
            port: addr.map(|addr| addr.port()),
            ua: self.agent.as_ref().map(|agent| Bytes(agent.as_bytes())),
            tls: tls.map(|tls| Text(&tls.version)),
            client_cert_s256: certificate.map(|der| *self.certificate.get_or_init(|| Hash::of(der))),
        }
    }
}

/// An id is printable ASCII without spaces; what is too long is left out, because a part of an id names something else.
fn client_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let is_id = |id: &&HeaderValue| {
        (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    CLIENT_IDS.iter().find_map(|name| headers.get(name).filter(is_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(headers: &[(&'static str, &str)]) -> Option<String> {
        let mut request = Request::new(());
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            request.headers_mut().append(*name, value);
        }
        Origin::of(&request).client_req_id().map(str::to_owned)
    }

    #[test]
    fn the_clients_own_id_goes_before_a_proxys() {
        assert_eq!(
            kept(&[("x-request-id", "proxy"), ("x-client-request-id", "mine")]).as_deref(),
            Some("mine")
        );
        assert_eq!(kept(&[("x-request-id", "proxy")]).as_deref(), Some("proxy"));
        assert_eq!(kept(&[]), None);
    }

    #[test]
    fn what_is_no_id_is_left_out_whole() {
        assert_eq!(kept(&[("x-request-id", &"a".repeat(128))]).map(|id| id.len()), Some(128));
        assert_eq!(kept(&[("x-request-id", &"a".repeat(129))]), None);
        assert_eq!(kept(&[("x-request-id", "é")]), None);
        assert_eq!(kept(&[("x-request-id", "two words")]), None);
        assert_eq!(kept(&[("x-request-id", "")]), None);
    }
}
