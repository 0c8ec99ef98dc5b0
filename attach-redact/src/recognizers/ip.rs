//! IP and MAC addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::engine::{Hits, is_emphasis, is_word};
use crate::{Entity, Finding};

#[derive(Debug)]
pub(crate) struct Addresses {
    /// Whether addresses that lead nowhere from outside count as well.
    private: bool,
}

impl Addresses {
    pub(crate) fn new(private: bool) -> Self {
        Self { private }
    }

    /// Addresses among `groups` of digits.
    pub(crate) fn scan_v4(&self, hits: &mut Hits<'_>, groups: &[Range<usize>]) {
        for four in groups.windows(4) {
            let Some(range) = dotted(hits.text.as_bytes(), four) else { continue };
            let written = hits.text.get(range.start..four[3].end).unwrap_or_default();
            let Ok(address) = written.parse::<Ipv4Addr>() else { continue };
            if self.counts(address.into()) && !hits.is_version(range.start) {
                hits.push(Finding::new(range, Entity::IpAddress, 0.9));
            }
        }
    }

    /// An address in a run of hexadecimal digits, colons, hyphens and dots.
    pub(crate) fn scan_hex(&self, hits: &mut Hits<'_>, run: Range<usize>) {
        let text = hits.text;
        let Some(written) = text.get(run.clone()) else { return };
        if hits.wants(&Entity::MacAddress)
            && let Some(mac) = mac(text, run.clone())
        {
            hits.push(Finding::new(mac, Entity::MacAddress, 0.9));
        } else if hits.wants(&Entity::IpAddress)
            && let Some(range) = self.v6(text, run.start, written)
        {
            hits.push(Finding::new(range, Entity::IpAddress, 0.9));
        }
    }

    fn v6(&self, text: &str, start: usize, written: &str) -> Option<Range<usize>> {
        let bare = written.trim_end_matches('.');
        let bare = if bare.ends_with("::") { bare } else { bare.trim_end_matches(':') };
        // The longest address has eight groups, the last two as IPv4.
        let address = (2..=45).contains(&bare.len()).then(|| bare.parse::<Ipv6Addr>().ok()).flatten()?;
        let end = start + bare.len();
        let bytes = text.as_bytes();
        let fits = !start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|&byte| is_word(byte))
            && !bytes.get(end).is_some_and(|&byte| is_word(byte));
        let end = end + suffix(bytes.get(end..).unwrap_or_default());
        (fits && self.counts(address.into())).then_some(start..end)
    }

    fn counts(&self, address: IpAddr) -> bool {
        self.private || is_public(address)
    }
}

/// Four groups with dots between them and no more of a number or a word around, with the length of a prefix.
fn dotted(text: &[u8], four: &[Range<usize>]) -> Option<Range<usize>> {
    let (first, last) = (four.first()?, four.last()?);
    let dots = four.windows(2).all(|pair| text.get(pair[0].end..pair[1].start) == Some(b"."));
    let before = text.get(..first.start)?;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let goes_on = match before {
        [.., digit, b'.'] => digit.is_ascii_digit(),
        [.., byte] => part(byte) && !is_emphasis(before.iter().rev()),
        [] => false,
    };
    let after = text.get(last.end..)?;
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // tcpdump writes a port after one more dot. Object identifiers and most versions begin with one digit.
    let is_port = |rest: &[u8]| {
        let length = digits(rest);
        let more = matches!(rest.get(length..), Some([b'.', digit, ..]) if digit.is_ascii_digit());
        first.len() >= 2 && length <= 5 && !more
    };
    let ends = |rest: &[u8]| match rest {
        [b'.', rest @ ..] if digits(rest) > 0 => is_port(rest),
        [byte, ..] => !part(byte) || is_emphasis(rest.iter()),
        [] => true,
    };
    let prefix = match after {
        [b'/', rest @ ..] if matches!(digits(rest), 1..=2) && ends(&rest[digits(rest)..]) => 1 + digits(rest),
        _ => 0,
    };
    let follows = !ends(after);
    (dots && !goes_on && !follows && four.iter().all(|group| group.len() <= 3))
        .then_some(first.start..last.end + prefix)
}

/// The length of a zone (`%eth0`) or a prefix length (`/64`).
fn suffix(after: &[u8]) -> usize {
    let (inside, most): (fn(&u8) -> bool, _) = match after.first() {
        Some(b'%') => (u8::is_ascii_alphanumeric, 16),
        Some(b'/') => (u8::is_ascii_digit, 3),
        _ => return 0,
    };
    match after.iter().skip(1).take(most).take_while(|byte| inside(byte)).count() {
        0 => 0,
        length => length + 1,
    }
}

/// Whether an address leads somewhere from anywhere (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            // Global unicast, without documentation (RFC 3849, RFC 9637).
            None => {
                let [first, second, ..] = v6.segments();
                first & 0xE000 == 0x2000 && (first, second) != (0x2001, 0x0DB8) && first & 0xFFF0 != 0x3FF0
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a, b & 0xC0) == (100, 64)
        || (a, b & 0xFE) == (198, 18)
        || (a, b, c) == (192, 0, 0))
}

/// Six pairs, or Cisco's three fours; neither all zeros nor the broadcast address.
fn mac(text: &str, run: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let written = text.get(run.clone())?.trim_end_matches(['.', ':', '-']);
    let range = run.start..run.start + written.len();
    let fits = match written.len() {
        17 => in_groups(written, b":-", 2),
        14 => in_groups(written, b".", 4),
        _ => false,
    };
    let inside = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|&byte| is_word(byte));
    let digits = || written.bytes().filter(u8::is_ascii_hexdigit);
    let somebody = !digits().all(|d| d == b'0') && !digits().all(|d| d.eq_ignore_ascii_case(&b'f'));
    let alone = !inside(range.start.checked_sub(1)) && !inside(Some(range.end));
    (fits && alone && somebody).then_some(range)
}

/// Groups of `width` with one and the same separator between them.
fn in_groups(written: &str, separators: &[u8], width: usize) -> bool {
    let bytes = written.as_bytes();
    let separator = bytes.get(width).copied().unwrap_or_default();
    separators.contains(&separator)
        && bytes.iter().enumerate().all(|(at, &byte)| {
            if at % (width + 1) == width { byte == separator } else { byte.is_ascii_hexdigit() }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_follow_a_dot_but_no_more_numbers() {
        let redactor = crate::Redactor::builder().build().expect("builds");
        let found = |text: &str| {
            let found = redactor.find(text).into_iter().find(|finding| finding.entity == Entity::IpAddress);
            found.map(|finding| text[finding.range].to_owned())
        };
        assert_eq!(found("IP 93.184.216.34.443 > x"), Some("93.184.216.34".to_owned()));
        assert_eq!(found("OID 1.3.6.1.4"), None);
        assert_eq!(found("93.184.216.34.1.2"), None);
        assert_eq!(found("93.184.216.34.4433221"), None);
        assert_eq!((found("a::b and :: and ::1 and x::y"), found("12:30:45")), (None, None));
    }

    #[test]
    fn addresses_that_lead_nowhere_are_not_public() {
        for private in [
            "10.1.2.3",
            "192.168.0.1",
            "127.0.0.1",
            "192.0.2.7",
            "100.64.0.1",
            "fe80::1",
            "2001:db8::1",
            "::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
        for public in ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
    }
}
