//! How records are chained: the exact bytes that are hashed, and where in a line its hashes stand.
//!
//! A line is `{…,"prev":"<64 hex>","hash":"<64 hex>"}` and a newline. The hash is
//! `SHA-256(0x00 || everything before ,"hash":")`: it covers the bytes as written, not a re-serialised form, so a
//! verifier needs no JSON canonicalisation. The leading zero makes it the leaf hash of RFC 6962 over the same bytes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use sha2::{Digest, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";
const PREV: &[u8] = b",\"prev\":\"";
const HASH: &[u8] = b"\",\"hash\":\"";
const CLOSE: &[u8] = b"\"}";
/// `,"hash":"` + 64 hex digits + `"}`; the quote that closes `prev` is hashed.
const UNHASHED: usize = HASH.len() - 1 + 64 + CLOSE.len();
/// From the comma before `prev` to the closing brace.
const TAIL: usize = PREV.len() + 64 + HASH.len() + 64 + CLOSE.len();

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    /// What the first record of a chain has for `prev`.
    pub(crate) const ZERO: Self = Self([0; 32]);

    /// The hash of any bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The hash of a record, from its line up to `,"hash":"`.
    fn leaf(covered: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(covered).finalize().into())
    }

    /// An inner node of a Merkle tree (RFC 6962, section 2.1).
    pub(crate) fn node(left: Self, right: Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    #[cfg(feature = "checkpoints")]
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(feature = "checkpoints")]
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn hex(self) -> [u8; 64] {
        let mut out = [0; 64];
        write_hex(&self.0, &mut out);
        out
    }

    fn from_hex(hex: &[u8]) -> Option<Self> {
        if hex.len() != 64 {
            return None;
        }
        let (mut out, mut seen) = ([0; 32], 0);
        for (byte, pair) in out.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            seen |= high | low;
            *byte = (high << 4) | (low & 15);
        }
        (seen < 16).then_some(Self(out))
    }
}

/// Writes two lower-case hex digits for each byte, as far as there is room.
pub(crate) fn write_hex(bytes: &[u8], out: &mut [u8]) {
    let (pairs, _) = out.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = PAIRS[usize::from(*byte)];
    }
}

/// The digits of each byte; a call's records have some three hundred of them.
const PAIRS: [[u8; 2]; 256] = {
    let (mut pairs, mut n) = ([[0; 2]; 256], 0);
    while n < 256 {
        pairs[n] = [HEX[n >> 4], HEX[n & 15]];
        n += 1;
    }
    pairs
};

/// The value of each lower-case hex digit; verifying a log reads 128 of them for each record.
const DIGITS: [u8; 256] = {
    let (mut digits, mut n) = ([0xff; 256], 0);
    while n < 16 {
        digits[HEX[n as usize] as usize] = n;
        n += 1;
    }
    digits
};

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.hex()).map_err(ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = Box::<str>::deserialize(deserializer)?;
        Self::from_hex(hex.as_bytes()).ok_or_else(|| de::Error::custom("not 64 lower-case hex digits"))
    }
}

/// Ends the record that starts at `start` of `out` with `prev` and its own hash, which is returned.
pub(crate) fn seal(out: &mut Vec<u8>, start: usize, prev: Hash) -> Hash {
    out.extend_from_slice(PREV);
    out.extend_from_slice(&prev.hex());
    out.push(b'"');
    let hash = Hash::leaf(&out[start..]);
    out.extend_from_slice(&HASH[1..]);
    out.extend_from_slice(&hash.hex());
    out.extend_from_slice(CLOSE);
    out.push(b'\n');
    hash
}

/// What a line says of itself, once its hash was found to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) seq: u64,
    pub(crate) chain: &'a str,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
}

