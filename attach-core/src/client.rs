//! The one HTTP client behind [`Fetch`]: hyper-util and rustls, with the platform's roots.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::fetch::{Fetch, FetchError, FetchFuture, error_chain};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);

/// Fetches small documents: five seconds, one mebibyte, no redirect, TLS by the platform's roots.
///
/// Clones share the connection pool.
#[derive(Clone)]
pub struct Client {
    inner: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
    max_bytes: usize,
}

impl Client {
    /// A client with the default bounds.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up at all.
    pub fn new() -> io::Result<Self> {
        Ok(Self::over(https_connector(CONNECT)?))
    }

    /// A client that believes the certificates in `pem` instead of the platform's roots: for a server whose own
    /// authority signed its certificate.
    ///
    /// # Errors
    ///
    /// When there is no certificate in `pem`, or one that is none.
    pub fn with_roots(pem: &[u8]) -> io::Result<Self> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
            roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(invalid("there is no certificate in it".to_owned()));
        }
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls(roots)?);
        let https = builder.https_or_http().enable_http1().enable_http2().wrap_connector(tcp(CONNECT));
        Ok(Self::over(https))
    }

    fn over(https: HttpsConnector<HttpConnector>) -> Self {
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(https);
        Self { inner, timeout: Duration::from_secs(5), max_bytes: 1 << 20 }
    }

    /// Replaces the time a whole fetch may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Replaces the size an answer may have, in bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

/// A connector for `http` and `https` with the platform's root certificates, `TCP_NODELAY` set.
///
/// On a machine without root certificates every `https` connection fails its handshake; `http` works.
///
/// # Errors
///
/// When TLS cannot be set up at all.
pub fn https_connector(connect_timeout: Duration) -> io::Result<HttpsConnector<HttpConnector>> {
    https_over(tcp(connect_timeout))
}

/// The same over connections that `connector` opens: the host that a URI names is the one that TLS asks for and believes,
/// wherever they lead.
///
/// # Errors
///
/// When TLS cannot be set up at all.
pub fn https_over<C>(connector: C) -> io::Result<HttpsConnector<C>> {
    let builder = match HttpsConnectorBuilder::new().with_provider_and_native_roots(default_provider()) {
        Ok(builder) => builder,
        Err(_) => HttpsConnectorBuilder::new().with_tls_config(tls(RootCertStore::empty())?),
    };
    Ok(builder.https_or_http().enable_http1().enable_http2().wrap_connector(connector))
}

fn tcp(connect_timeout: Duration) -> HttpConnector {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(connect_timeout));
    http.set_nodelay(true);
    http.enforce_http(false);
    http
}

fn tls(roots: RootCertStore) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Fetch for Client {
    fn fetch(&self, request: Request<Bytes>) -> FetchFuture {
        let Self { inner, timeout, max_bytes } = self.clone();
        Box::pin(async move {
            let exchange = async {
                let response =
                    inner.request(request.map(Full::new)).await.map_err(|error| connect_error(&error))?;
                let (parts, body) = response.into_parts();
                let body =
                    Limited::new(body, max_bytes).collect().await.map_err(|error| body_error(&error))?;
                Ok(Response::from_parts(parts, body.to_bytes()))
            };
            tokio::time::timeout(timeout, exchange).await.map_err(|_| FetchError::Timeout)?
        })
    }
}

fn connect_error(error: &legacy::Error) -> FetchError {
    FetchError::Connect(error_chain(error).into())
}

fn body_error(error: &crate::BoxError) -> FetchError {
    if error.is::<LengthLimitError>() {
        FetchError::TooLarge
    } else {
        FetchError::Connect(error.to_string().into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
