//! Network access for the layers: key sets, introspection, remote engines, log egress.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};

/// A future of [`Fetch::fetch`].
pub type FetchFuture = Pin<Box<dyn Future<Output = Result<Response<Bytes>, FetchError>> + Send>>;

/// Sends one small HTTP request and returns the whole answer.
///
/// An implementation bounds the time, the size of the answer and the number of connections, and follows no
/// redirect. `client::Client` is the one that comes with the crate (feature `client`).
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`.
    fn fetch(&self, request: Request<Bytes>) -> FetchFuture;
}

/// Why a fetch brought nothing. The text names no header and no body.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or it broke.
    Connect(Box<str>),
    /// No complete answer in time.
    Timeout,
    /// The answer was longer than the implementation accepts.
    TooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "connection failed: {why}"),
            Self::Timeout => f.write_str("no complete answer in time"),
            Self::TooLarge => f.write_str("answer too large"),
        }
    }
}

impl std::error::Error for FetchError {}
