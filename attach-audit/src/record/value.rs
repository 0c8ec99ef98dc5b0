//! The values in a record that are neither plain text nor plain numbers.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use attach_core::exchange::{ExchangeId, TraceId};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer, ser};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// An id, formatted where it is written.
pub(crate) enum Id {
    Uuid(Uuid),
    Exchange(ExchangeId),
    Trace(TraceId),
    /// 32 hexadecimal digits.
    Number(u128),
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; Hyphenated::LENGTH];
        match self {
            Self::Uuid(id) => serializer.serialize_str(id.hyphenated().encode_lower(&mut text)),
            Self::Exchange(id) => {
                let id = Uuid::from_bytes(*id.as_bytes());
                serializer.serialize_str(id.hyphenated().encode_lower(&mut text))
            }
            // The same digits as a UUID's, without its hyphens.
            Self::Trace(id) => {
                let id = Uuid::from_bytes(*id.as_bytes());
                serializer.serialize_str(id.simple().encode_lower(&mut text))
            }
            Self::Number(number) => {
                serializer.serialize_str(Uuid::from_u128(*number).simple().encode_lower(&mut text))
            }
        }
    }
}

/// Where a request came from: one address, or the IPv6 network that one person can draw addresses from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    One(IpAddr),
    Net64(IpAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(ip) => ip.fmt(f),
            Self::Net64(ip) => write!(f, "{ip}/64"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(IpAddr::V4(ip)) => {
                let (text, length) = dotted(*ip);
                serializer.serialize_str(str::from_utf8(&text[..length]).map_err(ser::Error::custom)?)
            }
            other => serializer.collect_str(other),
        }
    }
}

/// An address as text, and how long that is: the formatter takes ten times as long.
fn dotted(ip: Ipv4Addr) -> ([u8; 15], usize) {
    let (mut text, mut at) = ([b'.'; 15], 0);
    for octet in ip.octets() {
        for (least, digit) in [(100, octet / 100), (10, octet / 10 % 10), (0, octet % 10)] {
            if octet >= least {
                text[at] = b'0' + digit;
                at += 1;
            }
        }
        at += 1;
    }
    (text, at - 1)
}

/// Text somebody else chose the length of; at most 512 bytes of it are written.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(cut(self.0, 512))
    }
}

/// A header's bytes; at most 256 of them are written, and what is not UTF-8 is replaced.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = str::from_utf8(self.0).map_or_else(|_| String::from_utf8_lossy(self.0), Cow::Borrowed);
        serializer.serialize_str(cut(&text, 256))
    }
}

/// Pairs as an object.
pub(crate) struct Pairs<'a, K, V>(pub(crate) &'a [(K, V)]);

impl<K: AsRef<str>, V: Serialize> Serialize for Pairs<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (key, value)) in self.0.iter().enumerate() {
            let said_before = self.0[..at].iter().any(|(earlier, _)| earlier.as_ref() == key.as_ref());
            if !said_before {
                map.serialize_entry(key.as_ref(), value)?;
            }
        }
        map.end()
    }
}

fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

/// A UUID as text, for `#[serde(with)]`.
pub(crate) mod uuid_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use uuid::Uuid;

    pub(crate) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        Box::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spelled_as_everywhere() {
        let of = |octet: u8| (octet, octet.wrapping_mul(7), octet.wrapping_add(90), 255 - octet);
        for (a, b, c, d) in (0..=255).map(of) {
            let ip = Ipv4Addr::new(a, b, c, d);
            let (text, length) = dotted(ip);
            assert_eq!(std::str::from_utf8(&text[..length]), Ok(&*ip.to_string()));
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("é", 1), "");
    }
}
