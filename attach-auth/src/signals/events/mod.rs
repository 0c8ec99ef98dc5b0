//! Security events: CAEP and RISC, by push (RFC 8935) of signed event tokens (RFC 8417).

mod endpoint;
mod event;

pub use self::endpoint::SecurityEvents;

/// Reads `data` as the claims of a security event token. The error is the answer's body.
///
/// # Errors
///
/// When it is none.
pub fn fuzz(data: &[u8]) -> Result<(), bytes::Bytes> {
    let wrong = |what| endpoint::error_body("invalid_request", what).to_string().into();
    let document = attach_core::json::Document::parse(bytes::Bytes::copy_from_slice(data))
        .map_err(|_| wrong("the token is not JSON"))?;
    event::read(document.root(), std::time::SystemTime::UNIX_EPOCH).map(drop).map_err(wrong)
}
