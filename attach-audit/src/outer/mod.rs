//! The outer half: [`AuditLayer`].

mod body;
mod future;
mod hold;
mod layer;
mod service;

pub use self::body::CatchPanic;
pub use self::future::ResponseFuture;
pub use self::layer::AuditLayer;
pub use self::service::Audited;
