//! Network access for the layers: key sets, introspection, remote engines, log egress.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};

/// An error with all that caused it, in one line: clients wrap the reason several times.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

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

impl Error for FetchError {}
