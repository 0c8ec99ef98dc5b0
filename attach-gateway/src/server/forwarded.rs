//! For whom a trusted proxy calls.

use std::net::{IpAddr, SocketAddr};

use attach_auth::policy::Network;
use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

use super::listener::Accepted;
use crate::config::ProxyHeader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The most links of a chain of proxies that are looked at.
const LINKS: usize = 32;

/// The proxies whose word about a client's address counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    networks: Vec<Network>,
    header: ProxyHeader,
    /// Whoever can open the socket in the file system is one.
    local: bool,
    /// Whether they say for whom they connect before anything else, and nobody else connects.
    speak_first: bool,
}

impl Proxies {
    pub(crate) fn new(networks: Vec<Network>, header: ProxyHeader, local: bool) -> Self {
        Self { networks, header, local, speak_first: false }
    }

    /// The same, if so with the PROXY protocol.
    pub(super) fn speaking_first(self, speak_first: bool) -> Self {
        Self { speak_first, ..self }
    }

    /// Whether each connection begins with a header of the PROXY protocol.
    pub(super) fn speak_first(&self) -> bool {
        self.speak_first
    }

    /// Whether a connection may go on. Whoever can open a socket in the file system may say what is to be said first.
    pub(super) fn expect(&self, accepted: &Accepted) -> bool {
        !self.speak_first || accepted.local || self.trusts(accepted.addr.ip())
    }

    /// Whether `address` is one of them.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// The address of the client whose request with `headers` came from `peer`: of the addresses that the proxies noted,
    /// the last that is none of theirs. What it or anybody before it noted is its own claim.
    pub(super) fn client(&self, peer: SocketAddr, socket: bool, headers: &HeaderMap) -> SocketAddr {
        let mut client = peer;
        let mut trusted = if socket { self.local } else { self.trusts(peer.ip()) };
        if !trusted {
            return client;
        }
        for noted in self.noted(headers) {
            // What makes no sense is where the chain ends: the proxy that noted it is all that is known.
            let Some(noted) = noted else { break };
            client = noted;
            trusted = self.trusts(noted.ip());
            if !trusted {
                break;
            }
        }
        client
    }

    /// What was noted, the last first.
    fn noted<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = Option<SocketAddr>> + 'h {
        let (name, parse): (_, fn(&str) -> Option<SocketAddr>) = match self.header {
            ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, node),
            ProxyHeader::Forwarded => (FORWARDED, element),
        };
        let lines = headers.get_all(name).iter().collect::<Vec<_>>().into_iter().rev();
        let links = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
        links.take(LINKS).map(move |link| parse(link.trim()))
    }
}

/// The address in an element of `Forwarded` (RFC 7239 §4).
fn element(text: &str) -> Option<SocketAddr> {
    let value = text.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, with or without a port (RFC 7239 §6). A name that hides one is none.
fn node(text: &str) -> Option<SocketAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, 0));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare.and_then(|text| text.parse().ok()) {
        Some(ip) => Some(SocketAddr::new(IpAddr::V6(ip), 0)),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ProxyHeader, peer: &str, lines: &[&str]) -> String {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse().unwrap());
        let name = match header {
            ProxyHeader::Forwarded => FORWARDED,
            ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), line.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        Proxies::new(proxies.into(), header, false).client(peer, false, &headers).ip().to_string()
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_clients() {
        let client = |lines: &[&str]| client(ProxyHeader::Forwarded, "10.0.0.1", lines);
        assert_eq!(client(&["for=192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&["for=192.0.2.7;proto=https;by=10.0.0.1"]), "192.0.2.7");
        assert_eq!(client(&["For=\"[2001:db8::7]:4711\""]), "2001:db8::7");
        assert_eq!(client(&["for=198.51.100.1, for=192.0.2.7, for=10.0.0.9"]), "192.0.2.7");
        assert_eq!(client(&["for=198.51.100.1", "for=192.0.2.7:80"]), "192.0.2.7", "lines are one list");
        assert_eq!(client(&["for=10.0.0.5"]), "10.0.0.5", "all of them are proxies");
    }

    #[test]
    fn what_a_stranger_says_is_not_believed() {
        assert_eq!(client(ProxyHeader::Forwarded, "192.0.2.1", &["for=10.0.0.1"]), "192.0.2.1");
        assert_eq!(client(ProxyHeader::XForwardedFor, "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn the_chain_ends_where_it_makes_no_sense() {
        let client = |lines: &[&str]| client(ProxyHeader::Forwarded, "10.0.0.1", lines);
        for nonsense in ["for=unknown", "for=_hidden", "for=", "by=1.2.3.4", "", "for=\"", "192.0.2.7"] {
            assert_eq!(client(&["for=198.51.100.1", nonsense]), "10.0.0.1", "{nonsense}");
        }
        assert_eq!(client(&["for=1.2.3.4, for=unknown, for=10.0.0.7"]), "10.0.0.7");
        let long = vec!["for=10.0.0.9"; 100_000 / 14].join(",");
        assert_eq!(client(&["for=1.2.3.4", &long]), "10.0.0.9");
    }

    #[test]
    fn only_the_header_that_was_named_counts() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, "192.0.2.7".parse().unwrap());
        headers.append(FORWARDED, "for=192.0.2.8".parse().unwrap());
        let peer = SocketAddr::from(([10, 0, 0, 1], 1));
        for (header, address) in
            [(ProxyHeader::XForwardedFor, "192.0.2.7"), (ProxyHeader::Forwarded, "192.0.2.8")]
        {
            let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()], header, false);
            assert_eq!(proxies.client(peer, false, &headers).ip().to_string(), address);
        }
        assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &["1.1.1.1, 192.0.2.7"]), "192.0.2.7");
    }
}
