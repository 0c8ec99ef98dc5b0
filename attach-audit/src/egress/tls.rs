//! Whom a target believes, and as whom it comes.

use std::fmt;
use std::sync::Arc;

/// TLS of a target that does not go over [`Fetch`](attach_core::Fetch): by default the platform's roots, no client
/// certificate, and the name in the address.
#[derive(Clone, Default)]
pub struct Tls {
    pub(super) roots: Option<Arc<[u8]>>,
    pub(super) identity: Option<Identity>,
    pub(super) server_name: Option<Box<str>>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certificate: Arc<[u8]>,
    pub(super) key: Arc<[u8]>,
}

impl Tls {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes the certificates in `pem` instead of the platform's roots.
    #[must_use]
    pub fn roots(mut self, pem: &[u8]) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Shows this certificate, followed by those between it and its root, with this key; both in PEM.
    #[must_use]
    pub fn client_certificate(mut self, certificate: &[u8], key: &[u8]) -> Self {
        self.identity = Some(Identity { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Expects this name, or IP address, in the server's certificate instead of the one in the address.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.into());
        self
    }
}

/// Shows no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("private_roots", &self.roots.is_some())
            .field("client_certificate", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish()
    }
}
