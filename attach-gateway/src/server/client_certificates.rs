//! Which certificates of clients are good.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};

use super::tls::{certificates, wrong};
use super::unshaken::Unshaken;
use crate::config::Tls;

/// What judges them, if any are asked for.
///
/// With lists of revoked certificates (RFC 5280 §5) each certificate up to the root has to be on none, and the list of
/// whoever signed it has to be there and of today: a list that is missing or out of date says of nobody that they are good.
///
/// # Errors
///
/// When a file cannot be read, or holds something else.
pub(super) fn verifier(files: &Tls) -> io::Result<Option<Arc<dyn ClientCertVerifier>>> {
    let Some(ca) = &files.client_ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(|why| wrong(ca, &why))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    for path in &files.client_crl {
        builder = builder.with_crls(lists(path)?);
    }
    if !files.client_crl.is_empty() {
        builder = builder.enforce_revocation_expiration();
    }
    let builder = if files.client_optional { builder.allow_unauthenticated() } else { builder };
    builder.build().map(Some).map_err(|why| match (&why, files.client_crl.first()) {
        (VerifierBuilderError::InvalidCrl(_), Some(list)) => wrong(list, &why),
        _ => wrong(ca, &why),
    })
}

fn lists(path: &PathBuf) -> io::Result<Vec<CertificateRevocationListDer<'static>>> {
    let read =
        CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|why| wrong(path, &why))?;
    if read.is_empty() { Err(wrong(path, &"holds no list of revoked certificates in PEM")) } else { Ok(read) }
}

/// Whether a handshake failed because a list is missing or out of date, which is no fault of the client's.
pub(super) fn is_unknown(error: &io::Error) -> bool {
    Unshaken::of(error) == Unshaken::RevocationUnknown
}
