//! TLS as a syslog client (RFC 5425 §4.2, §5).

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_native_certs;

use crate::egress::tls::{Identity, Tls};

/// What rustls works by.
pub(super) fn client(tls: &Tls) -> io::Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(tls)?);
    let client = match &tls.identity {
        Some(own) => authenticated(builder, own)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(client))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn authenticated(builder: Builder, own: &Identity) -> io::Result<ClientConfig> {
    let chain = certificates(&own.certificate)?;
    let key =
        PrivateKeyDer::from_pem_slice(&own.key).map_err(|_| invalid("there is no private key in PEM"))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| invalid(error.to_string()))
}

fn roots(tls: &Tls) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match &tls.roots {
        Some(pem) => {
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| invalid(error.to_string()))?;
    if found.is_empty() { Err(invalid("there is no certificate in PEM")) } else { Ok(found) }
}

fn invalid(why: impl Into<Box<str>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, String::from(why.into()))
}
