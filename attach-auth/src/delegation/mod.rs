//! Trusted front ends: programs such as Open WebUI or LibreChat that sign their own users in and call models for them.
//!
//! A front end authenticates like any machine, and may then speak for a person in one of two ways: it passes the
//! person's own access token (`X-Attach-On-Behalf-Of: Bearer …`), which is verified like any other; or it says who it
//! is in headers (`X-Attach-User` and its kin) that it signs, with method, path, the body's digest, time and nonce, by
//! RFC 9421 and RFC 9530. The caller then is the person, as [`Delegated`](attach_core::identity::Proof::Delegated), and
//! the front end is the [`actor`](attach_core::Identity::actor): no assurance, no group that the front end may not
//! assert, and losing either of the two ends it.
//!
//! ```
//! use attach_auth::delegation::{Delegation, FrontEnd, SigningKey};
//!
//! let web_ui = FrontEnd::client("open-webui", "acme", "open-webui")
//!     .tokens()
//!     .key(SigningKey::hmac_sha256("2026-01", b"32 bytes or more of a shared secret")?)
//!     .groups(["chat-*"]);
//! let delegation = Delegation::new([web_ui])?;
//! # let _ = delegation;
//! # Ok::<(), attach_auth::ConfigError>(())
//! ```
//!
//! Headers of everybody else that look like these are taken out of the request and mean nothing.

mod asserted;
mod front_end;
mod key;
mod registry;
mod signature;
mod signed;

pub use self::front_end::FrontEnd;
pub use self::key::SigningKey;
pub use self::registry::Delegation;

pub(crate) use self::asserted::Asserted;
