//! The header of the PROXY protocol, versions 1 and 2 (HAProxy, `proxy-protocol.txt`): for whom a proxy has connected.
//!
//! Nothing here depends on anything but the standard library, so that the fuzz targets can take it as it is.

use std::fmt;
use std::net::SocketAddr;

mod crc;
mod v1;
mod v2;

/// The longest header that is read, in bytes. Version 1 has at most 107; version 2 may say 64 KiB, and whoever has a use
/// for as much has none here.
pub(crate) const LONGEST: usize = 4096;

/// How many bytes tell the versions apart, fewer than the shortest header has.
const FIRST: usize = v2::SIGNATURE.len();

/// How far a header has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// At least so many bytes of it are still to come.
    More(usize),
    /// All of it, and no byte behind it.
    Done(Source),
}

/// Who is at the other end of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A client at this address.
    Client(SocketAddr),
    /// The proxy itself, or somebody of whom it can say no address: the connection's own stands.
    Unnamed,
}

/// Why something is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no PROXY protocol header: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Looks at what has been read so far. Who reads no more than it says reads nothing of what comes after the header.
///
/// # Errors
///
/// As soon as it can be no header any more (§2: what does not match exactly ends the connection).
pub(crate) fn parse(read: &[u8]) -> Result<Step, Malformed> {
    let begins = |with: &[u8]| read.iter().zip(with).all(|(is, expected)| is == expected);
    let (text, binary) = (begins(v1::WORD), begins(&v2::SIGNATURE));
    if !text && !binary {
        return Err(Malformed("it begins with something else"));
    }
    match FIRST.checked_sub(read.len()) {
        Some(missing) if missing > 0 => Ok(Step::More(missing)),
        _ if text => v1::parse(read),
        _ => v2::parse(read),
    }
}
