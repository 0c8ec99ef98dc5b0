//! `login --proxy`: a port of this machine that adds the bearer of whoever is logged in to every request to the gateway,
//! for programs that cannot send one.
//!
//! Whoever can reach the port calls as that person, so it is on loopback only, and what a browser sends for a page of
//! somebody else is refused ([`door`]). Bodies pass in both directions as they come.

use std::net::SocketAddr;
use std::sync::Arc;

use attach_core::fetch::error_chain;
use attach_core::{Exchange, Rejection, ResponseBody};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::arguments::Login;
use super::error::LoginError;
use super::say;
use crate::cli::dial::Dial;
use crate::cli::gateway::At;
use crate::server::StopSignals;

mod bearer;
mod door;
mod headers;

use self::bearer::Bearer;

/// How long it waits until there may be a descriptor again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

type Answer = Response<ResponseBody<Incoming>>;

/// The forwarder: where it listens, where it goes, and as whom.
struct Forwarder {
    here: SocketAddr,
    gateway: At,
    /// What the gateway is called.
    base: Uri,
    bearer: Bearer,
    pool: Client<HttpsConnector<Dial>, Incoming>,
}

/// Forwards until it is told to stop.
pub(super) async fn run(options: &Login, listen: SocketAddr) -> Result<(), LoginError> {
    let Some(gateway) = options.server.clone() else {
        return Err(LoginError::Refused("--proxy needs --server, the gateway to forward to".into()));
    };
    if !listen.ip().is_loopback() {
        return Err(LoginError::Refused(format!(
            "{listen} can be reached by others, who would call in your name; --proxy takes a loopback address"
        )));
    }
    let stop = StopSignals::listen().map_err(|error| LoginError::Io("signals", error))?;
    let bearer = Bearer::new(options.which());
    // Whoever is not logged in hears it now, and not in the program that cannot say so.
    bearer.value().await?;
    let listener = TcpListener::bind(listen).await.map_err(|error| LoginError::Io("the address", error))?;
    let here = listener.local_addr().map_err(|error| LoginError::Io("the address", error))?;
    let pool = gateway.pool().map_err(|error| LoginError::Io("TLS", error))?;
    let base = gateway.base(options.host.as_deref());
    let base = base.map_err(|error| LoginError::Refused(error.to_string()))?;
    say(&format!("http://{here} forwards to {gateway} in your name, until Ctrl-C"));
    let forwarder = Arc::new(Forwarder { here, gateway, base, bearer, pool });
    tokio::select! {
        () = forwarder.accept(listener) => Ok(()),
        () = stop.next() => Ok(()),
    }
}

impl Forwarder {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self).serve(stream))),
                    // No descriptor is left, most likely: wait for one.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let service =
            service_fn(|request| async { Ok::<_, std::convert::Infallible>(self.forward(request).await) });
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        // A client that breaks off is none of our business.
        let _ = connection.await;
    }

    async fn forward(&self, mut request: Request<Incoming>) -> Answer {
        let exchange = Exchange::of_request(&mut request);
        match self.answer(request).await {
            Ok(response) => response,
            Err(refused) => refused.into_response(&exchange),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Rejection> {
        let (mut parts, body) = request.into_parts();
        door::check(&parts, self.here)?;
        let bearer = self.bearer.value().await.map_err(not_logged_in)?;
        parts.uri = self.place(&parts.uri)?;
        headers::request(&mut parts.headers, bearer);
        // The gateway may be spoken to in another version than the client speaks.
        parts.version = http::Version::default();
        let mut onward = Request::new(body);
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = parts.uri;
        *onward.headers_mut() = parts.headers;
        let mut response = self.pool.request(onward).await.map_err(|error| {
            let why = error_chain(&error);
            say(&format!("{} cannot be reached: {why}", self.gateway));
            Rejection::new(StatusCode::BAD_GATEWAY, "gateway_unreachable", "the gateway cannot be reached")
        })?;
        headers::response(response.headers_mut());
        Ok(response.map(ResponseBody::inner))
    }

    /// The same path and query at the gateway.
    fn place(&self, asked: &Uri) -> Result<Uri, Rejection> {
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = asked.path_and_query().cloned();
        let wrong = |_| Rejection::bad_request("invalid_request", "this is no path");
        Uri::from_parts(parts).map_err(wrong)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn not_logged_in(error: LoginError) -> Rejection {
    say(&error.to_string());
    match error {
        LoginError::Again(_) => Rejection::new(
            StatusCode::UNAUTHORIZED,
            "not_logged_in",
            "nobody is logged in at the forwarder any more; run attach-gateway login",
        ),
        _ => Rejection::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "identity_provider_unavailable",
            "the forwarder has no token now; what it prints says why",
        ),
    }
}
