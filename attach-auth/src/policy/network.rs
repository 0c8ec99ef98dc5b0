use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use attach_core::Peer;
use ipnet::IpNet;

use crate::ConfigError;

/// Addresses that callers come from: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
///
/// ```
/// use attach_auth::policy::Network;
///
/// let office: Network = "10.0.0.0/8".parse()?;
/// assert!(office.contains("10.1.2.3".parse().unwrap()));
/// assert!(office.contains("::ffff:10.1.2.3".parse().unwrap()), "the same address on a socket for both");
/// assert!("10.0.0.0/33".parse::<Network>().is_err());
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` is one of them. An IPv4 address that is written as one of IPv6 is the same address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether every address of its kind is one of them.
    pub(super) fn is_everywhere(self) -> bool {
        self.0.prefix_len() == 0
    }

    /// `None` if nobody told the address.
    pub(super) fn holds(&self, peer: Option<&Peer>) -> Option<bool> {
        peer.map(|peer| self.contains(peer.addr.ip()))
    }
}

impl FromStr for Network {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network = network.map_err(|_| {
            ConfigError::new(format!("`{}` is not a network like 10.0.0.0/8", text.escape_debug()))
        })?;
        match network {
            IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => Err(ConfigError::new(format!(
                "`{text}`: write the IPv4 network itself; its addresses are compared as such"
            ))),
            _ if network.addr() != network.network() => Err(ConfigError::new(format!(
                "`{text}` has bits behind its prefix; did you mean `{}`?",
                network.trunc()
            ))),
            _ => Ok(Self(network)),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_as_one() {
        for text in ["10.0.0.0/8", "::1", "2001:db8::/32", "192.0.2.7"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["", "10.0.0.1/8", "10.0.0.0/33", "office", "::ffff:10.0.0.0/104", "10.0.0"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_last_address_is_inside_and_the_next_is_not() {
        let network: Network = "192.0.2.0/25".parse().expect("a network");
        assert!(network.contains("192.0.2.127".parse().expect("an address")));
        assert!(!network.contains("192.0.2.128".parse().expect("an address")));
        assert!(!network.contains("2001:db8::1".parse().expect("an address")));
    }
}
