use std::fmt;
use std::io;
use std::sync::Arc;

use attach_core::client::https_connector;
use attach_core::destination::{Candidate, Labels};
use attach_core::{Api, Destination, Dialect};
use attach_quota::Prices;
use bytes::Bytes;
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{credential, dispatch};
use crate::config::{Config, Model, Upstream};

/// A pool of connections to one upstream.
pub(super) type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The upstreams, their connections, and which model goes where.
pub(crate) struct Directory {
    places: Vec<Place>,
    models: Vec<Model>,
    prices: Prices,
}

/// An upstream and its connections.
pub(crate) struct Place {
    pub(crate) upstream: Arc<Upstream>,
    pub(super) pool: Pool,
    /// Where each operation is, worked out once.
    uris: Vec<(Api, Uri)>,
    /// The header with the upstream's credential in each dialect it speaks.
    credentials: Vec<(Dialect, HeaderName, HeaderValue)>,
}

/// Where a model may be had.
pub(crate) struct Target<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) model: Arc<str>,
    pub(crate) labels: Arc<Labels>,
}

impl Directory {
    pub(crate) fn new(config: &Config) -> io::Result<Self> {
        let places = config.upstreams.iter().map(|upstream| Place::new(Arc::clone(upstream)));
        let places = places.collect::<io::Result<_>>()?;
        Ok(Self { places, models: config.models.clone(), prices: config.quota.prices.clone() })
    }

    /// Where `model` may be had for a call of `api`, most preferred first. An exact name beats a glob.
    pub(crate) fn targets(&self, api: Api, model: &str) -> Vec<Target<'_>> {
        if self.models.is_empty() {
            let place = self.places.iter().find(|place| place.upstream.speaks(api.dialect()));
            let place = place.or_else(|| self.places.first());
            return place.into_iter().map(|place| place.target(model.into())).collect();
        }
        let Some(entry) = self.model(model) else { return Vec::new() };
        entry
            .targets
            .iter()
            .zip(&entry.labels)
            .map(|(target, labels)| Target {
                upstream: &self.places[target.upstream].upstream,
                model: target.model.clone().unwrap_or_else(|| model.into()),
                labels: Arc::clone(labels),
            })
            .collect()
    }

    /// [`targets`](Self::targets) as the layers know them.
    pub(crate) fn destination(&self, api: Api, model: &str) -> Destination {
        let candidate = |target: Target<'_>| {
            Candidate::new(Arc::clone(&target.upstream.name), target.model, target.labels)
        };
        Destination::new(self.targets(api, model).into_iter().map(candidate).collect())
    }

    /// Where a listed model may be had, by whichever operation.
    pub(crate) fn anywhere(&self, model: &str) -> Destination {
        if !self.models.is_empty() {
            return self.destination(Api::OpenAiChat, model);
        }
        let candidate = |place: &Place| {
            let upstream = &place.upstream;
            Candidate::new(Arc::clone(&upstream.name), model, Arc::clone(&upstream.labels))
        };
        Destination::new(self.places.iter().map(candidate).collect())
    }

    fn model(&self, name: &str) -> Option<&Model> {
        let exact = |model: &&Model| model.names.iter().any(|glob| glob.is_exact() && glob.matches(name));
        let any = |model: &&Model| model.names.iter().any(|glob| glob.matches(name));
        self.models.iter().find(exact).or_else(|| self.models.iter().find(any))
    }

    /// The upstream named `name`.
    pub(crate) fn place(&self, name: &str) -> Option<&Place> {
        self.places.iter().find(|place| *place.upstream.name == *name)
    }

    /// What calls of models cost.
    pub(super) fn prices(&self) -> &Prices {
        &self.prices
    }

    /// Every upstream, in the configuration's order.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The configured public models; empty means that names are the upstream's own.
    pub(crate) fn models(&self) -> &[Model] {
        &self.models
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

    /// Where `api` is.
    pub(super) fn uri(&self, api: Api) -> Option<Uri> {
        self.uris.iter().find(|(known, _)| *known == api).map(|(_, uri)| uri.clone())
    }

    /// The header with the upstream's credential.
    pub(super) fn credential(&self, dialect: Dialect) -> Option<(HeaderName, HeaderValue)> {
        let (_, name, value) = self.credentials.iter().find(|(known, ..)| *known == dialect)?;
        Some((name.clone(), value.clone()))
    }

    fn target(&self, model: Arc<str>) -> Target<'_> {
        Target { upstream: &self.upstream, model, labels: Arc::clone(&self.upstream.labels) }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("places", &self.places.len())
            .field("models", &self.models.len())
            .finish()
    }
}
