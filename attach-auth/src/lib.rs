//! Who is calling, and may they: [`tower`] layers that tie every request to a verified person or machine, hold it to rules,
//! and refuse who lost the right to go on. One layer is enough to begin with:
//!
//! ```
//! use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier, Preset};
//!
//! # let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let issuer = IssuerConfig::new(Preset::Keycloak, "https://sso.acme.example/realms/acme", ["llm".to_owned()])?;
//! let verifier = OidcVerifier::static_keys(issuer, jwks)?; // or `new`, which finds the keys
//! let app: axum::Router = axum::Router::new()
//!     .route("/", axum::routing::get(async || "hello"))
//!     .layer(AuthLayer::new(verifier));
//! # let _ = app;
//! # Ok::<(), attach_auth::ConfigError>(())
//! ```
//!
//! [`AuthLayer`] verifies access tokens of any OpenID Connect provider, strictly and without a round trip, answers 401, 403
//! and 503 as RFC 6750, 9470 and 9728 have it, and lets no credential through. The inner service finds an
//! `Arc<`[`Identity`]`>` in the request's extensions. [`PolicyLayer`] decides which models, operations and hosted tools a
//! caller may use. Each works alone in any `http` service.
//!
//! | module | what it is for |
//! |---|---|
//! | [`oidc`] | tokens of identity providers: presets, key sets, introspection (RFC 7662) |
//! | [`policy`] | rules over who, what and where to; requirements of assurance with step-up |
//! | [`revocation`], [`signals`] | who lost the right to go on; SCIM, logout signals and security events that say so |
//! | [`keys`] | gateway keys for tools that only know API keys, identities for services |
//! | [`delegation`], [`dpop`] | front ends that call for their users; tokens bound to a key (RFC 9449) |
//! | [`state`] | what all of this is kept in: memory, a file, Redis |
//! | [`endpoint`], [`metadata`] | small HTTP interfaces beside a service; RFC 9728 |
//! | [`jws`] | the signatures themselves |
//!
//! | feature | adds |
//! |---|---|
//! | `discovery` (default) | finds an issuer's keys by OpenID Connect Discovery, through `openidconnect`; without it keys are given, or their URL is |
//! | `sqlite` | `state::Sqlite`: revocations, keys and users of one node survive a restart |
//! | `redis` | `state::Redis`: many nodes share them |
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
mod clock;
mod credential;
mod deadlines;
mod denial;
mod error;
mod failures;
mod headers;
mod hex;
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
