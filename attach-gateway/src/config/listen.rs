//! Where a listener listens, and what goes over it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listen {
    /// At an address and a port.
    Tcp(SocketAddr),
    /// At a socket in the file system.
    Unix(PathBuf),
}

/// What goes over a listener's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// Clear text.
    #[default]
    Clear,
    /// Clear text, because a proxy in front of it speaks TLS with clients.
    Proxied,
    /// TLS.
    Tls(Tls),
}

/// A server's side of TLS. Files are in PEM and read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The server's certificate, followed by those between it and its root.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who signs clients' certificates, if they have any.
    pub client_ca: Option<PathBuf>,
    /// Which of these were revoked: lists by those who signed them. With none, nothing is known to be.
    pub client_crl: Vec<PathBuf>,
    /// Whether a client without a certificate is served.
    pub client_optional: bool,
}

impl Listen {
    /// Reads an address or `unix:` and a path; `setting` is named in the error.
    pub(crate) fn parse(setting: &str, text: &str) -> Result<Self, ConfigError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() && cfg!(unix) {
                Ok(Self::Unix(path))
            } else {
                Err(ConfigError::new(format!(
                    "{setting}: {text:?} is no absolute path like unix:/run/attach/attach.sock"
                )))
            };
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            ConfigError::new(format!(
                "{setting}: {text:?} is not an address like 127.0.0.1:8080, nor unix:/path"
            ))
        })
    }

    /// The address, if it is one.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.tcp().is_none_or(|addr| match addr.ip() {
            IpAddr::V4(v4) => v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
        })
    }

    /// Another address or port instead, as an option of the command line says.
    pub(crate) fn set(&mut self, host: Option<IpAddr>, port: Option<u16>) {
        if host.is_none() && port.is_none() {
            return;
        }
        let mut addr = self.tcp().unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        host.into_iter().for_each(|host| addr.set_ip(host));
        port.into_iter().for_each(|port| addr.set_port(port));
        *self = Self::Tcp(addr);
    }
}

impl From<SocketAddr> for Listen {
    fn from(addr: SocketAddr) -> Self {
        Self::Tcp(addr)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `tls` as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ChannelFile {
    Word(String),
    Tls {
        cert: PathBuf,
        key: PathBuf,
        client_ca: Option<PathBuf>,
        #[serde(default)]
        client_crl: Vec<PathBuf>,
        client_auth: Option<String>,
    },
}

impl ChannelFile {
    /// What it means; `setting` is named in the error.
    pub(super) fn resolve(self, setting: &str) -> Result<Channel, ConfigError> {
        let (cert, key, client_ca, client_crl, auth) = match self {
            Self::Word(word) if word == "terminated-by-proxy" => return Ok(Channel::Proxied),
            Self::Word(word) => {
                return Err(ConfigError::new(format!(
                    "{setting}: {word:?} is neither {{ cert = \"tls.crt\", key = \"tls.key\" }} nor \
                     \"terminated-by-proxy\""
                )));
            }
            Self::Tls { cert, key, client_ca, client_crl, client_auth } => {
                (cert, key, client_ca, client_crl, client_auth)
            }
        };
        let client_optional = match (client_ca.is_some(), auth.as_deref()) {
            (_, None) | (true, Some("required")) => false,
            (true, Some("optional")) => true,
            (false, Some(_)) => {
                return Err(ConfigError::new(format!(
                    "{setting}.client_auth: say in client_ca who signs clients' certificates"
                )));
            }
            (true, Some(word)) => {
                return Err(ConfigError::new(format!(
                    "{setting}.client_auth: {word:?} is neither \"required\" nor \"optional\""
                )));
            }
        };
        if client_ca.is_none() && !client_crl.is_empty() {
            return Err(ConfigError::new(format!(
                "{setting}.client_crl: say in client_ca who signs clients' certificates"
            )));
        }
        Ok(Channel::Tls(Tls { cert, key, client_ca, client_crl, client_optional }))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = match self {
            Self::Clear => return f.write_str("clear text"),
            Self::Proxied => return f.write_str("TLS terminated by a proxy"),
            Self::Tls(tls) => tls,
        };
        write!(f, "TLS with {}", tls.cert.display())?;
        match (&tls.client_ca, tls.client_optional) {
            (None, _) => return Ok(()),
            (Some(ca), true) => write!(f, ", client certificates by {} if shown", ca.display())?,
            (Some(ca), false) => write!(f, ", client certificates by {} required", ca.display())?,
        }
        tls.client_crl.iter().try_for_each(|list| write!(f, ", none that {} revokes", list.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_an_address_or_a_socket() {
        let parse = |text| Listen::parse("server.listen", text);
        assert_eq!(parse("127.0.0.1:1").unwrap().tcp().unwrap().port(), 1);
        assert_eq!(parse("unix:/run/a.sock").unwrap().to_string(), "unix:/run/a.sock");
        for wrong in ["", "localhost", "unix:", "unix:here.sock", "8080"] {
            assert!(parse(wrong).unwrap_err().to_string().starts_with("server.listen:"), "{wrong}");
        }
    }

    #[test]
    fn an_option_of_the_command_line_comes_first() {
        let mut listen = Listen::Unix("/run/a.sock".into());
        listen.set(None, None);
        assert!(listen.tcp().is_none());
        listen.set(None, Some(0));
        assert_eq!(listen.to_string(), "127.0.0.1:0");
    }

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        for (text, local) in
            [("127.0.0.1:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("0.0.0.0:1", false)]
        {
            assert_eq!(Listen::parse("x", text).unwrap().is_local(), local, "{text}");
        }
    }
}
