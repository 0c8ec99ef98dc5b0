use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use attach_core::Dialect;
use attach_core::aws::{AccessKey, Content, NoKey, SignError, Unsigned};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;

use super::credential::Credential;
use super::foreign;
use super::place::Place;
use super::shown::Shown;

/// Why an upstream was not asked, or did not answer.
#[derive(Debug)]
pub(super) enum AskError {
    Client(legacy::Error),
    Sign(SignError),
    /// The machine has none now.
    NoKey(NoKey),
}

impl Place {
    /// Sends `request` with the upstream's credential. If the upstream refuses that, and there is another one by now,
    /// the request goes once more, with it: nothing is done for a request that is refused.
    pub(super) async fn ask(
        &self,
        request: Request<Bytes>,
        dialect: Dialect,
    ) -> Result<Response<Incoming>, AskError> {
        let (parts, body) = request.into_parts();
        let again = self.keys.can_change().then(|| parts.clone());
        let used = Arc::clone(&self.keys.now());
        let answer = self.ask_with(&used, (parts, body.clone()), dialect).await?;
        match again {
            Some(parts) if is_refused(answer.status()) && self.keys.replaced(&used).await => {
                let other = Arc::clone(&self.keys.now());
                self.ask_with(&other, (parts, body), dialect).await
            }
            _ => Ok(answer),
        }
    }

    async fn ask_with(
        &self,
        credential: &Arc<Credential>,
        (mut parts, body): (Parts, Bytes),
        dialect: Dialect,
    ) -> Result<Response<Incoming>, AskError> {
        if let Some((name, value)) = credential.header(dialect) {
            parts.headers.insert(name, value.clone());
        }
        // Without this header any coding would do (RFC 9110, section 12.5.3), and no answer could be looked into.
        parts.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let signed = self.sign(&mut parts, &body, credential)?;
        let request = Request::from_parts(parts, Full::new(body));
        let mut answer = self.pool.request(request).await.map_err(AskError::Client)?;
        foreign::understood(self, &mut answer);
        Shown::new(credential, signed).note(&mut answer);
        Ok(answer)
    }

    /// Only what says of what type the body is: a proxy on the way may change others, and identity headers are not
    /// Amazon's business. The key that it was signed with, if it was.
    fn sign(
        &self,
        parts: &mut Parts,
        body: &[u8],
        credential: &Credential,
    ) -> Result<Option<AccessKey>, AskError> {
        let (Some(signer), Some(keys)) = (&self.signer, credential.access()) else { return Ok(None) };
        let now = SystemTime::now();
        let key = keys.at(now).map_err(AskError::NoKey)?;
        let mut headers = HeaderMap::new();
        if let Some(value) = parts.headers.get(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, value.clone());
        }
        let (method, uri) = (&parts.method, &parts.uri);
        let unsigned = Unsigned { method, uri, headers: &headers, content: Content::Bytes(body) };
        let signature = signer.sign(&unsigned, &key, now).map_err(AskError::Sign)?;
        parts.headers.extend(signature);
        Ok(Some(key))
    }
}

/// Amazon answers 403 to a temporary key that has expired.
fn is_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

impl AskError {
    /// Whether nothing was sent.
    pub(super) fn is_connect(&self) -> bool {
        match self {
            Self::Client(error) => error.is_connect(),
            Self::Sign(_) => false,
            Self::NoKey(_) => true,
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Sign(error) => error.fmt(f),
            Self::NoKey(none) => none.fmt(f),
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => error.source(),
            Self::Sign(_) | Self::NoKey(_) => None,
        }
    }
}
