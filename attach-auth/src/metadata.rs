//! Protected resource metadata (RFC 9728): where a client that was refused reads who may let it in.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, Uri};
use serde_json::json;

use crate::ConfigError;
use crate::challenge::DPOP_ALGORITHMS;
use crate::endpoint::{self, Endpoint};

/// What comes between the host and the path of a resource (RFC 9728 §3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Tells whoever asks which authorization servers a service takes tokens of, and how they are shown.
///
/// Public: it says nothing that a challenge does not. Served by an [`EndpointLayer`](crate::endpoint::EndpointLayer)
/// outside the layer that identifies callers.
///
/// ```
/// use attach_auth::AuthLayer;
/// use attach_auth::metadata::ResourceMetadata;
/// # fn layer<A>(auth: AuthLayer<A>) -> Result<AuthLayer<A>, attach_auth::ConfigError> {
///
/// let metadata = ResourceMetadata::new("https://api.acme.example/llm")?
///     .authorization_servers(["https://sso.acme.example"])
///     .scopes(["llm.invoke"]);
/// assert_eq!(metadata.url(), "https://api.acme.example/.well-known/oauth-protected-resource/llm");
/// # let auth =
/// auth.resource_metadata(metadata.url());
/// # Ok(auth)
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ResourceMetadata {
    resource: Box<str>,
    url: Box<str>,
    path: Box<str>,
    authorization_servers: Vec<String>,
    scopes: Vec<String>,
    dpop: bool,
}

impl ResourceMetadata {
    /// Of the service that clients know as `resource`: a URL, whose path, if it has one, says which of a host's it is.
    ///
    /// # Errors
    ///
    /// When that is not an `http` or `https` URL without user, query and fragment (RFC 9728 §1.2).
    pub fn new(resource: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::new(format!("`{}` is not the URL of a service", resource.escape_debug()));
        let uri: Uri = resource.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), authority) else {
            return Err(wrong());
        };
        if uri.query().is_some() || resource.contains(['?', '#']) {
            return Err(wrong());
        }
        // RFC 9728 §3.1: a slash that only ends the host is none of the path.
        let path = format!("{WELL_KNOWN}{}", uri.path().strip_suffix('/').unwrap_or(uri.path()));
        Ok(Self {
            resource: resource.trim_end_matches('/').into(),
            url: format!("{scheme}://{authority}{path}").into(),
            path: path.into(),
            authorization_servers: Vec::new(),
            scopes: Vec::new(),
            dpop: false,
        })
    }

    /// Names the issuers whose tokens are accepted.
    pub fn authorization_servers<T: Into<String>>(mut self, issuers: impl IntoIterator<Item = T>) -> Self {
        self.authorization_servers = issuers.into_iter().map(Into::into).collect();
        self
    }

    /// Names the scopes that a token may have to have; one that is named twice is listed once.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self.scopes.sort();
        self.scopes.dedup();
        self
    }

    /// Says that tokens may be bound to a key, and which algorithms its proofs may use (RFC 9449).
    pub fn dpop(mut self) -> Self {
        self.dpop = true;
        self
    }

    /// Where it is, for [`AuthLayer::resource_metadata`](crate::AuthLayer::resource_metadata).
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The answer to a request of this method for what it [owns](Endpoint::owns).
    #[must_use]
    pub fn answer(&self, method: &Method) -> Response<Bytes> {
        let body = match *method {
            Method::GET => self.json(),
            Method::HEAD => Bytes::new(),
            _ => return endpoint::not_allowed("GET, HEAD"),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        response
    }

    /// RFC 9728 §2. What is empty is left out (§3.2).
    fn json(&self) -> Bytes {
        let mut document = json!({"resource": self.resource, "bearer_methods_supported": ["header"]});
        for (name, list) in
            [("authorization_servers", &self.authorization_servers), ("scopes_supported", &self.scopes)]
        {
            if !list.is_empty() {
                document[name] = json!(list);
            }
        }
        if self.dpop {
            let algorithms: Vec<&str> = DPOP_ALGORITHMS.split(' ').collect();
            document["dpop_signing_alg_values_supported"] = json!(algorithms);
        }
        document.to_string().into()
    }
}

impl Endpoint for ResourceMetadata {
    fn owns(&self, path: &str) -> bool {
        *self.path == *path
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(request.method())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(metadata: &ResourceMetadata) -> serde_json::Value {
        serde_json::from_slice(metadata.answer(&Method::GET).body()).expect("JSON")
    }

    #[test]
    fn the_path_of_a_resource_follows_the_well_known_one() {
        let place = |resource| ResourceMetadata::new(resource).expect("a URL").url().to_owned();
        let root = "https://a.example/.well-known/oauth-protected-resource";
        assert_eq!(place("https://a.example"), root);
        assert_eq!(place("https://a.example/"), root);
        assert_eq!(place("https://a.example/llm/v1"), format!("{root}/llm/v1"));
        let metadata = ResourceMetadata::new("https://a.example/llm").expect("a URL");
        assert!(metadata.owns("/.well-known/oauth-protected-resource/llm"));
        assert!(!metadata.owns("/.well-known/oauth-protected-resource"), "another resource's");
        assert_eq!(document(&metadata)["resource"], "https://a.example/llm");
    }

    #[test]
    fn what_is_no_address_of_a_service_is_refused() {
        for text in ["", "/llm", "a.example", "ftp://a", "https://u@a/", "https://a/?q", "https://a/#f"] {
            assert!(ResourceMetadata::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_supported_is_not_listed() {
        let metadata = ResourceMetadata::new("https://a.example").expect("a URL");
        assert_eq!(
            document(&metadata),
            json!({"resource": "https://a.example", "bearer_methods_supported": ["header"]})
        );
        let full = metadata.authorization_servers(["https://idp"]).scopes(["b", "a", "b"]).dpop();
        let full = document(&full);
        assert_eq!(full["authorization_servers"], json!(["https://idp"]));
        assert_eq!(full["scopes_supported"], json!(["a", "b"]));
        assert_eq!(full["dpop_signing_alg_values_supported"][0], "ES256");
    }

    #[test]
    fn it_can_be_read_and_nothing_else() {
        let metadata = ResourceMetadata::new("https://a.example").expect("a URL");
        assert_eq!(metadata.answer(&Method::HEAD).status(), 200);
        let response = metadata.answer(&Method::POST);
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &HeaderValue::from_static("GET, HEAD"))
        );
    }
}
