use std::fmt;
use std::sync::Arc;

use http::Extensions;

use crate::Rejection;

/// What the bytes of a request's body still have to be held against, by whoever reads them.
///
/// A layer that sees heads alone may have believed a promise about the body, as a signed digest of it (RFC 9530).
/// It leaves the promise in the request's extensions; [`Payload::take`](crate::Payload::take) sees to it that it is
/// kept before a byte of the body is parsed.
///
/// ```
/// use attach_core::{BodyCheck, Rejection};
///
/// let check = BodyCheck::new(|body| {
///     if body == b"{}" { Ok(()) } else { Err(Rejection::bad_request("digest_mismatch", "another body was promised")) }
/// });
/// assert!(check.check(b"{}").is_ok());
/// assert_eq!(check.check(b"[]").unwrap_err().code(), "digest_mismatch");
/// ```
#[derive(Clone)]
pub struct BodyCheck(Arc<Check>);

type Check = dyn Fn(&[u8]) -> Result<(), Rejection> + Send + Sync;

impl BodyCheck {
    /// The body has to pass `check`.
    #[must_use]
    pub fn new(check: impl Fn(&[u8]) -> Result<(), Rejection> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// Whether `body` is what was promised.
    ///
    /// # Errors
    ///
    /// The refusal, if it is not.
    pub fn check(&self, body: &[u8]) -> Result<(), Rejection> {
        (self.0)(body)
    }

    /// Holds `body` against the promise in `extensions`, if there is one, and takes it out: a layer further inside may
    /// change the body, which is then no longer the sender's.
    pub(crate) fn settle(extensions: &mut Extensions, body: &[u8]) -> Result<(), Rejection> {
        extensions.remove::<Self>().map_or(Ok(()), |check| check.check(body))
    }
}

impl fmt::Debug for BodyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyCheck")
    }
}
