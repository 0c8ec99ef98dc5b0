use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::config::written::{tables, text, value};
use crate::config::{ConfigError, Listen, Server};

/// Where this machine's gateway listens, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) place: Place,
    /// The certificates it shows, where it speaks TLS itself.
    pub(super) certificates: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Port(SocketAddr),
    /// A socket of this machine.
    Socket(PathBuf),
}

impl Address {
    /// Where a gateway listens that is not told otherwise.
    pub(super) fn usual() -> Self {
        Self { place: Server::default().listen.into(), certificates: None }
    }

    /// Where the gateway of this file listens. Secrets are not read, so that asking costs nothing.
    pub(super) fn of_file(path: &Path) -> Result<Self, ConfigError> {
        let file = tables(path)?;
        let tls = value(&file, &["server", "tls"]);
        let certificate = tls.is_some_and(|tls| tls.get("client_ca").is_some());
        let proxy = value(&file, &["server", "proxy_protocol"]).and_then(toml::Value::as_bool) == Some(true);
        if certificate || proxy {
            // Readiness is answered there as well, and asks for neither.
            let listen = text(&file, &["server", "telemetry_listen"]).ok_or_else(|| {
                ConfigError::new(if proxy {
                    "server.proxy_protocol: a health check is no proxy; set server.telemetry_listen"
                } else {
                    "server.tls.client_ca: a health check has no certificate to show; set server.telemetry_listen"
                })
            })?;
            return Ok(Self { place: place(listen)?, certificates: None });
        }
        let certificates = tls.and_then(|tls| tls.get("cert")).and_then(toml::Value::as_str);
        let listen = text(&file, &["server", "listen"]).map(place).transpose()?;
        Ok(Self {
            place: listen.unwrap_or(Self::usual().place),
            certificates: certificates.map(PathBuf::from),
        })
    }

    /// The same with what the command line says.
    pub(super) fn move_to(&mut self, host: Option<IpAddr>, port: Option<u16>) {
        let Place::Port(addr) = &mut self.place else { return };
        if let Some(host) = host {
            addr.set_ip(host);
        }
        if let Some(port) = port {
            addr.set_port(port);
        }
        *addr = reachable(*addr);
    }

    /// What `Host` says.
    pub(super) fn authority(&self) -> String {
        match &self.place {
            Place::Port(addr) => addr.to_string(),
            Place::Socket(_) => "localhost".to_owned(),
        }
    }
}

fn place(listen: &str) -> Result<Place, ConfigError> {
    Listen::parse("server.listen", listen).map(Place::from)
}

impl From<Listen> for Place {
    fn from(listen: Listen) -> Self {
        match listen {
            Listen::Tcp(addr) => Self::Port(reachable(addr)),
            Listen::Unix(path) => Self::Socket(path),
        }
    }
}

/// Who listens on every address is asked on this machine's own.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        let v4 = addr.is_ipv4();
        addr.set_ip(if v4 { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    addr
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Port(addr) => addr.fmt(f),
            Place::Socket(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        for (listen, asked) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(place(listen), Ok(Place::Port(asked.parse().expect("an address"))));
        }
        assert_eq!(place("unix:/run/a.sock"), Ok(Place::Socket("/run/a.sock".into())));
        assert!(place("here").is_err());
    }

    #[test]
    fn the_command_line_moves_it() {
        let mut address = Address::usual();
        address.move_to(Some(IpAddr::from([0, 0, 0, 0])), Some(9000));
        assert_eq!(address.to_string(), "127.0.0.1:9000");
    }
}
