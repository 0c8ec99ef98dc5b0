//! A [`tower`] layer that holds LLM calls to token and request limits.
//!
//! Before a call goes on, what it will probably use is reserved under every limit at once. While the answer runs,
//! its tokens are followed live; when it ends, however it ends, the reservation is settled to what was used: as the
//! upstream reported it, else as counted on the way. A client that hangs up pays for what was streamed, and a burst
//! of concurrent calls cannot sail past a limit.
//!
//! ```
//! use attach_core::{Body, Identity};
//! use attach_quota::{Limit, QuotaLayer, Rate};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(QuotaLayer::new(vec![
//!         Limit::tokens("tokens-per-user", Rate::per_minute(60_000)),
//!         Limit::requests("requests-per-user", Rate::per_second(1)),
//!     ]))
//!     .service(service_fn(|_: Request<Body>| async {
//!         let answer = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#;
//!         let answer = Body::from(bytes::Bytes::from(answer));
//!         Response::builder().header("content-type", "application/json").body(answer)
//!     }));
//!
//! let call = || {
//!     let body = r#"{"model":"llama3","messages":[{"role":"user","content":"hello"}]}"#;
//!     Request::post("/v1/chat/completions")
//!         .extension(Identity::person("acme", "alice")) // what attach-auth does
//!         .body(http_body_util::Full::new(bytes::Bytes::from(body)))
//! };
//! let answer = service.clone().oneshot(call()?).await?;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.headers()["x-ratelimit-limit-tokens"], "60000");
//!
//! let refused = service.oneshot(call()?).await?;
//! assert_eq!(refused.status(), 429);
//! assert_eq!(refused.headers()["retry-after"], "1");
//! # Ok(())
//! # }
//! ```
//!
//! | feature | adds |
//! |---|---|
//! | `redis` | `store::RedisStore`: counts that many nodes share, in Redis or Valkey |
//! | `sqlite` | `store::SqliteStore`: budgets of one node survive restarts |
//! | `tiktoken` | OpenAI's tokenizers for the estimates |
//!
//! [`tower`]: https://docs.rs/tower

pub mod overrides;
pub mod store;

mod alerts;
mod bill;
mod caller;
mod clamp;
mod clock;
mod cut;
mod estimate;
mod fair;
mod headers;
mod include_usage;
mod layer;
mod lease;
mod limit;
mod metrics;
mod price;
mod reconfigure;
mod refusal;
mod service;
mod standings;
mod tariff;

pub use self::alerts::Alert;
pub use self::clock::{Clock, SystemClock};
#[cfg(feature = "tiktoken")]
pub use self::estimate::Tiktoken;
pub use self::estimate::Tokenizer;
pub use self::layer::QuotaLayer;
pub use self::limit::{
    Action, Amount, Budget, Limit, Period, Rate, RateError, Scope, TimeZoneError, Unit, Unpriced, Weights,
    WhenDown, Window,
};
pub use self::overrides::{Grant, Overrides};
pub use self::price::{Price, Prices};
pub use self::service::Quota;
pub use self::standings::Allowance;
pub use self::store::Store;
pub use attach_core::ResponseFuture;
