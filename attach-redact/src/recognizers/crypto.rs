//! Bitcoin addresses: Base58Check (P2PKH, P2SH) and Bech32/Bech32m (BIP 173, BIP 350).

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::engine::{Hits, is_word};
use crate::finding::Strength;
use crate::{Entity, Finding};

/// A word of the right length that begins with 1 or 3.
pub(crate) fn scan_base58(hits: &mut Hits<'_>, run: Range<usize>) {
    if is_base58check(&hits.text.as_bytes()[run.clone()]) && ends(hits.text, run.end) {
        hits.push(Finding::strong(run, Entity::Crypto, 1.0, Strength::Checksum));
    }
}

/// A word that begins with `bc1` at `start`.
pub(crate) fn scan_bech32(hits: &mut Hits<'_>, start: usize) {
    let text = hits.text.as_bytes();
    let begins = !start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|&byte| is_word(byte));
    let length = text[start..].iter().take(91).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let range = start..start + length;
    if begins && ends(hits.text, range.end) && is_bech32(&text[range.clone()]) {
        hits.push(Finding::strong(range, Entity::Crypto, 1.0, Strength::Checksum));
    }
}

fn ends(text: &str, end: usize) -> bool {
    !text.as_bytes().get(end).is_some_and(|&byte| is_word(byte))
}

fn is_base58check(word: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for &symbol in word {
        let Some(value) = ALPHABET.iter().position(|&known| known == symbol) else { return false };
        let mut carry = value;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    matches!(payload.first(), Some(0 | 5)) && Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

fn is_bech32(word: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const BECH32: u32 = 1;
    const BECH32M: u32 = 0x2BC8_30A3;
    let mixed = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    if mixed || !(14..=90).contains(&word.len()) {
        return false;
    }
    // The human-readable part "bc", expanded: high bits, zero, low bits.
    let mut checksum = [3, 3, 0, 2, 3].into_iter().fold(1, polymod);
    for symbol in word.iter().skip(3) {
        let Some(value) = ALPHABET.iter().position(|known| *known == symbol.to_ascii_lowercase()) else {
            return false;
        };
        checksum = polymod(checksum, value as u32);
    }
    matches!(checksum, BECH32 | BECH32M)
}

fn polymod(checksum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let top = checksum >> 25;
    let shifted = (checksum & 0x01FF_FFFF) << 5 ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| top >> bit & 1 == 1)
        .fold(shifted, |sum, (_, term)| sum ^ term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_decide() {
        // BIP 173's and Bitcoin's own examples.
        assert!(is_bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(!is_bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        assert!(is_base58check(b"1BoatSLRHtKNngkdXEeobR76b53LETtpyT"));
        assert!(!is_base58check(b"1BoatSLRHtKNngkdXEeobR76b53LETtpyU"));
    }
}
