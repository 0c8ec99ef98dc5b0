//! Proof of possession (DPoP, RFC 9449): tokens that are bound to a key of their client's, and of no use without it.
//!
//! A bound token comes as `Authorization: DPoP …` with one `DPoP` header: a JWT, signed by that key for this method and
//! URL, now, once, and with this token. [`OidcVerifier::dpop`](crate::OidcVerifier::dpop) accepts such tokens; without it
//! they are refused, and as `Bearer` they always are.
//!
//! ```
//! use attach_auth::dpop::Dpop;
//!
//! // The address that clients call.
//! let dpop = Dpop::new("https://llm.example.com")?;
//! # let _ = dpop;
//! # Ok::<(), attach_auth::ConfigError>(())
//! ```

mod nonce;
mod proof;
mod target;
mod thumbprint;
mod verifier;

pub use self::verifier::Dpop;
