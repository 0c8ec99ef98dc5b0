//! TLS of receivers that are not asked over HTTP.

use std::fmt;
use std::path::{Path, PathBuf};

use attach_audit::egress::Tls;

use super::{Env, wrong};
use crate::config::ConfigError;
use crate::config::secret::SecretRef;

/// What is written about it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) ca: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<SecretRef>,
    pub(super) server_name: Option<String>,
}

impl Written {
    pub(super) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none() && self.server_name.is_none()
    }

    pub(super) fn resolve(&self, env: Env<'_>) -> Result<Tls, ConfigError> {
        let mut tls = Tls::new();
        if let Some(path) = &self.ca {
            tls = tls.roots(&read("ca", path)?);
        }
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name);
        }
        match (&self.certificate, &self.key) {
            (None, None) => Ok(tls),
            (Some(path), Some(key)) => {
                let key = key.read("audit.egress.key", env)?;
                Ok(tls.client_certificate(&read("certificate", path)?, key.expose().as_bytes()))
            }
            _ => Err(wrong("certificate, key: one is of no use without the other")),
        }
    }
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let told = |error: &dyn fmt::Display| wrong(format!("{key}: {}: {error}", path.display()));
    std::fs::read(path).map_err(|error| told(&error))
}
