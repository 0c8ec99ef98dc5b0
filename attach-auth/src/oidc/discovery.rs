//! OpenID Connect Discovery 1.0 through `openidconnect`, over our own [`Fetch`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use attach_core::Fetch;
use bytes::Bytes;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AsyncHttpClient, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl,
    ProviderMetadata,
};
use serde::{Deserialize, Serialize};

use super::reach;
use super::source::{Problem, Source, development};

/// The members we look at beside the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marks {
    #[serde(default)]
    attach_development_issuer: bool,
    /// RFC 8414 §2.
    #[serde(default)]
    introspection_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for Marks {}

type Metadata = ProviderMetadata<
    Marks,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What an issuer says about itself.
pub(super) struct Found {
    pub(super) jwks_uri: Box<str>,
    introspection: Option<Box<str>>,
}

impl Found {
    /// Where opaque tokens are asked about.
    pub(super) fn introspection(self, issuer: &str) -> Result<Box<str>, Problem> {
        let endpoint = self.introspection.ok_or_else(|| {
            Problem::Refused(format!("{issuer} names no introspection_endpoint: configure its URL"))
        })?;
        reach::from_metadata("introspection_endpoint", &endpoint, issuer)
            .map_err(|error| Problem::Refused(error.to_string()))?;
        Ok(endpoint)
    }
}

/// What the issuer's document says. It has to name the issuer exactly (§4.3).
pub(super) async fn discover(source: &Source) -> Result<Found, Problem> {
    let issuer = IssuerUrl::new(source.issuer.to_string())
        .map_err(|error| Problem::Refused(format!("`{}`: {error}", source.issuer)))?;
    let metadata = Metadata::discover_async(issuer, &Client(&*source.fetch))
        .await
        .map_err(|error| problem(&source.issuer, &error))?;
    if metadata.additional_metadata().attach_development_issuer && !source.development {
        return Err(development(&source.issuer));
    }
    let uri = metadata.jwks_uri().as_str();
    reach::from_metadata("jwks_uri", uri, &source.issuer)
        .map_err(|error| Problem::Refused(error.to_string()))?;
    let introspection = metadata.additional_metadata().introspection_endpoint.as_deref();
    Ok(Found { jwks_uri: uri.into(), introspection: introspection.map(Into::into) })
}

fn problem(issuer: &str, error: &DiscoveryError<FetchFailed>) -> Problem {
    match error {
        DiscoveryError::Request(why) => Problem::Unreachable(format!("discovery of {issuer}: {why}")),
        DiscoveryError::Response(status, _, why) if status.is_success() => {
            Problem::Refused(format!("discovery of {issuer}: {why}"))
        }
        DiscoveryError::Response(status, ..) => {
            Problem::Unreachable(format!("discovery of {issuer}: answered {status}"))
        }
        DiscoveryError::Parse(why) => {
            Problem::Refused(format!("discovery of {issuer}: no discovery document: {why}"))
        }
        other => Problem::Refused(format!("discovery of {issuer}: {other}")),
    }
}

/// [`Fetch`] as the crate's own kind of client. It fetches the document only: the crate would fetch the keys as
/// well, but reads them less strictly than we do, so it is handed an empty set.
struct Client<'f>(&'f dyn Fetch);

impl<'c> AsyncHttpClient<'c> for Client<'_> {
    type Error = FetchFailed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchFailed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        if !request.uri().path().ends_with("/.well-known/openid-configuration") {
            return Box::pin(async { Ok(HttpResponse::new(br#"{"keys":[]}"#.to_vec())) });
        }
        let answer = self.0.fetch(request.map(Bytes::from));
        Box::pin(async move {
            let answer = answer.await.map_err(|error| FetchFailed(error.to_string()))?;
            Ok(answer.map(|body| body.to_vec()))
        })
    }
}

#[derive(Debug)]
struct FetchFailed(String);

impl fmt::Display for FetchFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FetchFailed {}
