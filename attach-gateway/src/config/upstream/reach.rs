use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use http::Uri;
use serde::Deserialize;

use super::parse_url;
use crate::config::secret::SecretRef;
use crate::config::{ConfigError, Secret};

/// How an upstream is reached, where not directly and by the platform's roots.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// The certificates, in PEM, that are believed instead of the platform's roots.
    pub ca: Option<Box<[u8]>>,
    /// What it is shown of the gateway.
    pub client_cert: Option<ClientCert>,
    /// What stands between.
    pub proxy: Option<Proxy>,
}

/// A client certificate and its key, in PEM.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCert {
    /// The certificate, and those between it and its authority.
    pub cert: Box<[u8]>,
    /// Its private key.
    pub key: Secret,
}

/// An HTTP proxy that makes tunnels (RFC 9110, section 9.3.6).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// Its scheme, host and port.
    pub url: Uri,
    /// `user:password`, for it.
    pub credentials: Option<Secret>,
}

/// The settings of an `[[upstream]]` that are about it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct File {
    ca: Option<PathBuf>,
    client_cert: Option<WrittenCert>,
    proxy: Option<WrittenProxy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCert {
    cert: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WrittenProxy {
    Url(String),
    Detailed { url: String, credentials: Option<SecretRef> },
}

impl File {
    pub(super) fn resolve(
        self,
        at: &dyn Fn(&str) -> String,
        url: &Uri,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Reach, ConfigError> {
        let secure = url.scheme_str() == Some("https");
        let asked = [("ca", self.ca.is_some()), ("client_cert", self.client_cert.is_some())];
        let asked = asked.into_iter().chain([("proxy", self.proxy.is_some())]);
        if let Some((key, _)) = asked.into_iter().find(|(_, asked)| *asked && !secure) {
            return Err(ConfigError::new(format!("{}: only for an upstream with an https URL", at(key))));
        }
        let file = |key: &str, path: &Path| {
            std::fs::read(path).map(Vec::into_boxed_slice).map_err(|error| {
                ConfigError::new(format!("{}: cannot read {}: {error}", at(key), path.display()))
            })
        };
        let client_cert = self.client_cert.map(|written| {
            let key = SecretRef::File(written.key).read(&at("client_cert.key"), env)?;
            Ok::<_, ConfigError>(ClientCert { cert: file("client_cert.cert", &written.cert)?, key })
        });
        let proxy = self.proxy.map(|written| {
            let (text, credentials) = match written {
                WrittenProxy::Url(url) => (url, None),
                WrittenProxy::Detailed { url, credentials } => (url, credentials),
            };
            proxy(&at("proxy"), &text, credentials.as_ref(), env)
        });
        let reach = Reach {
            ca: self.ca.as_deref().map(|path| file("ca", path)).transpose()?,
            client_cert: client_cert.transpose()?,
            proxy: proxy.transpose()?,
        };
        match reach.tls() {
            Ok(_) => Ok(reach),
            Err(error) => Err(ConfigError::new(at(&error.to_string()))),
        }
    }
}

fn proxy(
    key: &str,
    text: &str,
    credentials: Option<&SecretRef>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Proxy, ConfigError> {
    let url = parse_url(key, text)?;
    if url.scheme_str() != Some("http") || url.path() != "/" {
        return Err(ConfigError::new(format!(
            "{key}: {text:?} is not a proxy like http://proxy.example:3128"
        )));
    }
    let credentials = credentials.map(|from| from.read(&format!("{key}.credentials"), env)).transpose()?;
    if credentials.as_ref().is_some_and(|secret| !secret.expose().contains(':')) {
        return Err(ConfigError::new(format!("{key}.credentials: no user:password")));
    }
    Ok(Proxy { url, credentials })
}

impl Reach {
    /// A part of a line, without a secret; empty if there is nothing to say.
    pub(in crate::config) fn describe(&self) -> String {
        let mut out = String::new();
        if self.ca.is_some() {
            out.push_str(", by its own authority");
        }
        if self.client_cert.is_some() {
            out.push_str(", with a client certificate");
        }
        if let Some(proxy) = &self.proxy {
            let _ = write!(out, ", through {}", proxy.url);
        }
        out
    }
}
