use std::fmt;

use attach_core::json::{Document, Kind, Value};
use aws_lc_rs::signature::ParsedPublicKey;

use super::algorithm::Algorithm;
use super::compact::Compact;
use super::error::{JwsError, KeySetError};
use super::jwk::{Key, is_private, is_symmetric};

/// The public keys of one issuer (RFC 7517 §5).
///
/// ```
/// use attach_auth::jws::KeySet;
///
/// // RFC 8037, appendix A.
/// let keys = KeySet::parse(
///     br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
/// )?;
/// let payload = keys.verify(concat!(
///     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCj",
///     "P0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
/// ))?;
/// assert_eq!(payload, b"Example of Ed25519 signing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeySet {
    keys: Vec<Key>,
    ignored: usize,
    symmetric: usize,
    development: bool,
}

impl KeySet {
    /// Keys of one set that are used; the rest of it is ignored.
    pub const MAX_KEYS: usize = 100;

    /// Reads a JSON Web Key Set. Keys that are weak, of an unknown type or not for verification are ignored.
    ///
    /// # Errors
    ///
    /// When the set is not strict JSON of the right shape, publishes a private or symmetric key, or has no key left.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let keys = Self::read(json)?;
        if keys.symmetric > 0 { Err(KeySetError::PrivateKey) } else { Ok(keys) }
    }

    /// Reads the set that an issuer publishes: one key too many must not shut out everybody.
    ///
    /// Symmetric keys are ignored, for nothing is verified by them. A set in which a token's key could not be told
    /// is refused whole, so that whoever holds an earlier one keeps it.
    pub(crate) fn parse_published(json: &[u8]) -> Result<Self, KeySetError> {
        let keys = Self::read(json)?;
        if keys.is_ambiguous() { Err(KeySetError::Ambiguous) } else { Ok(keys) }
    }

    fn read(json: &[u8]) -> Result<Self, KeySetError> {
        let document = Document::parse(json.to_vec().into()).map_err(|_| KeySetError::Malformed)?;
        let root = document.root();
        let list =
            root.get("keys").filter(|keys| keys.kind() == Kind::Array).ok_or(KeySetError::Malformed)?;
        let (mut keys, mut ignored, mut symmetric) = (Vec::new(), 0, 0);
        for jwk in list.elements() {
            if jwk.kind() != Kind::Object {
                return Err(KeySetError::Malformed);
            }
            if is_symmetric(jwk) {
                symmetric += 1;
                continue;
            }
            if is_private(jwk) {
                return Err(KeySetError::PrivateKey);
            }
            // What will not be used is not worth the arithmetic of reading it.
            match (keys.len() < Self::MAX_KEYS).then(|| Key::parse(jwk)).flatten() {
                Some(key) => keys.push(key),
                None => ignored += 1,
            }
        }
        if keys.is_empty() {
            return Err(if symmetric > 0 { KeySetError::PrivateKey } else { KeySetError::NoUsableKey });
        }
        let development = root.get(DEVELOPMENT_MARK).and_then(Value::as_bool) == Some(true);
        Ok(Self { keys, ignored, symmetric, development })
    }

    /// Reads one JSON Web Key as a set of one.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_single(jwk: &[u8]) -> Result<Self, KeySetError> {
        Self::parse(&[br#"{"keys":["#, jwk, b"]}"].concat())
    }

    /// Verifies a compact JWS with any of the algorithms and returns what was signed.
    ///
    /// Only the signature is looked at: whether the payload is a token for anybody is not decided here.
    ///
    /// # Errors
    ///
    /// When the token is not strictly well-formed, or not signed by the one key of the set that it names.
    pub fn verify(&self, jws: &str) -> Result<Vec<u8>, JwsError> {
        let compact = Compact::parse(jws)?;
        let payload = compact.payload()?;
        self.check(&compact)?;
        Ok(payload)
    }

    /// How many usable keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: a set without a usable key is an error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys of the set were ignored.
    #[must_use]
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// How many symmetric keys the set has. They are not used, and should not be there.
    pub(crate) fn symmetric(&self) -> usize {
        self.symmetric
    }

    /// Whether two keys answer to one `kid` and one algorithm (RFC 7517 §4.5 has the `kid` tell them apart).
    fn is_ambiguous(&self) -> bool {
        let mut named: Vec<&Key> = self.keys.iter().filter(|key| key.kid.is_some()).collect();
        named.sort_by(|a, b| a.kid.cmp(&b.kid));
        let mut groups = named.chunk_by(|a, b| a.kid == b.kid);
        groups.any(|group| {
            Algorithm::ALL
                .into_iter()
                .any(|algorithm| group.iter().filter(|key| key.with(algorithm).is_some()).nth(1).is_some())
        })
    }

    /// The set is a development issuer's.
    pub(crate) fn is_development(&self) -> bool {
        self.development
    }

    pub(crate) fn check(&self, compact: &Compact<'_>) -> Result<(), JwsError> {
        self.select(compact.kid.as_deref(), compact.algorithm)?
            .verify_sig(compact.signed.as_bytes(), &compact.signature)
            .map_err(|_| JwsError::Signature)
    }

    /// The one key that `kid` names, or the one there is.
    fn select(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&ParsedPublicKey, JwsError> {
        let named: Vec<&Key> = match kid {
            Some(kid) => self.keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
            None if self.keys.len() == 1 => self.keys.iter().collect(),
            None => return Err(JwsError::KidMissing),
        };
        if named.is_empty() {
            return Err(JwsError::KidUnknown);
        }
        let mut fitting = named.into_iter().filter_map(|key| key.with(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(JwsError::AmbiguousKey),
            (None, _) => Err(JwsError::AlgorithmKeyMismatch),
        }
    }
}

/// A member of a discovery document or key set whose tokens nobody should rely on.
const DEVELOPMENT_MARK: &str = "attach_development_issuer";

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).field("ignored", &self.ignored).finish()
    }
}
