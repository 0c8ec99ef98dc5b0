//! Who is calling, and may they: [`tower`] layers that tie every request to a verified person or machine and hold it
//! to rules. [`AuthLayer`] verifies access tokens of any OpenID Connect provider, strictly and without a round trip,
//! answers 401, 403 and 503 as RFC 6750 has it, and lets no credential through; [`PolicyLayer`] decides which models,
//! operations and hosted tools a caller may use. Each works alone in any `http` service.
//!
//! ```
//! use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier, PolicyLayer, Preset};
//! use attach_auth::policy::{Rule, Rules};
//!
//! # let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let issuer = IssuerConfig::new(Preset::Keycloak, "https://sso.acme.example/realms/acme", ["llm".to_owned()])?;
//! let verifier = OidcVerifier::static_keys(issuer, jwks)?;
//! let rules = Rules::deny_by_default()
//!     .allow(Rule::new("engineers").groups(["eng"]).models(["gpt-4*".parse()?]))?;
//!
//! // With axum: `router.layer(policy).layer(auth)`.
//! let auth = AuthLayer::new(verifier);
//! let policy = PolicyLayer::new(rules);
//! # let _ = (auth, policy);
//! # Ok::<(), attach_auth::ConfigError>(())
//! ```
//!
//! The inner service finds an `Arc<`[`Identity`]`>` in the request's extensions.
//!
//! | feature | adds |
//! |---|---|
//! | `discovery` (default) | finds an issuer's keys by OpenID Connect Discovery, through `openidconnect`; without it keys are given, or their URL is |
//! | `sqlite` | state that survives a restart: [`state`] in a file of one node |
//! | `redis` | the same for many nodes, in Redis or Valkey; needs a tokio runtime |
//!
//! [`tower`]: https://docs.rs/tower
//! [`Identity`]: attach_core::Identity

pub mod delegation;
pub mod dpop;
pub mod endpoint;
pub mod jws;
pub mod keys;
pub mod metadata;
pub mod oidc;
pub mod policy;
pub mod revocation;
pub mod signals;
pub mod state;

mod authenticate;
mod binding;
mod challenge;
mod claim_path;
mod clock;
mod credential;
mod deadlines;
mod denial;
mod error;
mod headers;
mod layer;
mod notice;
mod once;
mod service;
mod standing;
mod throttle;
mod watch;
mod witness;

pub use self::authenticate::Authenticate;
pub use self::clock::Clock;
pub use self::credential::{Credential, Source};
pub use self::denial::Denial;
pub use self::error::ConfigError;
pub use self::layer::AuthLayer;
pub use self::oidc::{IssuerConfig, IssuerStatus, OidcVerifier, Preset};
pub use self::policy::{Policy, PolicyLayer};
pub use self::revocation::Revocations;
pub use self::service::Auth;
pub use self::witness::{Event, LogWitness, Unwitnessed, Witness};
pub use attach_core::ResponseFuture;
