//! A compact JWS (RFC 7515 §3.1) taken apart, nothing believed yet.

use attach_core::json::{Document, Kind, Value};

use super::algorithm::Algorithm;
use super::base64::decode;
use super::error::JwsError;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Header members by which a token says it is more than a plain signature.
const NO_PLAIN_JWS: [(&str, JwsError); 4] = [
    ("crit", JwsError::Critical),
    ("b64", JwsError::Critical),
    ("zip", JwsError::MalformedHeader),
    ("enc", JwsError::Encrypted),
];

/// A token whose header was read. Keys that travel in it (`jku`, `jwk`, `x5u`, `x5c`) are not even looked at.
pub(crate) struct Compact<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
    pub(crate) typ: Option<Box<str>>,
    pub(crate) nested: bool,
    pub(super) signed: &'a str,
    payload: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN {
            return Err(JwsError::TooLarge);
        }
        let dots = token.bytes().filter(|byte| *byte == b'.').count();
        if dots != 2 {
            return Err(if dots == 4 { JwsError::Encrypted } else { JwsError::Malformed });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        let header = decode(header).filter(|header| !header.is_empty()).ok_or(JwsError::Malformed)?;
        let header = Document::parse(header.into()).map_err(|_| JwsError::MalformedHeader)?;
        let header = header.root();
        if header.kind() != Kind::Object {
            return Err(JwsError::MalformedHeader);
        }
        if let Some((_, error)) = NO_PLAIN_JWS.iter().find(|(member, _)| header.get(member).is_some()) {
            return Err(*error);
        }
        let text = |member| text(header, member);
        let algorithm = text("alg")?.ok_or(JwsError::MalformedHeader)?;
        Ok(Self {
            algorithm: algorithm.parse().map_err(|_| JwsError::AlgorithmNotAllowed)?,
            kid: text("kid")?,
            typ: text("typ")?,
            nested: text("cty")?.is_some_and(|cty| cty.eq_ignore_ascii_case("jwt")),
            signed,
            payload,
            signature: decode(signature).ok_or(JwsError::Malformed)?,
        })
    }

    /// What was signed, or is said to have been.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, JwsError> {
        decode(self.payload).ok_or(JwsError::Malformed)
    }
}

/// A member that has to be a string if it is there.
fn text(header: Value<'_>, member: &str) -> Result<Option<Box<str>>, JwsError> {
    header
        .get(member)
        .map(|value| value.as_str().map(Into::into).ok_or(JwsError::MalformedHeader))
        .transpose()
}
