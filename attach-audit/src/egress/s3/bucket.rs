use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::Fetch;
use attach_core::aws::{AccessKey, Content, Keys, Signer, Unsigned, path_segment};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use sha2::{Digest, Sha256};

use crate::Timestamp;
use crate::egress::answer::{refusal, unreachable};
use crate::egress::aside::aside;
use crate::egress::{InvalidTarget, SendError};

const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");
const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const CHECKSUM_MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");
const LOCK_MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const LOCK_UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");

/// A bucket, and how objects are written to it.
///
/// Source: [PutObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html) and
/// [Object Lock](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html) of Amazon S3. The store has to know
/// conditional writes (`If-None-Match: *`) and SHA-256 checksums.
#[derive(Clone)]
pub struct Bucket {
    url: Box<str>,
    prefix: Box<str>,
    signer: Signer,
    keys: Keys,
    replaced: Option<Arc<Replaced>>,
    lock: Option<Lock>,
    fetch: Arc<dyn Fetch>,
}

/// Says which key is in force now, or why nobody knows.
type Replaced = dyn Fn() -> Result<AccessKey, Box<str>> + Send + Sync;

/// How long nobody can delete or replace an object. The bucket must have been made with object lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it is made by callers")]
pub struct Lock {
    /// Who can nevertheless.
    pub mode: LockMode,
    /// From when the object is written.
    pub lasts: Duration,
}

/// Who can delete a locked object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockMode {
    /// Nobody, the account's owner included.
    Compliance,
    /// Whoever has a right of its own for that.
    Governance,
}

/// An object's bytes, with their SHA-256.
pub(super) struct Object {
    bytes: Bytes,
    hash: [u8; 32],
}

impl Object {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { hash: Sha256::digest(&bytes).into(), bytes: bytes.into() }
    }
}

impl Bucket {
    /// The bucket at `url`, `https://<bucket>.s3.<region>.amazonaws.com` or `https://<host>/<bucket>`, in `region`.
    ///
    /// # Errors
    ///
    /// If `url` is no HTTP URL.
    pub fn new(
        url: &str,
        region: &str,
        keys: impl Into<Keys>,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self, InvalidTarget> {
        let url = url.trim_end_matches('/');
        let parsed = url.parse::<Uri>().ok();
        let fits = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("https" | "http"))
                && uri.host().is_some()
                && uri.query().is_none()
        };
        if !parsed.as_ref().is_some_and(fits) {
            return Err(InvalidTarget::new(
                "the URL is not one such as https://logs.s3.eu-central-1.amazonaws.com",
            ));
        }
        let signer = Signer::new(region, "s3").storage();
        Ok(Self {
            url: url.into(),
            prefix: "".into(),
            signer,
            keys: keys.into(),
            replaced: None,
            lock: None,
            fetch,
        })
    }

    /// Begins the names of objects with `prefix`, parts of which are separated by `/`.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        let parts = prefix.split('/').filter(|part| !part.is_empty());
        Self { prefix: parts.map(|part| path_segment(part) + "/").collect::<String>().into(), ..self }
    }

    /// Asks for the key before each request, for one that is replaced while the program runs. It is asked on a thread where it
    /// may block; an object waits while there is none.
    #[must_use]
    pub fn replaced_by(self, key: impl Fn() -> Result<AccessKey, Box<str>> + Send + Sync + 'static) -> Self {
        Self { replaced: Some(Arc::new(key)), ..self }
    }

    /// Locks objects.
    #[must_use]
    pub fn lock(self, lock: Lock) -> Self {
        Self { lock: Some(lock), ..self }
    }

    /// Writes an object that must not exist yet. One that is there with the same content is as good.
    pub(super) async fn put(&self, name: &str, object: &Object) -> Result<(), SendError> {
        let checksum = STANDARD.encode(object.hash);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        headers.insert(ALGORITHM, HeaderValue::from_static("SHA256"));
        headers.insert(CHECKSUM, value(&checksum)?);
        if let Some(lock) = self.lock {
            headers.insert(LOCK_MODE, HeaderValue::from_static(lock.mode.as_str()));
            headers.insert(LOCK_UNTIL, value(&until(lock.lasts))?);
        }
        let answer = self.ask(Method::PUT, name, headers, object).await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            // Written before, by an attempt whose answer was lost, or by somebody else.
            StatusCode::PRECONDITION_FAILED => self.confirm(name, &checksum).await,
            // Two at once, of which one will be the first.
            StatusCode::CONFLICT => Err(SendError::unavailable("it answered 409")),
            _ => Err(failure(&answer)),
        }
    }

    /// Whether the object that is there has this checksum.
    async fn confirm(&self, name: &str, checksum: &str) -> Result<(), SendError> {
        let mut headers = HeaderMap::new();
        headers.insert(CHECKSUM_MODE, HeaderValue::from_static("ENABLED"));
        let answer = self.ask(Method::HEAD, name, headers, &Object::new(Vec::new())).await?;
        if !answer.status().is_success() {
            return Err(failure(&answer));
        }
        if answer.headers().get(CHECKSUM).is_some_and(|there| there.as_bytes() == checksum.as_bytes()) {
            return Ok(());
        }
        Err(SendError::Refused(format!("{name} is there already, and is not the same").into()))
    }

    /// The key now.
    async fn key(&self) -> Result<AccessKey, SendError> {
        let Some(replaced) = self.replaced.clone() else {
            let held = self.keys.at(SystemTime::now());
            return held.map_err(|none| SendError::unavailable(none.to_string()));
        };
        aside(move || replaced()).await?.map_err(SendError::unavailable)
    }

    async fn ask(
        &self,
        method: Method,
        name: &str,
        headers: HeaderMap,
        object: &Object,
    ) -> Result<Response<Bytes>, SendError> {
        let Self { url, prefix, .. } = self;
        let wrong = |_| SendError::Refused("its URL cannot be asked".into());
        let uri: Uri = format!("{url}/{prefix}{}", path_segment(name)).parse().map_err(wrong)?;
        let hash: String = object.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let content = Content::Sha256(&hash);
        let unsigned = Unsigned { method: &method, uri: &uri, headers: &headers, content };
        let signature = self.signer.sign(&unsigned, &self.key().await?, SystemTime::now());
        let signature = signature.map_err(|error| SendError::Refused(error.to_string().into()))?;
        let mut request = Request::new(object.bytes.clone());
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        *request.headers_mut() = headers;
        request.headers_mut().extend(signature);
        self.fetch.fetch(request).await.map_err(|error| unreachable(&error))
    }
}

impl LockMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Compliance => "COMPLIANCE",
            Self::Governance => "GOVERNANCE",
        }
    }
}

fn value(text: &str) -> Result<HeaderValue, SendError> {
    HeaderValue::from_str(text).map_err(|_| SendError::Refused("a header cannot be written".into()))
}

/// To the second, as ISO 8601 has it.
fn until(lasts: Duration) -> String {
    let until = SystemTime::now().checked_add(lasts).unwrap_or_else(SystemTime::now);
    let text = Timestamp::from(until).to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// With the code that the store's answer has in its XML.
fn failure(answer: &Response<Bytes>) -> SendError {
    let text = std::str::from_utf8(answer.body()).unwrap_or_default();
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    match refusal(answer, code) {
        // An object cannot be cut into halves.
        SendError::Unacceptable(why) => SendError::Refused(why),
        other => other,
    }
}

/// Without the key.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, prefix, lock, .. } = self;
        f.debug_struct("Bucket")
            .field("url", url)
            .field("prefix", prefix)
            .field("lock", lock)
            .finish_non_exhaustive()
    }
}
