use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, rand};

use crate::hex::hex;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 characters of 62 hold 256 bits.
const RANDOM: usize = 43;
/// Six characters of 62 hold the 32 bits of the checksum.
const CHECKSUM: usize = 6;
const SHOWN: usize = 6;

/// The secret of a gateway key: `atk_`, 43 random characters, and 6 that check them. `Debug` hides it.
///
/// Secret scanners find one by the pattern `\batk_[0-9A-Za-z]{49}\b`; the last six characters are the CRC-32 of the 43
/// before them in base 62 (digits, capitals, small letters; zeros in front), so a scanner can tell a key from text that
/// looks like one without asking anybody.
#[derive(Clone)]
pub struct Secret(Box<str>);

/// The SHA-256 of a secret: all that is ever kept of it.
///
/// Without a pepper and without a slow hash: those protect what people can remember. 256 random bits cannot be
/// guessed from their hash, whatever guessing costs. For the same reason the time a look-up takes tells nothing:
/// who does not know the secret cannot choose how its hash begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Hash([u8; 32]);

impl Secret {
    /// What every secret begins with.
    pub const PREFIX: &str = "atk_";

    /// Whether `text` means to be a gateway key, well-formed or not.
    #[must_use]
    pub fn looks_like(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    /// `text`, if it is well-formed and its checksum is right. That it is a key of somebody's is not said.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(Self::PREFIX)?;
        if body.len() != RANDOM + CHECKSUM || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (random, sum) = body.split_at(RANDOM);
        verify_slices_are_equal(checksum(random).as_bytes(), sum.as_bytes()).ok()?;
        Some(Self(text.into()))
    }

    /// The whole text. Whoever has it has the key.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A new one, from the system's random source.
    pub(super) fn generate() -> Option<Self> {
        let random = random(RANDOM)?;
        let sum = checksum(&random);
        Some(Self(format!("{}{random}{sum}", Self::PREFIX).into()))
    }

    /// The beginning that may be shown, for people to tell their keys apart. 220 bits stay unknown.
    pub(super) fn shown(&self) -> Box<str> {
        self.0.chars().take(Self::PREFIX.len() + SHOWN).collect()
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Hash {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    pub(super) fn to_hex(self) -> String {
        hex(&self.0)
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

/// `length` characters, each of 62 equally likely. Nothing if the system has no randomness.
pub(super) fn random(length: usize) -> Option<String> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        rand::fill(&mut bytes).ok()?;
        // 248 is the last multiple of 62 in a byte: the rest would make some characters likelier.
        let even = bytes.iter().filter(|byte| **byte < 248).map(|byte| base62(u32::from(*byte)));
        text.extend(even.take(length - text.len()));
    }
    Some(text)
}

fn base62(digit: u32) -> char {
    ALPHABET.get(digit as usize % 62).map_or('0', |byte| char::from(*byte))
}

fn checksum(text: &str) -> String {
    let sum = crc32(text.as_bytes());
    (0..CHECKSUM as u32).rev().map(|place| base62(sum / 62_u32.pow(place) % 62)).collect()
}

/// CRC-32 of IEEE 802.3, as in zip files.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip_files() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum("").as_str(), "000000");
    }

    #[test]
    fn a_secret_is_what_the_pattern_for_scanners_says() {
        let secret = Secret::generate().expect("randomness");
        let text = secret.reveal();
        assert_eq!(text.len(), 53);
        assert!(text.strip_prefix("atk_").expect("the prefix").bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(Secret::parse(text).is_some());
        assert_ne!(text, Secret::generate().expect("randomness").reveal());
    }

    #[test]
    fn one_wrong_character_anywhere_is_noticed() {
        let secret = Secret::generate().expect("randomness");
        for at in 4..secret.reveal().len() {
            let mut wrong = secret.reveal().as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            assert!(Secret::parse(&String::from_utf8(wrong).expect("ASCII")).is_none(), "{at}");
        }
        for text in ["", "atk_", "atk_ü", &secret.reveal()[..52], &format!("{}0", secret.reveal())] {
            assert!(Secret::parse(text).is_none());
        }
    }

    #[test]
    fn a_hash_survives_hexadecimal_and_nothing_else_is_one() {
        let hash = Hash::of(b"x");
        assert_eq!(Hash::from_hex(&hash.to_hex()), Some(hash));
        for text in ["", "zz", &"ü".repeat(32), &"g".repeat(64)] {
            assert_eq!(Hash::from_hex(text), None);
        }
    }

    #[test]
    fn debug_hides_it() {
        let secret = Secret::generate().expect("randomness");
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "Secret Hash");
    }
}
