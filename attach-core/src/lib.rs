//! The vocabulary the Attach layers share, and the mechanisms they all need.
//!
//! Each of `attach-auth`, `attach-quota`, `attach-redact` and `attach-audit` is a [`tower`] layer that works
//! alone; stacked, they have to talk about the same person, the same parsed body and the same token count
//! without depending on each other. That is what this crate holds, and nothing else: a type is here only when
//! two crates need it. There is no runtime and no server in it.
//!
//! ```
//! use attach_core::{Api, Payload};
//!
//! let body = br#"{"model":"llama3","messages":[{"role":"user","content":"hello"}]}"#;
//! let payload = Payload::parse(Api::OpenAiChat, body.as_slice().into())?;
//! assert_eq!(payload.call().model.as_str(), "llama3");
//! assert!(!payload.call().stream);
//! # Ok::<(), attach_core::Rejection>(())
//! ```
//!
//! | feature | adds |
//! |---|---|
//! | `aws` | `aws::Signer`: requests signed for Amazon's services |
//! | `client` | `client::Client`, the one HTTP client behind [`Fetch`] (hyper-util and rustls) |
//!
//! [`tower`]: https://docs.rs/tower

#[cfg(feature = "aws")]
pub mod aws;
pub mod body;
pub mod call;
#[cfg(feature = "client")]
pub mod client;
pub mod destination;
pub mod exchange;
pub mod fetch;
pub mod identity;
pub mod json;
pub mod usage;

mod body_check;
mod future;
mod outcome;
mod payload;
mod peer;
mod rejection;

pub use self::body::{Body, BoxError, ResponseBody};
pub use self::body_check::BodyCheck;
pub use self::call::{Api, Call, Dialect};
pub use self::destination::Destination;
pub use self::exchange::{Exchange, ExchangeId};
pub use self::fetch::Fetch;
pub use self::future::{PassFuture, ResponseFuture};
pub use self::identity::Identity;
pub use self::outcome::Outcome;
pub use self::payload::Payload;
pub use self::peer::{Peer, TlsFacts};
pub use self::rejection::Rejection;
pub use self::usage::Usage;
