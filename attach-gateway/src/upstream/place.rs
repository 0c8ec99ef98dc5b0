use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Api;
use attach_core::aws::Signer;
use bytes::Bytes;
use http::Uri;
use http::header::HeaderMap;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::attempt::Standing;
use super::connector::{Connector, connector};
use super::health::Health;
use super::keys::Keys;
use super::models::List;
use super::paths;
use crate::config::Upstream;
use crate::telemetry::Telemetry;
use crate::translate::Operation;

/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_secs(60);

/// How often an HTTP/2 connection in use is tried, and how long its answer may take.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

/// A pool of connections to one upstream.
pub(super) type Pool = Client<HttpsConnector<Connector>, Full<Bytes>>;

/// Every upstream of a configuration, with its connections.
#[derive(Debug)]
pub(crate) struct Upstreams(Vec<Arc<Place>>);

/// An upstream and its connections.
pub(crate) struct Place {
    pub(crate) upstream: Arc<Upstream>,
    pub(super) pool: Pool,
    /// Its credential.
    pub(super) keys: Keys,
    /// What signs requests, where they are signed.
    pub(super) signer: Option<Signer>,
    /// How it is doing; whoever keeps the place over a reload keeps that.
    pub(crate) health: Health,
    /// What it last said of its models.
    pub(super) list: List,
    /// Where each operation is, worked out once, unless it depends on the model.
    uris: Vec<(Api, Uri)>,
}

impl Upstreams {
    pub(crate) fn new(upstreams: &[Arc<Upstream>]) -> io::Result<Self> {
        Self::after(&[], upstreams)
    }

    /// Those that are as they were in `before` keep their connections, and whatever else is known of them. The credentials
    /// that were read with `upstreams` are [to be taken](Self::enter) when these come into force.
    pub(crate) fn after(before: &[Arc<Place>], upstreams: &[Arc<Upstream>]) -> io::Result<Self> {
        let place = |upstream: &Arc<Upstream>| match before.iter().find(|place| place.upstream == *upstream) {
            Some(known) => Ok(Arc::clone(known)),
            None => Place::new(Arc::clone(upstream)).map(Arc::new),
        };
        upstreams.iter().map(place).collect::<io::Result<_>>().map(Self)
    }

    /// These are in force, as `upstreams`: a credential is the one that was read with them, and watchers see how each is
    /// doing.
    pub(crate) fn enter(&self, upstreams: &[Arc<Upstream>], telemetry: &Telemetry) {
        for (place, upstream) in self.0.iter().zip(upstreams) {
            if !Arc::ptr_eq(&place.upstream, upstream) {
                place.keys.take(upstream);
            }
            if let Some(phase) = place.health.phase() {
                telemetry.breaker(&place.upstream.name, phase);
            }
        }
    }

    /// The upstream named `name`.
    pub(crate) fn place(&self, name: &str) -> Option<&Place> {
        self.0.iter().map(|place| &**place).find(|place| *place.upstream.name == *name)
    }

    /// Every upstream, in the configuration's order.
    pub(crate) fn places(&self) -> &[Arc<Place>] {
        &self.0
    }
}

impl Place {
    fn new(upstream: Arc<Upstream>) -> io::Result<Self> {
        let connector = connector(&upstream)?;
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            // A server that has gone without a word must not hold every stream of its one connection.
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PONG)
            .build(connector);
        let fixed = Api::ALL.into_iter().filter(|_| paths::is_fixed(&upstream));
        let uri = |api| Some((api, paths::uri(&upstream, Operation::Api(api), "")?));
        let uris = fixed.filter_map(uri).collect();
        let signer = upstream.bedrock.as_ref().map(|bedrock| Signer::new(&bedrock.region, "bedrock"));
        let keys = Keys::follow(&upstream);
        let health = Health::new(&upstream);
        let list = List::default();
        Ok(Self { upstream, pool, keys, signer, health, list, uris })
    }

    /// Keeps in mind that it wants to be left alone with `model`, if it says so.
    pub(super) fn note(&self, model: &Arc<str>, standing: Standing, headers: &HeaderMap) {
        if matches!(standing, Standing::Overloaded | Standing::Failed) {
            self.health.pauses.note(model, headers, Instant::now());
        }
    }

    /// Where `operation` is for `model`.
    pub(super) fn uri(&self, operation: Operation, model: &str) -> Option<Uri> {
        let known = operation.api().and_then(|api| self.uris.iter().find(|(known, _)| *known == api));
        known.map(|(_, uri)| uri.clone()).or_else(|| paths::uri(&self.upstream, operation, model))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("upstream", &self.upstream.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_credential_that_was_read_again_is_used_from_when_its_configuration_is_in_force() {
        let read = |key: &'static str| {
            let text = "[[issuer]]\nissuer = 'https://idp.example'\naudience = ['a']\n[access]\ndefault = 'allow'\n\
                [[upstream]]\nname = 'u'\nkind = 'openai'\nurl = 'http://localhost:1'\nkey = { env = 'KEY' }\n";
            let config = Config::parse(text, |name| (name == "KEY").then(|| key.to_owned()));
            config.expect("a valid configuration").upstreams
        };
        let uses = |places: &Upstreams, key: &str| places.places()[0].keys.now().is_in(key.as_bytes());
        let (first, second) = (read("first-key"), read("second-key"));
        let before = Upstreams::new(&first).unwrap();
        let next = Upstreams::after(before.places(), &second).unwrap();
        assert!(Arc::ptr_eq(&before.places()[0], &next.places()[0]), "it is the same upstream");
        assert!(uses(&before, "first-key") && !uses(&before, "second-key"), "nothing is in force yet");
        next.enter(&second, &Telemetry::default());
        assert!(uses(&next, "second-key") && !uses(&next, "first-key"));
    }
}
