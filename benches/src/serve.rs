//! The layers as hyper services, each variant in a process of its own so that its use can be told.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};

use attach_core::Body;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{Service, ServiceExt};

use crate::Result;
use crate::layers::{Setup, Stack, Variant, stack};
use crate::process::{Server, free_addr};
use crate::scratch::Scratch;

/// The first argument by which this program knows that it is to serve.
pub const COMMAND: &str = "serve-variant";

const KEYS_FILE: &str = "jwks.json";

/// Starts this program once more, serving `variant` in front of `upstream`.
///
/// # Errors
///
/// When it does not start.
pub fn start(variant: Variant, upstream: SocketAddr, jwks: &str) -> Result<Server> {
    let addr = free_addr()?;
    let files = Scratch::new(variant.as_str())?;
    files.write(KEYS_FILE, jwks)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args([COMMAND, variant.as_str(), &addr.to_string(), &upstream.to_string()]).arg(files.path());
    command.stderr(Stdio::inherit());
    Server::start(command, addr, files, None)
}

/// What the program started by [`start`] does, until it is killed.
///
/// # Errors
///
/// When the arguments make no sense or it cannot listen.
pub fn main(arguments: &[String]) -> Result<()> {
    let [variant, addr, upstream, files] = arguments else { return Err("not meant for people".into()) };
    let files = Path::new(files);
    let setup =
        Setup { jwks: std::fs::read_to_string(files.join(KEYS_FILE))?, audit_dir: files.join("audit") };
    let proxy = Proxy::new(upstream.parse()?);
    let (stack, addr) = (stack(variant.parse()?, &setup, proxy)?, addr.parse()?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(addr, stack))
}

async fn serve(addr: SocketAddr, stack: Stack) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(addr).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = stack.clone().map_request(|request: Request<Incoming>| request.map(Body::new));
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let connection =
                builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            // A connection that ends is what connections do.
            let _ = connection.await;
        });
    }
}

/// Hands requests on to one server: the least a proxy can do.
#[derive(Debug, Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    upstream: Authority,
}

impl Proxy {
    fn new(upstream: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), upstream }
    }

    fn readdress(&self, request: &mut Request<Body>) -> Result<(), http::Error> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| "/".parse().expect("a path"));
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.upstream.clone()).path_and_query(path);
        *request.uri_mut() = uri.build()?;
        for hop in [CONNECTION, HOST, TRANSFER_ENCODING] {
            request.headers_mut().remove(hop);
        }
        Ok(())
    }
}

impl Service<Request<Body>> for Proxy {
    type Response = Response<UnsyncBoxBody<Bytes, hyper::Error>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let proxy = self.clone();
        Box::pin(async move {
            if proxy.readdress(&mut request).is_ok()
                && let Ok(answer) = proxy.client.request(request).await
            {
                return Ok(answer.map(BodyExt::boxed_unsync));
            }
            let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        })
    }
}
