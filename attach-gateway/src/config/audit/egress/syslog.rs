use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use attach_audit::egress::{self, InvalidTarget, Target, Tls};
use attach_audit::format::Format;
use serde::Deserialize;

use super::{BUILD, Env, tls, wrong};
use crate::config::ConfigError;
use crate::config::secret::SecretRef;

/// A syslog receiver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Syslog {
    /// Its name or IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whom to believe, and as whom to come; `None`: no TLS.
    pub tls: Option<Tls>,
    /// The facility, if not 13.
    pub facility: Option<u8>,
    /// The private enterprise number of the structured data, if not the one for documentation.
    pub enterprise: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    address: String,
    tls: Option<bool>,
    facility: Option<u8>,
    enterprise: Option<u32>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<SecretRef>,
    server_name: Option<String>,
}

impl Written {
    pub(super) fn resolve(self, env: Env<'_>) -> Result<Syslog, ConfigError> {
        let (host, port) = address(&self.address)
            .ok_or_else(|| wrong(format!("address: {:?} is not <host>:<port>", self.address)))?;
        let Self { ca, certificate, key, server_name, facility, enterprise, .. } = self;
        let written = tls::Written { ca, certificate, key, server_name };
        let tls = match self.tls {
            None | Some(true) => Some(written.resolve(env)?),
            Some(false) if written.is_empty() => None,
            Some(false) => {
                return Err(wrong("ca, certificate, key, server_name: of no use with tls = false"));
            }
        };
        let syslog = Syslog { host, port, tls, facility, enterprise };
        // What cannot work is told before anything is started.
        syslog.target("syslog", Format::Native).map_err(wrong)?;
        Ok(syslog)
    }
}

impl Syslog {
    /// What sends to it.
    pub(crate) fn target(&self, name: &str, format: Format) -> Result<Arc<dyn Target>, InvalidTarget> {
        let mut target = match &self.tls {
            Some(tls) => egress::Syslog::tls(name, &self.host, self.port, tls)?,
            None => egress::Syslog::plain(name, &self.host, self.port),
        };
        if let Some(facility) = self.facility {
            target = target.facility(facility)?;
        }
        if let Some(number) = self.enterprise {
            target = target.enterprise(number);
        }
        Ok(Arc::new(target.format(format).build(BUILD)))
    }
}

/// `host:port`, an IPv6 address in brackets.
fn address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match inner {
        Some(inner) => inner,
        None if host.contains([':', '[', ']', '/', ' ']) => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls.is_some() { "TLS" } else { "without TLS" };
        write!(f, "syslog to {}:{}, {tls}; not acknowledged", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, host) in
            [("soc.example:6514", "soc.example"), ("[::1]:6514", "::1"), ("10.0.0.1:6514", "10.0.0.1")]
        {
            assert_eq!(address(text), Some((host.to_owned(), 6514)));
        }
        for text in ["", "soc.example", "soc.example:", "::1:6514", ":6514", "a:0", "a:70000", "tcp://a:1"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
