use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::reach::{ClientCert, Reach};

impl Reach {
    /// TLS as it is to be with this upstream: by its own authority, or by the platform's.
    ///
    /// # Errors
    ///
    /// When what should be certificates, or a key, is none.
    pub(crate) fn tls(&self) -> io::Result<ClientConfig> {
        let builder = match &self.ca {
            Some(pem) => builder()?.with_root_certificates(own_roots(pem)?),
            // Without any root every handshake fails, and plain connections work.
            None => match builder()?.with_native_roots() {
                Ok(builder) => builder,
                Err(_) => builder()?.with_root_certificates(RootCertStore::empty()),
            },
        };
        let Some(ClientCert { cert, key }) = &self.client_cert else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates("client_cert.cert", cert)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
        let key = key.map_err(|_| invalid("client_cert.key: there is no private key in it"))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| invalid(&format!("client_cert: {error}")))
    }
}

fn builder() -> io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}

fn own_roots(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", pem)? {
        roots.add(certificate).map_err(|error| invalid(&format!("ca: {error}")))?;
    }
    Ok(roots)
}

fn certificates(key: &str, pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| invalid(&format!("{key}: {error}")))?;
    if all.is_empty() { Err(invalid(&format!("{key}: there is no certificate in it"))) } else { Ok(all) }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
