use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Fetch;

use super::diagnose;
use super::fetching::OwnFetch;
use super::introspection::Introspection;
use super::preset::Preset;
use super::url;
use crate::ConfigError;
use crate::jws::{Algorithm, KeySet};
use attach_core::identity::ClaimPath;

/// One issuer of tokens: whose they are, what they are for, and what they have to say.
///
/// ```
/// use attach_auth::{IssuerConfig, Preset};
///
/// let okta = IssuerConfig::new(
///     Preset::Okta,
///     "https://dev-123456.okta.com/oauth2/default",
///     ["api://default".to_owned()],
/// )?
/// .directory("acme")
/// .required_scopes(["llm"]);
/// # let _ = okta;
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct IssuerConfig {
    pub(super) preset: Preset,
    pub(super) issuer: Arc<str>,
    pub(super) audiences: Vec<String>,
    pub(super) directory: Option<Arc<str>>,
    pub(super) required_scopes: Vec<Box<str>>,
    pub(super) client_ids: Vec<Box<str>>,
    pub(super) groups: Vec<ClaimPath>,
    pub(super) groups_configured: bool,
    pub(super) allowed_groups: Vec<Box<str>>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) leeway: Duration,
    pub(super) max_lifetime: Duration,
    pub(super) hosted_domains: Vec<Box<str>>,
    pub(super) accept_id_tokens: bool,
    pub(super) require_at_jwt: bool,
    /// Who is entitled is decided by somebody else, so that nothing is said about it here.
    pub(super) entitled_elsewhere: bool,
    pub(super) development: bool,
    pub(super) jwks_uri: Option<Box<str>>,
    pub(super) jwks: Option<Arc<KeySet>>,
    pub(super) introspection: Option<Introspection>,
    pub(super) fetch: Option<OwnFetch>,
}

impl IssuerConfig {
    /// Tokens whose `iss` is `issuer`, byte for byte, and whose `aud` has one of `audiences`.
    ///
    /// # Errors
    ///
    /// When the issuer is not an `https` URL (`http` on loopback), is one that the provider does not sign tokens
    /// for us by, or when there is no audience.
    pub fn new(
        preset: Preset,
        issuer: &str,
        audiences: impl IntoIterator<Item = String>,
    ) -> Result<Self, ConfigError> {
        let audiences: Vec<String> = audiences.into_iter().collect();
        diagnose::issuer(preset, issuer)?;
        diagnose::audiences(preset, &audiences)?;
        let habits = preset.habits();
        Ok(Self {
            preset,
            issuer: issuer.into(),
            audiences,
            directory: None,
            required_scopes: Vec::new(),
            client_ids: Vec::new(),
            groups: habits.groups.iter().map(|path| ClaimPath::literal(path)).collect(),
            groups_configured: false,
            allowed_groups: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(24 * 60 * 60),
            hosted_domains: Vec::new(),
            accept_id_tokens: habits.id_tokens,
            require_at_jwt: false,
            entitled_elsewhere: false,
            development: false,
            jwks_uri: None,
            jwks: None,
            introspection: None,
            fetch: None,
        })
    }

    /// The directory whose people these are; the issuer's host unless set. Issuers of one organisation share one.
    pub fn directory(mut self, directory: impl Into<Arc<str>>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Scopes that a token has to have, all of them.
    pub fn required_scopes<T: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.required_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The OAuth clients whose tokens are accepted; any of the audience unless set.
    pub fn client_ids<T: Into<Box<str>>>(mut self, client_ids: impl IntoIterator<Item = T>) -> Self {
        self.client_ids = client_ids.into_iter().map(Into::into).collect();
        self
    }

    /// The claim that lists groups, as a name or a JSON pointer, instead of where the provider usually lists them.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn groups_claim(mut self, path: &str) -> Result<Self, ConfigError> {
        self.groups = vec![ClaimPath::parse(path)?];
        self.groups_configured = true;
        Ok(self)
    }

