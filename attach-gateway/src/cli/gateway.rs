//! A running gateway, as commands ask it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use attach_core::client::Client;
use attach_core::{BoxError, Fetch as _};
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;

use super::healthcheck::socket;

/// How a socket of this machine is named, as in `listen`.
const UNIX: &str = "unix:";

/// How long an answer over a socket may take, and how long it may be. Others have the client's own bounds.
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

    /// Asks for `request`, whose URI is a path.
    pub(super) async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
        match self {
            Self::Url(base) => {
                let (mut parts, body) = request.into_parts();
                parts.uri = format!("{}{}", base.to_string().trim_end_matches('/'), parts.uri).parse()?;
                Ok(Client::new()?.fetch(Request::from_parts(parts, body)).await?)
            }
            Self::Socket(path) => {
                let asking = async { over(socket(path).await?, request).await };
                tokio::time::timeout(PATIENCE, asking).await.map_err(|_| "no answer in time")?
            }
        }
    }
}

/// The path after `unix:`, if there is one.
pub(super) fn socket_of(text: &str) -> Result<Option<PathBuf>, String> {
    let Some(path) = text.strip_prefix(UNIX).map(PathBuf::from) else { return Ok(None) };
    if path.is_absolute() {
        return Ok(Some(path));
    }
    Err(format!("{text:?} is no socket like unix:/run/attach/attach.sock"))
}

async fn over<S>(stream: S, mut request: Request<Bytes>) -> Result<Response<Bytes>, BoxError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    request.headers_mut().insert(HOST, http::HeaderValue::from_static("localhost"));
    let asking = async {
        let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
        Ok::<_, BoxError>(Response::from_parts(head, body))
    };
    tokio::pin!(asking, connection);
    tokio::select! {
        answer = &mut asking => answer,
        // The answer may have been read before the connection ended.
        ended = &mut connection => match ended {
            Ok(()) => asking.await,
            Err(error) => Err(error.into()),
        },
    }
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
    fn a_socket_is_named_as_in_the_configuration() {
        assert_eq!(At::parse("unix:/run/a.sock"), Ok(At::Socket("/run/a.sock".into())));
        assert_eq!(At::parse("unix:/run/a.sock").map(|at| at.to_string()), Ok("unix:/run/a.sock".into()));
        assert!(At::parse("unix:a.sock").is_err() && At::parse("unix:").is_err());
        assert!(At::parse("https://llm.example.com").is_ok_and(|at| !at.is_socket()));
    }
}
