//! The listener to which the browser brings the code (RFC 8252 §7.3).

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use openidconnect::url::{Host, Url, form_urlencoded};
use openidconnect::{AuthorizationCode, CsrfToken};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::error::{LoginError, printable};
use super::page::Page;

/// How long a browser may take to fetch the last page.
const FAREWELL: Duration = Duration::from_secs(1);

/// A listener on 127.0.0.1, and the redirect URI that leads to it.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    redirect: Url,
}

/// What makes an answer the one that is waited for.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// What the request carried, so that nobody else's answer is taken (RFC 6749 §10.12).
    pub(super) state: CsrfToken,
    /// The provider that was asked.
    pub(super) issuer: String,
    /// Whether it promises to say who it is (RFC 9207).
    pub(super) issuer_required: bool,
}

/// The code or why there is none.
pub(super) type Code = Result<AuthorizationCode, LoginError>;

/// The answer has come, and the browser waits for its page.
#[derive(Debug)]
pub(super) struct Farewell {
    verdict: oneshot::Sender<Page>,
    connections: JoinSet<()>,
}

type Answer = (Code, oneshot::Sender<Page>);

impl Loopback {
    /// Listens where `uri` (or `http://127.0.0.1:{port}/callback`) leads, on a free port if none is given.
    pub(super) async fn bind(uri: Option<&str>, port: Option<u16>) -> Result<Self, LoginError> {
        let wrong = || {
            LoginError::Refused(
                "a redirect URI for a terminal is like http://127.0.0.1:8400/callback or http://localhost:8400/callback"
                    .into(),
            )
        };
        let mut redirect = Url::parse(uri.unwrap_or("http://127.0.0.1/callback")).map_err(|_| wrong())?;
        let local = match redirect.host() {
            Some(Host::Ipv4(ip)) => ip == Ipv4Addr::LOCALHOST,
            Some(Host::Domain(name)) => name == "localhost",
            _ => false,
        };
        let plain =
            redirect.query().is_none() && redirect.fragment().is_none() && redirect.username().is_empty();
        if redirect.scheme() != "http" || !local || !plain {
            return Err(wrong());
        }
        let port = port.or(redirect.port()).unwrap_or(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| LoginError::Io("the redirect URI's port", error))?;
        let addr = listener.local_addr().map_err(|error| LoginError::Io("the redirect URI's port", error))?;
        redirect.set_port(Some(addr.port())).map_err(|()| wrong())?;
        Ok(Self { listener, redirect })
    }

    /// Where the provider has to send the browser.
    pub(super) fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// Waits for the answer. What comes besides (another state, another path) is turned away and changes nothing: a
    /// page in the same browser must not be able to end the login.
    pub(super) async fn receive(self, expected: Expected) -> Result<(Code, Farewell), LoginError> {
        let (send, mut answers) = mpsc::channel::<Answer>(1);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let (stream, _): (TcpStream, SocketAddr) =
                        accepted.map_err(|error| LoginError::Io("the redirect URI's port", error))?;
                    let desk = Desk { path: self.redirect.path().to_owned(), expected: expected.clone(), send: send.clone() };
                    connections.spawn(desk.serve(stream));
                }
                Some((code, verdict)) = answers.recv() => return Ok((code, Farewell { verdict, connections })),
            }
        }
    }
}

impl Farewell {
    /// Shows `page` in the browser, and waits a moment until it is fetched.
    pub(super) async fn say(self, page: Page) {
        let _ = self.verdict.send(page);
        let _ = tokio::time::timeout(FAREWELL, self.connections.join_all()).await;
    }
}

/// Serves one connection.
struct Desk {
    path: String,
    expected: Expected,
    send: mpsc::Sender<Answer>,
}

impl Desk {
    async fn serve(self, stream: TcpStream) {
        let desk = &self;
        let service = service_fn(|request: Request<Incoming>| async move {
            let page = desk.page(&request).await;
            Ok::<Response<_>, Infallible>(page.response())
        });
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        // A browser that breaks off is none of our business: the code has arrived, or it has not.
        let _ = connection.await;
    }

