//! Version 2 (§2.2): bytes, and behind them what a proxy knows besides (type, length, value).

use std::net::SocketAddr;

use super::crc::crc32c;
use super::{LONGEST, Malformed, Source, Step};

/// What the header begins with.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, version and command, family and protocol, and how much follows.
const FIXED: usize = 16;

/// The type of the header's own checksum (§2.2.2, `PP2_TYPE_CRC32C`).
const CRC32C: u8 = 0x03;

pub(super) fn parse(read: &[u8]) -> Result<Step, Malformed> {
    let local = match read.get(12) {
        None => return Ok(Step::More(FIXED.saturating_sub(read.len()))),
        Some(0x20) => true,
        Some(0x21) => false,
        Some(_) => return Err(Malformed("of another version, or with an unknown command")),
    };
    let Some((fixed, rest)) = read.split_first_chunk::<FIXED>() else {
        return Ok(Step::More(FIXED.saturating_sub(read.len())));
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED + length > LONGEST {
        return Err(Malformed("too long"));
    }
    match length.checked_sub(rest.len()) {
        None => Err(Malformed("more was read than it has")),
        // The proxy's own connection, to see whether this side is well: nothing else in it counts.
        Some(0) if local => Ok(Step::Done(Source::Unnamed)),
        Some(0) => relayed(fixed[13], fixed, rest).map(Step::Done),
        Some(missing) => Ok(Step::More(missing)),
    }
}

/// Of a connection that somebody else began: `rest` are the addresses and what comes behind them.
fn relayed(family: u8, fixed: &[u8; FIXED], rest: &[u8]) -> Result<Source, Malformed> {
    let short = Malformed("it has no room for its addresses");
    let (source, addresses) = match family {
        0x11 => {
            let (four, _) = rest.split_first_chunk::<12>().ok_or(short)?;
            let [a, b, c, d, _, _, _, _, high, low, ..] = *four;
            let address = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])));
            (Source::Client(address), 12)
        }
        0x21 => {
            let (ip, ports) = rest.split_first_chunk::<16>().ok_or(short)?;
            let ports = ports.get(16..20).ok_or(short)?;
            let [high, low, ..] = *ports else { return Err(short) };
            let address = SocketAddr::from((*ip, u16::from_be_bytes([high, low])));
            (Source::Client(address), 36)
        }
        // Not of a stream over IP: valid, and nobody's address as far as we are concerned (§2.2).
        0x00 => (Source::Unnamed, rest.len()),
        0x12 => (Source::Unnamed, 12),
        0x22 => (Source::Unnamed, 36),
        0x31 | 0x32 => (Source::Unnamed, 216),
        _ => return Err(Malformed("of an unknown family or protocol")),
    };
    checked(fixed, rest, addresses).map(|()| source)
}

/// What comes behind the addresses is skipped, but it has to be whole, and a checksum has to be right.
fn checked(fixed: &[u8; FIXED], rest: &[u8], addresses: usize) -> Result<(), Malformed> {
    let mut left = rest.get(addresses..).ok_or(Malformed("it has no room for its addresses"))?;
    let cut = Malformed("what comes behind the addresses is cut off");
    while let Some((&kind, behind)) = left.split_first() {
        let (length, behind) = behind.split_first_chunk::<2>().ok_or(cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, behind) = behind.split_at_checked(length).ok_or(cut)?;
        if kind == CRC32C {
            let said = <[u8; 4]>::try_from(value).map_err(|_| cut)?;
            let before = rest.get(..rest.len() - behind.len() - said.len()).unwrap_or_default();
            if crc32c([&fixed[..], before, &[0; 4], behind]) != u32::from_be_bytes(said) {
                return Err(Malformed("its checksum is wrong"));
            }
        }
        left = behind;
    }
    Ok(())
}
