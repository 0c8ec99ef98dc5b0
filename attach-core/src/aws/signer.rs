use std::fmt;
use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Uri};

use super::AccessKey;

/// Signs requests to one service in one region.
#[derive(Debug, Clone)]
#[must_use]
pub struct Signer {
    region: Box<str>,
    service: Box<str>,
    storage: bool,
}

/// A request before it is signed.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is made by callers")]
pub struct Unsigned<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Where it goes, with the path as it is sent. The host, with a port that is not the scheme's own, is signed as
    /// `Host`.
    pub uri: &'a Uri,
    /// What is signed besides: nothing that a proxy on the way may change.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub content: Content<'a>,
}

/// A body, as far as a signature has to know it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Content<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Its SHA-256 in lower-case hexadecimal digits.
    Sha256(&'a str),
}

/// Why there is no signature.
#[derive(Debug)]
pub struct SignError(Box<str>);

impl Signer {
    /// Signs for `service`, such as `bedrock`, in `region`, such as `eu-central-1`.
    pub fn new(region: &str, service: &str) -> Self {
        Self { region: region.into(), service: service.into(), storage: false }
    }

    /// Signs as S3 wants it: paths as they are sent, and the body's hash in a header of its own.
    pub fn storage(self) -> Self {
        Self { storage: true, ..self }
    }

    /// The headers that `request` has to have besides its own: `Authorization`, `X-Amz-Date` and, where they belong to
    /// it, `X-Amz-Security-Token` and `X-Amz-Content-Sha256`. Secret ones are marked sensitive.
    ///
    /// # Errors
    ///
    /// A header or a key that no signature can have in it. The text names neither.
    pub fn sign(
        &self,
        request: &Unsigned<'_>,
        key: &AccessKey,
        time: SystemTime,
    ) -> Result<HeaderMap, SignError> {
        let identity = Identity::from(key.credentials());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(self.settings())
            .build()
            .map_err(|error| SignError::of(&error))?;
        let headers = request.headers.iter().map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let headers =
            headers.collect::<Option<Vec<_>>>().ok_or(SignError("a header that is no text".into()))?;
        let (method, uri) = (request.method.as_str(), request.uri.to_string());
        let signable = SignableRequest::new(method, uri, headers.into_iter(), request.content.signable())
            .map_err(|error| SignError::of(&error))?;
        let output = sign(signable, &params.into()).map_err(|error| SignError::of(&error))?;
        let (signed, _) = output.into_parts().0.into_parts();
        let mut out = HeaderMap::with_capacity(signed.len());
        for header in &signed {
            let wrong = |_| SignError("a key that no header can have in it".into());
            let mut value = HeaderValue::from_str(header.value()).map_err(wrong)?;
            value.set_sensitive(header.sensitive() || header.name() == "authorization");
            out.insert(HeaderName::from_static(header.name()), value);
        }
        Ok(out)
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.storage {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

impl<'a> Content<'a> {
    fn signable(self) -> SignableBody<'a> {
        match self {
            Self::Bytes(bytes) => SignableBody::Bytes(bytes),
            Self::Sha256(hash) => SignableBody::Precomputed(hash.to_owned()),
        }
    }
}

/// Bodies are people's words.
impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

impl SignError {
    /// The library's own words tell what kind of thing was wrong, and nothing of what it was.
    fn of(error: &dyn std::error::Error) -> Self {
        Self(error.to_string().into())
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot be signed: {}", self.0)
    }
}

impl std::error::Error for SignError {}

#[cfg(test)]
mod tests;
