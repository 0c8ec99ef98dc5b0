//! What the provider says about itself, and the client that talks to it.

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType,
    CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::{Host, Url};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthType, ClientId, ClientSecret,
    DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, NonceVerifier,
    ProviderMetadata, RevocationUrl,
};
use serde::{Deserialize, Serialize};

use super::error::{LoginError, printable};
use super::registration::Registration;
use super::transport::Http;

/// The members we look at beside the standard ones: RFC 8628 §4, RFC 8414 §2, RFC 9207 §3.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct More {
    device_authorization_endpoint: Option<DeviceAuthorizationUrl>,
    revocation_endpoint: Option<RevocationUrl>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
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

/// A client that can ask for codes and tokens.
pub(super) type OidcClient =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet>;

/// A discovered provider, and the client we are to it.
pub(super) struct Provider {
    http: Http,
    metadata: Metadata,
    client: OidcClient,
    secret: Option<String>,
    registration: Registration,
}

/// What a verified ID token says.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) subject: String,
    /// Seconds since 1970.
    pub(super) expires_at: u64,
}

impl Provider {
    /// OpenID Connect Discovery 1.0. Every address that will be asked has to be https, or on this machine.
    pub(super) async fn discover(http: Http, registration: Registration) -> Result<Self, LoginError> {
        let issuer = IssuerUrl::new(registration.issuer.clone())
            .map_err(|_| LoginError::Refused("the issuer is not a URL like https://idp.example".into()))?;
        private("the issuer", issuer.url())?;
        let metadata = Metadata::discover_async(issuer, &http)
            .await
            .map_err(|error| LoginError::discovery(&registration.issuer, &error))?;
        let secret = registration.secret()?;
        let client = client(&metadata, &registration, secret.as_ref())?;
        let provider = Self { http, metadata, client, secret, registration };
        private("its authorization endpoint", provider.client.auth_uri().url())?;
        private("its token endpoint", provider.client.token_uri().url())?;
        if let Some(url) = provider.device_endpoint() {
            private("its device authorization endpoint", url.url())?;
        }
        if let Some(url) = provider.revocation_endpoint() {
            private("its revocation endpoint", url.url())?;
        }
        Ok(provider)
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn client(&self) -> &OidcClient {
        &self.client
    }

    pub(super) fn registration(&self) -> &Registration {
        &self.registration
    }

    pub(super) fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    pub(super) fn device_endpoint(&self) -> Option<&DeviceAuthorizationUrl> {
        self.metadata.additional_metadata().device_authorization_endpoint.as_ref()
    }

    pub(super) fn revocation_endpoint(&self) -> Option<&RevocationUrl> {
        self.metadata.additional_metadata().revocation_endpoint.as_ref()
    }

    /// Whether answers name the provider (RFC 9207).
    pub(super) fn names_itself(&self) -> bool {
        self.metadata.additional_metadata().authorization_response_iss_parameter_supported
    }

    /// What to ask for: what was said, else a refresh token besides, unless the provider has no such scope.
    pub(super) fn scopes(&self, said: Option<&str>) -> Vec<String> {
        let known = |name: &str| {
            self.metadata
                .scopes_supported()
                .is_none_or(|scopes| scopes.iter().any(|scope| scope.as_str() == name))
        };
        let default = if known("offline_access") { "offline_access" } else { "" };
        let asked = said.unwrap_or(default).split_whitespace();
        // The client adds `openid` itself.
        asked.filter(|scope| *scope != "openid").map(str::to_owned).collect()
    }

    /// OpenID Connect Core §3.1.3.7, and §3.1.3.8 for the access token beside it.
    pub(super) fn verify(
        &self,
        token: &CoreIdToken,
        nonce: impl NonceVerifier,
        access: &AccessToken,
    ) -> Result<Verified, LoginError> {
        let refused =
            |why: String| LoginError::Refused(format!("the ID token is not good: {}", printable(&why)));
        let verifier = self.client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, nonce).map_err(|error| refused(error.to_string()))?;
        if let Some(said) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| refused(error.to_string()))?;
            let key = token.signing_key(&verifier).map_err(|error| refused(error.to_string()))?;
            let is = AccessTokenHash::from_token(access, algorithm, key)
                .map_err(|error| refused(error.to_string()))?;
            if is != *said {
                return Err(refused("it belongs to another access token".into()));
            }
        }
        let expires_at = u64::try_from(claims.expiration().timestamp()).unwrap_or_default();
        Ok(Verified { subject: claims.subject().to_string(), expires_at })
    }
}

/// Asymmetric only.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

fn client(
    metadata: &Metadata,
    registration: &Registration,
    secret: Option<&String>,
) -> Result<OidcClient, LoginError> {
    let token_uri = metadata
        .token_endpoint()
        .cloned()
        .ok_or_else(|| LoginError::Refused("the provider has no token endpoint".into()))?;
    let client = CoreClient::from_provider_metadata(
        metadata.clone(),
        ClientId::new(registration.client_id.clone()),
        secret.cloned().map(ClientSecret::new),
    );
    // Discovery 1.0 §3: without a list, it is basic.
    let basic = metadata
        .token_endpoint_auth_methods_supported()
        .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let kind = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
    Ok(client.set_token_uri(token_uri).set_auth_type(kind))
}

/// Codes and tokens go over https, or do not leave this machine.
fn private(what: &str, url: &Url) -> Result<(), LoginError> {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(());
    }
    Err(LoginError::Refused(format!("{what}, {}, is not https", printable(url.as_str()))))
}
