use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use attach_core::fetch::{FetchError, FetchFuture};
use attach_core::json::Value;
use attach_core::{Fetch, Identity};
use bytes::Bytes;
use http::Request;
use http::request::Parts;

use super::cache::{Digest, TokenCache};
use super::claims;
use super::config::IssuerConfig;
use super::diagnose;
use super::issuer::Issuer;
use crate::clock::{Clock, SystemClock};
use crate::credential::Source;
use crate::jws::{Compact, JwsError};
use crate::{Authenticate, ConfigError, Credential, Denial};

/// Tokens that are remembered as good.
const CACHE: usize = 10_000;

/// Verifies access tokens of one or more issuers, and says whose they are.
///
/// Cheap to clone; clones share keys and cache. Keys are fetched when a token asks for them;
/// [`refresh`](Self::refresh), called at start and from a timer, has them ready before.
#[derive(Debug, Clone)]
pub struct OidcVerifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuers: Vec<Issuer>,
    cache: TokenCache,
    clock: Arc<dyn Clock>,
}

impl OidcVerifier {
    /// Verifies tokens of `issuers`, whose keys `fetch` fetches.
    ///
    /// Nothing is fetched yet: a provider that is down delays no start.
    ///
    /// # Errors
    ///
    /// When an issuer's configuration cannot be meant. Logs what works but hardly is meant.
    pub fn new(issuers: Vec<IssuerConfig>, fetch: Arc<dyn Fetch>) -> Result<Self, ConfigError> {
        Self::with_clock(issuers, fetch, Arc::new(SystemClock::default()))
    }

    /// [`new`](Self::new) with clocks other than the machine's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[expect(clippy::needless_pass_by_value, reason = "as in `new`: what every caller has is an owner")]
    pub fn with_clock(
        issuers: Vec<IssuerConfig>,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        diagnose::configs(&issuers)?;
        if cfg!(not(feature = "discovery"))
            && let Some(lost) =
                issuers.iter().find(|issuer| issuer.jwks.is_none() && issuer.jwks_uri.is_none())
        {
            let message =
                format!("`{}` needs a jwks_uri or its keys: built without `discovery`", lost.issuer);
            return Err(ConfigError::new(message));
        }
        let issuers = issuers.into_iter().map(|config| Issuer::new(config, &fetch, &clock)).collect();
        let verifier = Self(Arc::new(Inner { issuers, cache: TokenCache::new(CACHE), clock }));
        for warning in verifier.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(verifier)
    }

    /// Verifies tokens of one issuer by keys that never change; nothing is fetched.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and when `jwks_json` is not a JSON Web Key Set with a usable key.
    pub fn static_keys(config: IssuerConfig, jwks_json: &[u8]) -> Result<Self, ConfigError> {
        Self::new(vec![config.jwks(jwks_json)?], Arc::new(NoFetch))
    }

    /// Fetches what is due: the keys of every issuer without any, and those that were fetched minutes ago.
    ///
    /// To be called at start and from a timer of some seconds; a call that finds nothing due costs nothing.
    pub async fn refresh(&self) {
        // All at once: a provider that does not answer keeps nobody waiting for another's keys.
        let mut running: Vec<_> =
            self.0.issuers.iter().map(|issuer| Box::pin(issuer.keys.refresh())).collect();
        std::future::poll_fn(|cx| {
            running.retain_mut(|refresh| refresh.as_mut().poll(cx).is_pending());
            if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// How each issuer is, in the order they were given.
    #[must_use]
    pub fn status(&self) -> Vec<IssuerStatus> {
        let status = |issuer: &Issuer| IssuerStatus {
            issuer: Arc::clone(&issuer.config.issuer),
            directory: Arc::clone(&issuer.directory),
            ready: issuer.keys.usable().is_some(),
            problem: issuer.keys.problem(),
        };
        self.0.issuers.iter().map(status).collect()
    }

    /// The directories there are, for rules that name groups.
    #[must_use]
    pub fn directories(&self) -> Vec<Arc<str>> {
        let mut directories: Vec<_> =
            self.0.issuers.iter().map(|issuer| Arc::clone(&issuer.directory)).collect();
        directories.sort();
        directories.dedup();
        directories
    }

    /// What works, but hardly is meant, one sentence each; also logged at start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0.issuers.iter().flat_map(|issuer| diagnose::warnings(&issuer.config)).collect()
    }

    /// Who shows `token`.
    ///
    /// # Errors
    ///
    /// When it is not a good access token for this service (401), does not entitle to it (403), or when that
    /// cannot be known because the issuer's keys cannot be had (503).
    pub async fn verify(&self, token: &str) -> Result<Arc<Identity>, Denial> {
        let key = TokenCache::key(token);
        if let Some(identity) = self.remembered(&key).await? {
            return Ok(identity);
        }
        let compact = Compact::parse(token)?;
        if compact.nested {
            return Err(JwsError::Encrypted.into());
        }
        let document = claims::parse(compact.payload()?)?;
        let wrong_issuer = || Denial::invalid_token("wrong_issuer").with_reason("iss");
        let (index, issuer) = {
            let iss = document.root().get("iss").and_then(Value::as_str).ok_or_else(wrong_issuer)?;
            let found = self.0.issuers.iter().enumerate().find(|(_, issuer)| issuer.is_called(&iss));
            found.ok_or_else(wrong_issuer)?
        };
        let verified = issuer.verify(&compact, document, self.0.clock.now()).await?;
        self.0.cache.keep(key, index, &verified);
        Ok(verified.identity)
    }

    /// A token that was good before, if time has not run out and its key has not been withdrawn.
    async fn remembered(&self, key: &Digest) -> Result<Option<Arc<Identity>>, Denial> {
        let Some(entry) = self.0.cache.find(key) else {
            return Ok(None);
        };
        let Some(issuer) = self.0.issuers.get(entry.issuer) else {
            return Ok(None);
        };
        if let Err(denial) = entry.times.check(self.0.clock.now()) {
            self.0.cache.forget(key);
            return Err(denial);
        }
        let keys = issuer.keys.current().await;
        Ok(keys.is_some_and(|keys| keys.generation == entry.generation).then_some(entry.identity))
    }
}

impl Authenticate for OidcVerifier {
    async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        if credential.source() != Source::Authorization {
            // An access token where keys go would be sent on by the first proxy that thinks it a provider's key.
            return Err(Denial::no_credentials());
        }
        self.verify(credential.token()).await
    }
}

/// How an issuer is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IssuerStatus {
    /// The issuer's name.
    pub issuer: Arc<str>,
    /// The directory it vouches for.
    pub directory: Arc<str>,
    /// Whether its tokens can be verified.
    pub ready: bool,
    /// What went wrong with the last fetch of its keys, if anything did.
    pub problem: Option<String>,
}

/// For keys that are never fetched.
#[derive(Debug)]
struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&self, _: Request<Bytes>) -> FetchFuture {
        Box::pin(async { Err(FetchError::Connect("nothing is fetched here".into())) })
    }
}
