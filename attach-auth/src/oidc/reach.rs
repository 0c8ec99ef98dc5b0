//! Addresses that a provider may not send us to.
//!
//! A discovery document names URLs that this service then fetches, from inside its own network. What a stranger
//! could put there (or a provider that was broken into) is a way to services that only listen inside: the cloud's
//! metadata service first of all. Names are not resolved here: a literal address is refused, a name that resolves
//! to one is not seen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use super::url::{checked, host};
use crate::ConfigError;

/// Whose network a host is literally in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anybody's, as far as its name tells.
    Public,
    /// This machine's.
    Loopback,
    /// An organisation's own (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// The link's, where clouds keep their metadata (RFC 3927, RFC 4291 §2.5.6), and whatever else is nobody's.
    Special,
}

/// A URL from the metadata of `issuer`: as strict as a configured one, and nowhere that the issuer is not itself.
pub(super) fn from_metadata(what: &str, url: &str, issuer: &str) -> Result<Uri, ConfigError> {
    let uri = checked(what, url)?;
    let own = checked("issuer", issuer).map(|issuer| place(host(&issuer)));
    let place = place(host(&uri));
    if place == Place::Public || own.is_ok_and(|own| own == place) {
        return Ok(uri);
    }
    Err(ConfigError::new(format!(
        "{what} `{}` is an address inside a network, where issuer `{issuer}` is not",
        url.escape_debug()
    )))
}

fn place(host: &str) -> Place {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return of_address(address);
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Place::Loopback;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // Resolvers read `2130706433`, `0x7f.1` and `127.1` as addresses, and no name ends so.
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    let metadata = host == "metadata.google.internal" || host == "metadata";
    if host.is_empty() || number || metadata { Place::Special } else { Place::Public }
}

fn of_address(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => of_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => of_v4(v4),
            None => of_v6(v6),
        },
    }
}

fn of_v4(address: Ipv4Addr) -> Place {
    let [first, second, ..] = address.octets();
    if address.is_loopback() {
        Place::Loopback
    } else if address.is_private() || (first == 100 && (64..128).contains(&second)) {
        // Alibaba's metadata service is among the shared addresses.
        if address == Ipv4Addr::new(100, 100, 100, 200) { Place::Special } else { Place::Private }
    } else if first == 0 || first >= 224 || address.is_link_local() {
        Place::Special
    } else {
        Place::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Place {
    if address.is_loopback() {
        Place::Loopback
    } else if address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local() {
        Place::Special
    } else if address.is_unique_local() {
        // Amazon's metadata service.
        if address.segments()[..2] == [0xfd00, 0x0ec2] { Place::Special } else { Place::Private }
    } else {
        Place::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str, issuer: &str) -> bool {
        from_metadata("jwks_uri", url, issuer).is_ok()
    }

    #[test]
    fn a_public_issuer_sends_nobody_inside() {
        for inside in [
            "https://169.254.169.254/keys",
            "https://10.0.0.1/keys",
            "https://192.168.1.1/",
            "https://172.16.0.9/",
            "https://100.100.100.200/",
            "https://0.0.0.0/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://localhost/",
            "https://a.localhost./",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://[fc00::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://metadata.google.internal/",
            "http://127.0.0.1/keys",
        ] {
            assert!(!allowed(inside, "https://idp.example"), "{inside}");
        }
        for outside in ["https://keys.example/v1", "https://203.0.113.7/keys", "https://[2001:db8::1]/"] {
            assert!(allowed(outside, "https://idp.example"), "{outside}");
        }
    }

    #[test]
    fn an_issuer_inside_may_have_its_keys_beside_it() {
        assert!(allowed("http://127.0.0.1:9/keys", "http://127.0.0.1:8"));
        assert!(allowed("http://localhost:9/keys", "http://127.0.0.1:8"));
        assert!(allowed("https://10.0.0.2/keys", "https://10.0.0.1"));
        assert!(!allowed("https://10.0.0.2/keys", "http://127.0.0.1:8"));
        assert!(!allowed("https://169.254.169.254/", "https://10.0.0.1"));
        assert!(!allowed("http://127.0.0.1/", "https://10.0.0.1"));
    }
}
