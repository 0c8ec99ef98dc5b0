use std::fmt;
use std::io;
use std::sync::Arc;

use attach_core::client::https_connector;
use attach_core::{Api, Dialect};
use bytes::Bytes;
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{credential, dispatch};
use crate::config::Upstream;
use crate::translate::Operation;

/// A pool of connections to one upstream.
pub(super) type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Every upstream of a configuration, with its connections.
#[derive(Debug)]
pub(crate) struct Upstreams(Vec<Place>);

/// An upstream and its connections.
pub(crate) struct Place {
    pub(crate) upstream: Arc<Upstream>,
    pub(super) pool: Pool,
    /// Where each operation is, worked out once.
    uris: Vec<(Api, Uri)>,
    /// The header with the upstream's credential in each dialect it speaks.
    credentials: Vec<(Dialect, HeaderName, HeaderValue)>,
}

impl Upstreams {
    pub(crate) fn new(upstreams: &[Arc<Upstream>]) -> io::Result<Self> {
        upstreams.iter().map(|upstream| Place::new(Arc::clone(upstream))).collect::<io::Result<_>>().map(Self)
    }

    /// The upstream named `name`.
    pub(crate) fn place(&self, name: &str) -> Option<&Place> {
        self.0.iter().find(|place| *place.upstream.name == *name)
    }

    /// Every upstream, in the configuration's order.
    pub(crate) fn places(&self) -> &[Place] {
        &self.0
    }
}

impl Place {
    fn new(upstream: Arc<Upstream>) -> io::Result<Self> {
        let connector = https_connector(upstream.timeouts.connect)?;
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(std::time::Duration::from_secs(60))
            .build(connector);
        let uris = Api::ALL.into_iter().map(|api| Ok((api, dispatch::uri(&upstream.url, api.path())?)));
        let uris = uris.collect::<Result<_, http::Error>>().map_err(io::Error::other)?;
        let credential = |dialect: &Dialect| {
            let (name, value) = credential::header(&upstream, *dialect)?;
            Some((*dialect, name, value))
        };
        let credentials = upstream.dialects.iter().filter_map(credential).collect();
        Ok(Self { upstream, pool, uris, credentials })
    }

    /// Where `operation` is.
    pub(super) fn uri(&self, operation: Operation) -> Option<Uri> {
        let api = operation.api()?;
        self.uris.iter().find(|(known, _)| *known == api).map(|(_, uri)| uri.clone())
    }

    /// The header with the upstream's credential.
    pub(super) fn credential(&self, dialect: Dialect) -> Option<(HeaderName, HeaderValue)> {
        let (_, name, value) = self.credentials.iter().find(|(known, ..)| *known == dialect)?;
        Some((name.clone(), value.clone()))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("upstream", &self.upstream.name).finish_non_exhaustive()
    }
}
