//! Who may use the forwarder: programs of this machine, and no page that a browser shows.
//!
//! A page can reach a loopback port by a name of its own that is made to lead there (DNS rebinding), which `Host` gives
//! away, or as a stranger, which `Origin` and `Sec-Fetch-Site` (Fetch Metadata) give away.

use std::net::SocketAddr;

use attach_core::Rejection;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{Method, StatusCode};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what did not mean this port, or comes from a page of another site.
pub(super) fn check(parts: &Parts, here: SocketAddr) -> Result<(), Rejection> {
    // A client that takes us for its way to everywhere names somebody else.
    let ours = parts.uri.authority().is_none_or(|named| is_ours(named.as_str(), here));
    if parts.method == Method::CONNECT || !ours {
        return Err(Rejection::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "this forwards to one gateway only",
        ));
    }
    if !only(&parts.headers, &HOST).is_some_and(|host| is_ours(host, here)) {
        let message = "this answers to its own address only";
        return Err(Rejection::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message));
    }
    let origin = match parts.headers.contains_key(ORIGIN) {
        true => only(&parts.headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://")),
        false => return site(&parts.headers),
    };
    if origin.is_some_and(|origin| is_ours(origin, here)) { site(&parts.headers) } else { Err(stranger()) }
}

fn site(headers: &HeaderMap) -> Result<(), Rejection> {
    match headers.get(FETCH_SITE).map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(stranger()),
    }
}

fn stranger() -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, "origin_not_allowed", "requests of other sites are not forwarded")
}

/// The value, if there is one and no other.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn is_ours(authority: &str, here: SocketAddr) -> bool {
    let port = here.port();
    let local = authority.strip_suffix(&format!(":{port}")).or_else(|| (port == 80).then_some(authority));
    local.is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost")
            || host.trim_start_matches('[').trim_end_matches(']') == here.ip().to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(uri: &str, headers: &[(&str, &str)]) -> Option<&'static str> {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        check(&parts, SocketAddr::from(([127, 0, 0, 1], 11435))).err().map(|rejection| rejection.code())
    }

    #[test]
    fn only_its_own_address_is_answered() {
        for host in ["127.0.0.1:11435", "localhost:11435", "LOCALHOST:11435"] {
            assert_eq!(refusal("/api/tags", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example:11435",
            "localhost",
            "127.0.0.1:80",
            "localhost.evil.example:11435",
            "127.0.0.2:11435",
            "",
        ] {
            assert_eq!(refusal("/api/tags", &[("host", host)]), Some("unknown_host"), "{host}");
        }
        assert_eq!(refusal("/", &[]), Some("unknown_host"));
        let twice = [("host", "localhost:11435"), ("host", "evil.example")];
        assert_eq!(refusal("/", &twice), Some("unknown_host"));
        assert_eq!(refusal("http://llm.example.com/", &[("host", "localhost:11435")]), Some("unknown_host"));
    }

    #[test]
    fn pages_of_other_sites_are_not_served() {
        let from = |name, value| refusal("/", &[("host", "localhost:11435"), (name, value)]);
        assert_eq!(from("origin", "http://localhost:11435"), None);
        for origin in
            ["https://evil.example", "null", "http://localhost:3000", "http://localhost:11435.evil.example"]
        {
            assert_eq!(from("origin", origin), Some("origin_not_allowed"), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(from("sec-fetch-site", site), Some("origin_not_allowed"), "{site}");
        }
        assert_eq!(from("sec-fetch-site", "none"), None);
    }
}
