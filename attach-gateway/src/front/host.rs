//! Which of its names a gateway is called by, and who may call it so.

use std::sync::Arc;

use attach_core::{Exchange, Rejection};
use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};

use crate::config::{Config, Host};
use crate::resolve::Directory;
use crate::server::ServerName;
use crate::upstream::Upstreams;

/// What a stack answers to.
#[derive(Debug, Clone)]
pub(crate) enum Answers {
    /// Every name: there is no `[[host]]`.
    Any,
    /// None: the requests that no host is meant by.
    None,
    /// One name.
    Host(Arc<Host>),
}

/// A request names two hosts, or none in a way that makes sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unclear;

/// The host that a request names (RFC 9110 §7.2): in small letters, and without the port, which other clients of the same
/// host leave out. A line that is there twice, or beside another name in the request's own target, is clear to nobody.
pub(crate) fn host_of(headers: &HeaderMap, uri: &Uri) -> Result<String, Unclear> {
    let mut lines = headers.get_all(HOST).iter();
    let (line, more) = (lines.next(), lines.next());
    let line = line.map(|line| line.to_str().map_err(|_| Unclear)).transpose()?;
    let authority = match (line, uri.authority()) {
        _ if more.is_some() => return Err(Unclear),
        (Some(line), Some(target)) if !line.eq_ignore_ascii_case(target.as_str()) => return Err(Unclear),
        (Some(line), _) => line,
        (None, Some(target)) => target.as_str(),
        (None, None) => return Err(Unclear),
    };
    let port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        authority.rsplit_once(':').filter(|(_, behind)| port(behind)).map_or(authority, |(name, _)| name);
    Ok(name.to_ascii_lowercase())
}

impl Answers {
    /// The models that exist here.
    pub(crate) fn directory(&self, config: &Config, upstreams: &Arc<Upstreams>) -> Directory {
        let shown = if let Self::Host(host) = self { host.models.clone() } else { None };
        Directory::new(config, Arc::clone(upstreams)).showing(shown)
    }

    /// Web pages that may call.
    pub(crate) fn origins<'a>(&'a self, config: &'a Config) -> &'a [HeaderValue] {
        match self {
            Self::Any => &config.server.origins,
            Self::None => &[],
            Self::Host(host) => &host.origins,
        }
    }

    /// Refuses what is meant for somebody else (RFC 9110 §15.5.20), whoever calls.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Rejection> {
        let host = match self {
            Self::Any => return Ok(()),
            Self::None => None,
            Self::Host(host) => Some(host),
        };
        let named = host_of(&parts.headers, &parts.uri).map_err(|Unclear| {
            Rejection::bad_request("ambiguous_host", "the request does not name one host, once")
        })?;
        let host = host.filter(|host| *host.name == *named).ok_or_else(misdirected)?;
        // A certificate that holds for several names makes clients call all of them over one connection (RFC 9113 §9.1.1).
        let shaken = parts.extensions.get::<ServerName>();
        if shaken.is_some_and(|name| !name.0.eq_ignore_ascii_case(&host.name)) {
            return Err(misdirected());
        }
        if let Some(exchange) = parts.extensions.get::<Exchange>() {
            exchange.facts(|facts| facts.custom.push(("host", (*host.name).into())));
        }
        Ok(())
    }

    /// Refuses callers, and those who speak for them, of directories that the host does not know. Their tokens are not
    /// even read there; keys of the gateway's own are.
    pub(crate) fn admit(&self, parts: &Parts) -> Result<(), Rejection> {
        let Self::Host(host) = self else { return Ok(()) };
        let exchange = parts.extensions.get::<Exchange>();
        let identity =
            exchange.and_then(Exchange::identity).ok_or_else(|| Rejection::misconfigured("no identity"))?;
        let mut all = std::iter::successors(Some(identity), |identity| identity.actor.as_ref());
        if all.all(|identity| host.directories.contains(&identity.directory)) {
            return Ok(());
        }
        let message = "this caller is not known at this host";
        Err(Rejection::new(StatusCode::FORBIDDEN, "unknown_at_host", message))
    }
}

fn misdirected() -> Rejection {
    let message = "this gateway does not answer to that name";
    Rejection::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(uri: &str, lines: &[&str]) -> Option<String> {
        let request = lines.iter().fold(http::Request::get(uri), |request, line| request.header(HOST, *line));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        host_of(&parts.headers, &parts.uri).ok()
    }

    #[test]
    fn a_host_is_named_in_whatever_letters_with_or_without_a_port() {
        for line in ["a.example", "A.Example", "a.example:443", "a.example:", "a.EXAMPLE:8443"] {
            assert_eq!(named("/", &[line]).as_deref(), Some("a.example"), "{line}");
        }
        assert_eq!(named("https://a.example/", &[]).as_deref(), Some("a.example"), "HTTP/2");
        assert_eq!(named("https://a.example/", &["a.example"]).as_deref(), Some("a.example"));
        assert_eq!(named("/", &["[2001:db8::1]:80"]).as_deref(), Some("[2001:db8::1]"));
    }

    #[test]
    fn another_name_stays_another() {
        for line in [
            "a.example.",
            "x@a.example",
            "a.example/",
            "a.example:x",
            "a.example:443:443",
            " a.example",
            "a.example,b",
        ] {
            assert_ne!(named("/", &[line]).as_deref(), Some("a.example"), "{line}");
        }
    }

    #[test]
    fn two_names_are_none() {
        assert_eq!(named("/", &["a.example", "b.example"]), None);
        assert_eq!(named("/", &["a.example", "a.example"]), None);
        assert_eq!(named("/", &[]), None);
        assert_eq!(named("https://a.example/", &["b.example"]), None);
        assert_eq!(named("https://a.example/", &["a.example:443"]), None, "letter for letter");
    }
}