    /// Groups of which a caller has to be in one; anybody unless set.
    pub fn allowed_groups<T: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = T>) -> Self {
        self.allowed_groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// The algorithms that are accepted; every asymmetric one unless set.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far the clocks of provider and service may be apart; 60 seconds unless set.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The longest time from a token's issue to its end; 24 hours unless set.
    pub fn max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.max_lifetime = max_lifetime;
        self
    }

    /// A Google Workspace domain (`hd`) whose people are accepted. May be called for several.
    pub fn hosted_domain(mut self, domain: impl Into<Box<str>>) -> Self {
        self.hosted_domains.push(domain.into());
        self
    }

    /// Whether ID tokens are accepted as well, which were made for a client's eyes; only Google's are unless set.
    pub fn accept_id_tokens(mut self, accept: bool) -> Self {
        self.accept_id_tokens = accept;
        self
    }

    /// Whether a token has to call itself `at+jwt`, as RFC 9068 has it and most providers do not.
    pub fn require_at_jwt(mut self, require: bool) -> Self {
        self.require_at_jwt = require;
        self
    }

    /// Whether an issuer is accepted that calls itself a development issuer. Never in production.
    pub fn development(mut self, development: bool) -> Self {
        self.development = development;
        self
    }

    /// Where the issuer's keys are, instead of where its discovery document says.
    ///
    /// # Errors
    ///
    /// When it is not an `https` URL (`http` on loopback).
    pub fn jwks_uri(mut self, url: &str) -> Result<Self, ConfigError> {
        url::checked("jwks_uri", url)?;
        self.jwks_uri = Some(url.into());
        Ok(self)
    }

    /// The issuer's keys themselves, as a JSON Web Key Set; nothing is fetched.
    ///
    /// # Errors
    ///
    /// When it is not a set with a usable key.
    pub fn jwks(mut self, json: &[u8]) -> Result<Self, ConfigError> {
        let keys =
            KeySet::parse(json).map_err(|error| ConfigError::new(format!("{}: {error}", self.issuer)))?;
        self.jwks = Some(Arc::new(keys));
        Ok(self)
    }

    /// How the issuer is asked about tokens that cannot be verified here (RFC 7662): every token that is no JWT, and
    /// the JWTs of issuers whose keys are not for us. One issuer of a verifier takes opaque tokens at most.
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }

    /// Fetches this issuer's documents by `fetch` instead of the verifier's. `what` says what is special about it, and
    /// tells it from another when the verifier is [reconfigured](crate::OidcVerifier::reconfigured).
    pub fn fetch(mut self, what: impl Into<Box<str>>, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(OwnFetch { what: what.into(), fetch });
        self
    }
}

impl IssuerConfig {
    /// The issuer, byte for byte as in its tokens' `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The directory whose people these are; the issuer's host unless set.
    #[must_use]
    pub fn directory_name(&self) -> Arc<str> {
        self.directory.clone().unwrap_or_else(|| diagnose::default_directory(self).into())
    }

    /// The audiences of which a token has to have one.
    #[must_use]
    pub fn audiences(&self) -> impl ExactSizeIterator<Item = &str> {
        self.audiences.iter().map(String::as_str)
    }

    /// The OAuth clients whose tokens are accepted; none if any of the audience are.
    #[must_use]
    pub fn clients(&self) -> impl ExactSizeIterator<Item = &str> {
        self.client_ids.iter().map(|client| &**client)
    }

    /// The same issuer's tokens for other audiences, whatever scopes, clients and groups they have; the audience has to be
    /// said. For a listener that decides by rules of its own who is entitled.
    pub fn for_audiences(mut self, audiences: impl IntoIterator<Item = String>) -> Self {
        self.audiences = audiences.into_iter().collect();
        self.required_scopes.clear();
        self.client_ids.clear();
        self.allowed_groups.clear();
        self.entitled_elsewhere = true;
        self.introspection =
            self.introspection.map(|asked| asked.accept_missing_audience(false).accept_missing_type(false));
        self
    }

    /// The longest time from a token's issue to its end.
    #[must_use]
    pub fn longest_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// The scopes a token must have.
    #[must_use]
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.required_scopes.iter().map(|scope| &**scope)
    }
}

impl IssuerConfig {
    /// Whether tokens with this `iss` are this issuer's.
    pub(super) fn is_called(&self, iss: &str) -> bool {
        *self.issuer == *iss || self.preset.habits().aliases.contains(&iss)
    }

    /// Whether the provider is asked about the issuer's JWTs.
    pub(super) fn introspects_jwts(&self) -> bool {
        let every = self.introspection.as_ref().is_some_and(|introspection| introspection.every_token);
        every || (self.introspection.is_some() && diagnose::is_okta_organisation(self))
    }

    /// Whether tokens that are no JWTs are this issuer's to read. An Okta organisation issues none.
    pub(super) fn takes_opaque(&self) -> bool {
        self.introspection.is_some() && !diagnose::is_okta_organisation(self)
    }
}

impl fmt::Display for IssuerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), directory {}", self.issuer, self.preset, self.directory_name())?;
        write!(f, ", audience {}, leeway {:?}", self.audiences.join(", "), self.leeway)?;
        write!(f, ", lifetime at most {:?}", self.max_lifetime)?;
        if let Some(uri) = &self.jwks_uri {
            write!(f, ", keys at {uri}")?;
        }
        if let Some(own) = &self.fetch {
            write!(f, ", {}", own.what)?;
        }
        if self.algorithms.len() < Algorithm::ALL.len() {
            let names: Vec<_> = self.algorithms.iter().map(|one| one.as_str()).collect();
            write!(f, ", algorithms {}", names.join(", "))?;
        }
        if self.require_at_jwt {
            write!(f, ", typ at+jwt")?;
        }
        if self.accept_id_tokens {
            write!(f, ", ID tokens accepted")?;
        }
        if let Some(introspection) = &self.introspection {
            write!(f, ", {introspection}")?;
        }
        for (what, list) in [
            ("required_scopes", &self.required_scopes),
            ("client_ids", &self.client_ids),
            ("allowed_groups", &self.allowed_groups),
            ("hosted_domain", &self.hosted_domains),
        ] {
            if !list.is_empty() {
                write!(f, ", {what} {}", list.join(", "))?;
            }
        }
        Ok(())
    }
}