/// Reads a line without its newline; `None` unless it has the form above and its hash fits its bytes.
pub(crate) fn read(line: &[u8]) -> Option<Link<'_>> {
    let tail = line.len().checked_sub(TAIL)?;
    let rest = line[tail..].strip_prefix(PREV)?;
    let (prev, rest) = rest.split_at(64);
    let (hash, close) = rest.strip_prefix(HASH)?.split_at(64);
    if close != CLOSE {
        return None;
    }
    let (prev, hash) = (Hash::from_hex(prev)?, Hash::from_hex(hash)?);
    if Hash::leaf(&line[..line.len() - UNHASHED]) != hash {
        return None;
    }
    let (seq, chain) = place(line)?;
    Some(Link { seq, chain, prev, hash })
}

/// Numbers above this are nobody's: reckoning with the ones below does not overflow.
const LARGEST: u64 = i64::MAX as u64;

/// The line's place: `{"v":1,"id":"<36>","seq":<digits>,"chain":"<letters, digits, . _ ->"`.
///
/// A chain of any other characters could be read in two ways, or be an order to the terminal it is shown on.
pub(crate) fn place(line: &[u8]) -> Option<(u64, &str)> {
    let rest = line.strip_prefix(b"{\"v\":1,\"id\":\"")?.get(36..)?.strip_prefix(b"\",\"seq\":")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let seq = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok().filter(|seq| *seq < LARGEST)?;
    let rest = rest[digits..].strip_prefix(b",\"chain\":\"")?;
    let quote = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"._-".contains(byte))?;
    rest[quote..].strip_prefix(b"\"")?;
    Some((seq, std::str::from_utf8(&rest[..quote]).ok()?))
}

/// Whether `bytes`, the unterminated end of a file, could be what is left of a torn write: the beginning of a line,
/// with nothing behind what would have been its end. Some file systems leave zeros where data did not arrive.
pub(crate) fn is_torn(bytes: &[u8]) -> bool {
    let opening = b"{\"v\":1,\"id\":\"";
    let arrived = &bytes[..bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)];
    let shared = arrived.len().min(opening.len());
    let overruns =
        (TAIL..bytes.len()).any(|end| bytes[..end].ends_with(CLOSE) && read(&bytes[..end]).is_some());
    arrived[..shared] == opening[..shared] && !overruns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Vec<u8> {
        let mut out =
            b"{\"v\":1,\"id\":\"0190a3c5-0000-7000-8000-000000000000\",\"seq\":7,\"chain\":\"n-1\",\"x\":1"
                .to_vec();
        seal(&mut out, 0, Hash::of(b"before"));
        out.pop();
        out
    }

    #[test]
    fn a_sealed_line_reads_back() {
        let line = line();
        let link = read(&line).expect("it is whole");
        assert_eq!((link.seq, link.chain, link.prev), (7, "n-1", Hash::of(b"before")));
    }

    #[test]
    fn no_byte_of_a_line_can_change() {
        let line = line();
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut bad = line.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(read(&bad), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_number_or_a_chain_that_nobody_writes_is_no_place() {
        let line = |seq: &str, chain: &str| {
            format!(
                r#"{{"v":1,"id":"0190a3c5-0000-7000-8000-000000000000","seq":{seq},"chain":"{chain}","x":1"#
            )
        };
        assert_eq!(place(line("7", "a.b_c-1").as_bytes()), Some((7, "a.b_c-1")));
        for (seq, chain) in [
            ("18446744073709551615", "n-1"),
            ("9223372036854775807", "n-1"),
            ("7", "\u{1b}[2Kok"),
            ("7", "n\\u002d1"),
            ("7", "\u{9b}2J"),
        ] {
            assert_eq!(place(line(seq, chain).as_bytes()), None, "{seq} {chain:?}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_line_is_torn() {
        let line = line();
        for end in 0..=line.len() {
            assert!(is_torn(&line[..end]), "{end}");
        }
        assert!(!is_torn(&[line.as_slice(), b"\x0b"].concat()));
        assert!(!is_torn(&[line.as_slice(), b"}"].concat()));
        assert!(!is_torn(b"garbage"));
        assert!(is_torn(&[&line[..99], &[0; 4096]].concat()) && is_torn(&[0; 9]));
        assert!(!is_torn(&[line.as_slice(), &[0]].concat()));
    }
}
