//! A running gateway, as commands ask it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use attach_core::BoxError;
use attach_core::client::https_over;
use attach_core::fetch::error_chain;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::dial::Dial;

/// How a socket of this machine is named, as in `listen`.
const UNIX: &str = "unix:";

/// How long an answer may take, and how long it may be.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: usize = 4 << 20;

/// Where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// At an address.
    Url(Uri),
    /// At a socket of this machine.
    Socket(PathBuf),
}

impl At {
    /// Parses a URL, or `unix:` and a path. A token is sent in clear text to this machine only.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match socket_of(text)? {
            Some(path) => Ok(Self::Socket(path)),
            None => server(text).map(Self::Url),
        }
    }

    /// Whether who calls is known by the account alone.
    pub(super) fn is_socket(&self) -> bool {
        matches!(self, Self::Socket(_))
    }

    /// Asks for `request`, whose URI is a path, at `host` if it is called by another name than it is reached by.
    pub(super) async fn fetch(
        &self,
        host: Option<&str>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, BoxError> {
        let (mut parts, body) = request.into_parts();
        let mut base = self.base(host)?.into_parts();
        base.path_and_query = parts.uri.path_and_query().cloned();
        parts.uri = Uri::from_parts(base)?;
        let pool = self.pool()?;
        let asking = async {
            let asked = pool.request(Request::from_parts(parts, Full::new(body))).await;
            let (head, body) = asked.map_err(|error| error_chain(&error))?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, BoxError>(Response::from_parts(head, body))
        };
        tokio::time::timeout(PATIENCE, asking).await.map_err(|_| "no answer in time")?
    }

    /// What is asked there, by the name `host` if there is one: with TLS its certificate has to be for that name.
    pub(super) fn base(&self, host: Option<&str>) -> Result<Uri, http::Error> {
        let (scheme, named, port) = match self {
            Self::Url(url) => (url.scheme().cloned(), url.host().unwrap_or_default(), url.port_u16()),
            Self::Socket(_) => (None, "localhost", None),
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let authority = format!("{}{port}", host.unwrap_or(named));
        Uri::builder().scheme(scheme.unwrap_or(Scheme::HTTP)).authority(authority).path_and_query("/").build()
    }

    /// Connections to it, whatever host is named.
    pub(super) fn pool<B>(&self) -> io::Result<Client<HttpsConnector<Dial>, B>>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let dial = match self {
            Self::Url(url) => {
                let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
                let usual = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
                Dial::Port(host.into(), url.port_u16().unwrap_or(usual))
            }
            Self::Socket(path) => Dial::Socket(path.as_path().into()),
        };
        let pool =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https_over(dial)?);
        Ok(pool)
    }
}

/// A name that a gateway has among others, without a port.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let named = text.parse::<Authority>().is_ok_and(|authority| authority.host() == text);
    if named { Ok(text.to_owned()) } else { Err(format!("{text:?} is no name like llm.example.com")) }
}

/// The path after `unix:`, if there is one.
pub(super) fn socket_of(text: &str) -> Result<Option<PathBuf>, String> {
    let Some(path) = text.strip_prefix(UNIX).map(PathBuf::from) else { return Ok(None) };
    if path.is_absolute() {
        return Ok(Some(path));
    }
    Err(format!("{text:?} is no socket like unix:/run/attach/attach.sock"))
}

/// A running gateway's URL. A token is sent in clear text to this machine only.
pub(super) fn server(text: &str) -> Result<Uri, String> {
    let wrong = || format!("{text:?} is not a URL like https://llm.example.com or http://127.0.0.1:8080");
    let url: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong())?;
    let host = url.host().ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']');
    let here =
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match url.scheme_str() {
        Some("https") if url.path() == "/" => Ok(url),
        Some("http") if url.path() == "/" && here => Ok(url),
        Some("http") if url.path() == "/" => Err("a token goes over https, or to this machine".into()),
        _ => Err(wrong()),
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Socket(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_in_clear_text_to_this_machine_only() {
        for text in
            ["http://127.0.0.1:8080", "http://localhost:8080/", "http://[::1]:1", "https://llm.example.com"]
        {
            assert!(server(text).is_ok(), "{text}");
        }
        for text in
            ["http://llm.example.com", "http://localhost.evil.example", "llm.example.com", "ftp://localhost"]
        {
            assert!(server(text).is_err(), "{text}");
        }
        assert!(server("https://llm.example.com/v1").is_err());
    }

    #[test]
    fn a_gateway_may_be_called_by_another_name_than_it_is_reached_by() {
        let base = |at: &str, host| At::parse(at).unwrap().base(host).unwrap().to_string();
        assert_eq!(base("https://10.0.0.1:8443", Some("a.example")), "https://a.example:8443/");
        assert_eq!(base("http://[::1]:8080", Some("a.example")), "http://a.example:8080/");
        assert_eq!(base("http://[::1]:8080", None), "http://[::1]:8080/");
        assert_eq!(base("unix:/run/a.sock", Some("a.example")), "http://a.example/");
        assert_eq!(base("unix:/run/a.sock", None), "http://localhost/");
        assert_eq!(host_name("a.example").as_deref(), Ok("a.example"));
        for wrong in ["", "a.example:80", "u@a.example", "a example", "a/b", "https://a.example"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_socket_is_named_as_in_the_configuration() {
        assert_eq!(At::parse("unix:/run/a.sock"), Ok(At::Socket("/run/a.sock".into())));
        assert_eq!(At::parse("unix:/run/a.sock").map(|at| at.to_string()), Ok("unix:/run/a.sock".into()));
        assert!(At::parse("unix:a.sock").is_err() && At::parse("unix:").is_err());
        assert!(At::parse("https://llm.example.com").is_ok_and(|at| !at.is_socket()));
    }
}