    async fn page(&self, request: &Request<Incoming>) -> Page {
        if request.method() != http::Method::GET || request.uri().path() != self.path {
            return Page::NotFound;
        }
        let Some(code) = self.expected.read(request.uri().query().unwrap_or_default()) else {
            return Page::Unexpected;
        };
        let (verdict, decided) = oneshot::channel();
        // The first answer counts.
        if self.send.try_send((code, verdict)).is_err() {
            return Page::Unexpected;
        }
        decided.await.unwrap_or(Page::Failed)
    }
}

impl Expected {
    /// The code, or why there is none; nothing if the state is not ours.
    fn read(&self, query: &str) -> Option<Code> {
        let find = |name: &str| {
            let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            let value = found.next().map(|(_, value)| value.into_owned());
            // RFC 6749 §3.1: no parameter more than once.
            if found.next().is_none() { value } else { None }
        };
        let ours = self.state.secret().as_bytes();
        verify_slices_are_equal(find("state")?.as_bytes(), ours).ok()?;
        Some(self.judge(find))
    }

    fn judge(&self, find: impl Fn(&str) -> Option<String>) -> Code {
        let issuer = find("iss");
        if issuer.as_ref().map_or(self.issuer_required, |issuer| *issuer != self.issuer) {
            return Err(LoginError::Refused("the answer is not of the provider that was asked".into()));
        }
        if let Some(error) = find("error") {
            let why =
                find("error_description").map_or(String::new(), |why| format!(" ({})", printable(&why)));
            return Err(LoginError::Refused(format!("the provider refused: {}{why}", printable(&error))));
        }
        let code = find("code").filter(|code| !code.is_empty());
        code.map(AuthorizationCode::new)
            .ok_or_else(|| LoginError::Refused("the provider's answer has no code".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            state: CsrfToken::new("our-state".into()),
            issuer: "https://idp.example".into(),
            issuer_required: true,
        }
    }

    #[test]
    fn only_the_answer_with_our_state_of_our_provider_brings_a_code() {
        let read = |query: &str| expected().read(query);
        let good = "code=c1&state=our-state&iss=https%3A%2F%2Fidp.example";
        assert_eq!(read(good).unwrap().unwrap().secret(), "c1");
        for stranger in [
            "",
            "code=c1",
            "code=c1&state=",
            "code=c1&state=our-stat",
            "code=c1&state=our-state&state=our-state",
        ] {
            assert!(read(stranger).is_none(), "{stranger}");
        }
        for wrong in [
            "code=c1&state=our-state",
            "code=c1&state=our-state&iss=https%3A%2F%2Fother.example",
            "code=c1&code=c2&state=our-state&iss=https%3A%2F%2Fidp.example",
            "state=our-state&iss=https%3A%2F%2Fidp.example",
        ] {
            assert!(read(wrong).unwrap().is_err(), "{wrong}");
        }
        let refused =
            "error=access_denied&error_description=no%0Away&state=our-state&iss=https%3A%2F%2Fidp.example";
        assert_eq!(
            read(refused).unwrap().unwrap_err().to_string(),
            "the provider refused: access_denied (no way)"
        );
    }

    #[tokio::test]
    async fn a_redirect_uri_leads_to_this_machine_only() {
        for wrong in [
            "https://127.0.0.1/cb",
            "http://192.0.2.1/cb",
            "http://localhost.example/cb",
            "http://127.0.0.1/cb?x=1",
            "nonsense",
        ] {
            assert!(Loopback::bind(Some(wrong), None).await.is_err(), "{wrong}");
        }
        let free = Loopback::bind(Some("http://localhost/back"), None).await.unwrap();
        assert!(free.redirect().port().is_some_and(|port| port > 1023));
        assert!(free.redirect().as_str().starts_with("http://localhost:"));
        assert_eq!(free.redirect().path(), "/back");
    }
}
