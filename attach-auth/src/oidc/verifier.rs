use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use attach_core::fetch::{FetchError, FetchFuture};
use attach_core::json::{Document, Value};
use attach_core::{Fetch, Identity, Peer};
use bytes::Bytes;
use http::Request;
use http::request::Parts;

use super::cache::{Digest, TokenCache};
use super::claims;
use super::config::IssuerConfig;
use super::diagnose;
use super::introspection::{Introspector, Shown, is_opaque};
use super::issuer::Issuer;
use super::key_files::KeyFiles;
use crate::binding;
use crate::clock::{Clock, SystemClock};
use crate::credential::Source;
use crate::dpop::Dpop;
use crate::jws::{Compact, JwsError};
use crate::keys::Secret;
use crate::{Authenticate, ConfigError, Credential, Denial};

/// Tokens that are remembered as good.
const CACHE: usize = 10_000;

/// Verifies access tokens of one or more issuers, and says whose they are.
///
/// Cheap to clone; clones share keys and cache. Keys are fetched when a token asks for them;
/// [`refresh`](Self::refresh), called at start and from a timer, has them ready before.
#[derive(Debug, Clone)]
pub struct OidcVerifier(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) issuers: Vec<Arc<Issuer>>,
    pub(super) cache: Arc<TokenCache>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) files: OnceLock<KeyFiles>,
    pub(super) dpop: OnceLock<Arc<Dpop>>,
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
    pub fn with_clock(
        issuers: Vec<IssuerConfig>,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        check(&issuers)?;
        let make = |config| Arc::new(Issuer::new(config, &fetch, &clock));
        let issuers = issuers.into_iter().map(make).collect();
        let cache = Arc::new(TokenCache::new(CACHE));
        Ok(Self::with(Inner { issuers, cache, clock, fetch, files: OnceLock::new(), dpop: OnceLock::new() }))
    }

    pub(super) fn with(inner: Inner) -> Self {
        let verifier = Self(Arc::new(inner));
        for warning in verifier.warnings() {
            tracing::warn!("{warning}");
        }
        verifier
    }

    /// Keeps the last good key sets in `files`, and begins with those that were kept there no longer than a day ago,
    /// so that a restart while a provider is away refuses nobody. Reads files: for the start of a service.
    #[must_use]
    pub fn key_files(self, files: KeyFiles) -> Self {
        let files = self.0.files.get_or_init(|| files);
        for issuer in &self.0.issuers {
            issuer.keys.keep_in(files);
        }
        self
    }

    /// Accepts tokens that are bound to a key, with the proofs that `dpop` describes (RFC 9449). The first one set stays.
    #[must_use]
    pub fn dpop(self, dpop: Dpop) -> Self {
        self.0.dpop.get_or_init(|| Arc::new(dpop));
        self
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
        let mut running: Vec<_> = self.0.issuers.iter().map(|issuer| Box::pin(issuer.refresh())).collect();
        std::future::poll_fn(|cx| {
            running.retain_mut(|refresh| refresh.as_mut().poll(cx).is_pending());
            if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// How each issuer is, in the order they were given.
    #[must_use]
    pub fn status(&self) -> Vec<IssuerStatus> {
        let status = |issuer: &Arc<Issuer>| IssuerStatus {
            issuer: Arc::clone(&issuer.facts.config.issuer),
            directory: Arc::clone(&issuer.facts.directory),
            ready: issuer.is_ready(),
            problem: issuer.problem(),
            keys_age: issuer.keys_age(),
        };
        self.0.issuers.iter().map(status).collect()
    }

    /// The directories there are, for rules that name groups.
    #[must_use]
    pub fn directories(&self) -> Vec<Arc<str>> {
        let mut directories: Vec<_> =
            self.0.issuers.iter().map(|issuer| Arc::clone(&issuer.facts.directory)).collect();
        directories.sort();
        directories.dedup();
        directories
    }

    /// What works, but hardly is meant, one sentence each; also logged at start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0.issuers.iter().flat_map(|issuer| diagnose::warnings(&issuer.facts.config)).collect()
    }

    /// Who shows `token`.
    ///
    /// # Errors
    ///
    /// When it is not a good access token for this service (401), does not entitle to it (403), or when that
    /// cannot be known because the issuer's keys cannot be had (503).
    pub async fn verify(&self, token: &str) -> Result<Arc<Identity>, Denial> {
        self.verify_from(token, None).await
    }

    /// Who shows `token` from `peer`, whose junk is asked about only so often.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify); also when the issuer is not asked about more tokens now (503).
    pub async fn verify_from(&self, token: &str, peer: Option<&Peer>) -> Result<Arc<Identity>, Denial> {
        let identity = self.recognise(token, peer).await?;
        binding::refuse(&identity)?;
        Ok(identity)
    }

    /// Whose `token` is. Whether whoever shows it has the key that it may be bound to is not asked.
    async fn recognise(&self, token: &str, peer: Option<&Peer>) -> Result<Arc<Identity>, Denial> {
        let key = TokenCache::key(token);
        if let Some(identity) = self.remembered(&key).await? {
            return Ok(identity);
        }
        if Secret::looks_like(token) {
            // A gateway key is no provider's business: it is shown to none.
            return Err(Denial::invalid_token("invalid_key").with_reason("key_not_taken_here"));
        }
        // Boxed: most tokens are known, and their requests would have room for all of this.
        Box::pin(self.meet(Shown { token, key, peer })).await
    }

    /// Whose token it is that was not seen before.
    async fn meet(&self, shown: Shown<'_>) -> Result<Arc<Identity>, Denial> {
        let Shown { token, key, .. } = shown;
        if is_opaque(token)
            && let Some(found) = self.reader()
        {
            let (issuer, introspector) = found;
            return introspector.verify(shown, &issuer.facts).await;
        }
        let compact = Compact::parse(token)?;
        if compact.nested {
            return Err(JwsError::Encrypted.into());
        }
        let document = claims::parse(compact.payload()?)?;
        let issuer = self.issuer_of(&document)?;
        if let Some(introspector) = issuer.reads_jwts() {
            return introspector.verify(shown, &issuer.facts).await;
        }
        let verified = issuer.verify(&compact, document, self.0.clock.now()).await?;
        self.0.cache.keep(key, issuer.serial, &verified);
        Ok(verified.identity)
    }

    /// Whom to ask about opaque tokens.
    fn reader(&self) -> Option<(&Issuer, &Introspector)> {
        self.0.issuers.iter().find_map(|issuer| Some((&**issuer, issuer.reads_opaque()?)))
    }

    /// The issuer that the claims name; nothing is verified yet.
    fn issuer_of(&self, claims: &Document) -> Result<&Issuer, Denial> {
        let wrong = || Denial::invalid_token("wrong_issuer").with_reason("iss");
        let iss = claims.root().get("iss").and_then(Value::as_str).ok_or_else(wrong)?;
        self.issuer(&iss).ok_or_else(wrong)
    }

    /// The issuer that is called `iss`.
    pub(super) fn issuer(&self, iss: &str) -> Option<&Issuer> {
        self.0.issuers.iter().map(|issuer| &**issuer).find(|issuer| issuer.facts.config.is_called(iss))
    }

    /// A token that was good before, if time has not run out and its key has not been withdrawn.
    async fn remembered(&self, key: &Digest) -> Result<Option<Arc<Identity>>, Denial> {
        let Some(entry) = self.0.cache.find(key) else {
            return Ok(None);
        };
        let Some(issuer) = self.0.issuers.iter().find(|issuer| issuer.serial == entry.issuer) else {
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
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        let dpop = self.0.dpop.get().map(|dpop| &**dpop);
        if credential.source() == Source::Dpop && dpop.is_none() {
            return Err(Denial::no_credentials().with_reason("unsupported_scheme"));
        }
        if credential.source() == Source::ApiKey {
            // An access token where keys go would be sent on by the first proxy that thinks it a provider's key.
            return Err(Denial::no_credentials());
        }
        let identity = self.recognise(credential.token(), parts.extensions.get::<Peer>()).await?;
        binding::check(&identity, credential, parts, dpop).await?;
        Ok(identity)
    }
}

/// Whether these issuers can be meant, and can be reached by this build.
pub(super) fn check(issuers: &[IssuerConfig]) -> Result<(), ConfigError> {
    diagnose::configs(issuers)?;
    let lost = |issuer: &&IssuerConfig| issuer.jwks.is_none() && issuer.jwks_uri.is_none();
    match issuers.iter().find(lost) {
        Some(lost) if cfg!(not(feature = "discovery")) => Err(ConfigError::new(format!(
            "`{}` needs a jwks_uri or its keys: built without `discovery`",
            lost.issuer
        ))),
        _ => Ok(()),
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
    /// How long ago the provider confirmed its keys; `None` if it never did, or they do not come from it.
    pub keys_age: Option<Duration>,
}

/// For keys that are never fetched.
#[derive(Debug)]
struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&self, _: Request<Bytes>) -> FetchFuture {
        Box::pin(async { Err(FetchError::Connect("nothing is fetched here".into())) })
    }
}
