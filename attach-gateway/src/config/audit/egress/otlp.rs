use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use attach_audit::egress::{InvalidTarget, OtlpGrpc, OtlpHttp, Target, Tls};
use attach_audit::format::Format;
use attach_core::client::Client;
use serde::Deserialize;

use super::{BUILD, Env, client, tls, url, wrong};
use crate::config::secret::SecretRef;
use crate::config::{ConfigError, Secret};

/// A receiver of OTLP logs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OtlpLogs {
    /// Where it is.
    pub url: String,
    /// How it is spoken to.
    pub protocol: Transport,
    headers: Vec<(String, Secret)>,
}

/// OTLP's transports.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Transport {
    /// Protobuf over HTTP, with this client.
    Http(Box<Client>),
    /// gRPC.
    Grpc(Tls),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    url: String,
    protocol: Option<String>,
    headers: Option<SecretRef>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<SecretRef>,
    server_name: Option<String>,
}

impl Written {
    pub(super) fn resolve(self, env: Env<'_>) -> Result<OtlpLogs, ConfigError> {
        url(&self.url)?;
        let protocol = match self.protocol.as_deref() {
            None | Some("http") => {
                if self.certificate.is_some() || self.key.is_some() || self.server_name.is_some() {
                    return Err(wrong("certificate, key, server_name: with protocol = \"grpc\" only"));
                }
                Transport::Http(Box::new(client(self.ca)?))
            }
            Some("grpc") => {
                let Self { ca, certificate, key, server_name, .. } = self;
                Transport::Grpc(tls::Written { ca, certificate, key, server_name }.resolve(env)?)
            }
            Some(other) => return Err(wrong(format!("protocol: {other:?} is not one of http, grpc"))),
        };
        let headers = match self.headers {
            None => Vec::new(),
            Some(kept) => headers(kept.read("audit.egress.headers", env)?.expose())?,
        };
        let otlp = OtlpLogs { url: self.url, protocol, headers };
        // What cannot work is told before anything is started.
        otlp.target("otlp", Format::Native).map_err(wrong)?;
        Ok(otlp)
    }
}

impl OtlpLogs {
    pub(super) fn headers(&self) -> &[(String, Secret)] {
        &self.headers
    }

    /// What sends to it.
    pub(crate) fn target(&self, name: &str, format: Format) -> Result<Arc<dyn Target>, InvalidTarget> {
        Ok(match &self.protocol {
            Transport::Http(client) => {
                let target = OtlpHttp::new(name, &self.url, (**client).clone())?.format(format).build(BUILD);
                let add =
                    |target: OtlpHttp, (key, value): &(String, Secret)| target.header(key, value.expose());
                Arc::new(self.headers.iter().try_fold(target, add)?)
            }
            Transport::Grpc(tls) => {
                let target = OtlpGrpc::new(name, &self.url, tls)?.format(format).build(BUILD);
                let add =
                    |target: OtlpGrpc, (key, value): &(String, Secret)| target.header(key, value.expose());
                Arc::new(self.headers.iter().try_fold(target, add)?)
            }
        })
    }
}

/// `name=value,name=value` with percent-encoded values, the form of `OTEL_EXPORTER_OTLP_HEADERS`.
fn headers(text: &str) -> Result<Vec<(String, Secret)>, ConfigError> {
    let one = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), Secret::new(&decoded(value.trim())?)?))
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pairs: Option<_> = pairs.map(one).collect();
    pairs.ok_or_else(|| wrong("headers: are not of the form name=value,name=value"))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// Without the user name and password that a URL may have.
impl fmt::Display for OtlpLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.parse::<http::Uri>().unwrap_or_default();
        let protocol = match self.protocol {
            Transport::Http(_) => "HTTP",
            Transport::Grpc(_) => "gRPC",
        };
        write!(f, "OTLP logs over {protocol} to {}", url.host().unwrap_or_default())?;
        if let Some(port) = url.port_u16() {
            write!(f, ":{port}")?;
        }
        let tls = if url.scheme_str() == Some("https") { ", TLS" } else { ", without TLS" };
        f.write_str(tls)?;
        self.headers.iter().try_for_each(|(name, _)| write!(f, ", header {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_as_opentelemetry_writes_them() {
        let read = headers("authorization=Bearer%20abc%3D, x-tenant = a=b").unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(read, [("authorization", "Bearer abc="), ("x-tenant", "a=b")]);
        for wrong in ["authorization", "a=%2", "a=%zz", "a=%ff", "a="] {
            assert!(headers(wrong).is_err(), "{wrong}");
        }
    }
}
