//! A browser must not be talked into using an administrator's network: DNS rebinding and cross-site requests end here.

use std::net::SocketAddr;

use attach_core::Rejection;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{StatusCode, Uri};

/// Checks `Host` (or HTTP/2's `:authority`) and `Origin` against the listener's own names. A socket in the file system
/// has no address: it is `localhost` there. No browser reaches it, but whoever forwards to it might forward one's calls.
pub(super) fn check(
    listen: Option<SocketAddr>,
    hosts: Vec<String>,
) -> impl Fn(&Parts) -> Result<(), Rejection> + Send + Sync + 'static {
    move |parts| {
        let host = authority(parts);
        if !host.is_some_and(|host| is_ours(host, listen, &hosts)) {
            let message = "this listener does not answer to that name; admin.hosts lists more";
            return Err(Rejection::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message));
        }
        match parts.headers.get(ORIGIN).map(|origin| origin.to_str()) {
            None => Ok(()),
            Some(Ok(origin)) if of_origin(origin).is_some_and(|from| is_ours(&from, listen, &hosts)) => {
                Ok(())
            }
            Some(_) => {
                let message = "requests of other sites are not answered";
                Err(Rejection::new(StatusCode::FORBIDDEN, "origin_not_allowed", message))
            }
        }
    }
}

fn authority(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(HOST).map(|host| host.to_str());
    match header {
        Some(host) => host.ok(),
        None => parts.uri.authority().map(http::uri::Authority::as_str),
    }
}

fn of_origin(origin: &str) -> Option<String> {
    origin.parse::<Uri>().ok()?.authority().map(ToString::to_string)
}

fn is_ours(authority: &str, listen: Option<SocketAddr>, hosts: &[String]) -> bool {
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host).to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let listen = listen.map(|listen| listen.ip());
    let own = address
        .is_ok_and(|address| listen.is_some_and(|listen| address == listen || listen.is_unspecified()));
    let local = listen.is_none_or(|listen| listen.is_loopback()) && host == "localhost";
    own || local || hosts.iter().any(|known| known.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(headers: &[(&str, &str)]) -> Option<&'static str> {
        at(Some(SocketAddr::from(([127, 0, 0, 1], 9091))), headers)
    }

    fn at(listen: Option<SocketAddr>, headers: &[(&str, &str)]) -> Option<&'static str> {
        let mut request = http::Request::get("/admin/v1/keys");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(listen, vec!["admin.acme.example".into()])(&parts).err().map(|rejection| rejection.code())
    }

    #[test]
    fn only_its_own_names_are_answered() {
        for host in ["127.0.0.1:9091", "localhost:9091", "localhost", "Admin.acme.example"] {
            assert_eq!(refusal(&[("host", host)]), None, "{host}");
        }
        for host in ["evil.example:9091", "127.0.0.2:9091", "localhost.evil.example", ""] {
            assert_eq!(refusal(&[("host", host)]), Some("unknown_host"), "{host}");
        }
        assert_eq!(refusal(&[]), Some("unknown_host"));
    }

    #[test]
    fn a_socket_is_localhost() {
        for host in ["localhost", "localhost:80", "admin.acme.example"] {
            assert_eq!(at(None, &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "127.0.0.1", ""] {
            assert_eq!(at(None, &[("host", host)]), Some("unknown_host"), "{host}");
        }
        let crossed = [("host", "localhost"), ("origin", "https://evil.example")];
        assert_eq!(at(None, &crossed), Some("origin_not_allowed"));
    }

    #[test]
    fn other_sites_are_not_answered() {
        let from = |origin| refusal(&[("host", "localhost:9091"), ("origin", origin)]);
        assert_eq!(from("http://localhost:9091"), None);
        for origin in ["https://evil.example", "null", "http://localhost.evil.example:9091"] {
            assert_eq!(from(origin), Some("origin_not_allowed"), "{origin}");
        }
    }
}
