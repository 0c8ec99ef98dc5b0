//! Addresses of cryptocurrencies by their checksums: Bitcoin, Litecoin and Dogecoin in Base58Check (P2PKH, P2SH) and
//! Bech32/Bech32m (BIP 173, BIP 350), Ethereum in mixed case (EIP-55).

use std::ops::Range;

use sha2::{Digest, Sha256};
use sha3::Keccak256;

use crate::engine::{Hits, is_word};
use crate::finding::Strength;
use crate::{Entity, Finding};

/// A word of the right length that begins as such addresses do.
pub(crate) fn scan_base58(hits: &mut Hits<'_>, run: Range<usize>) {
    if is_base58check(&hits.text.as_bytes()[run.clone()]) && ends(hits.text, run.end) {
        hits.push(Finding::strong(run, Entity::Crypto, 1.0, Strength::Checksum));
    }
}

/// A word that begins with `bc1` or `ltc1` at `start`.
pub(crate) fn scan_bech32(hits: &mut Hits<'_>, start: usize) {
    let text = hits.text.as_bytes();
    let length = text[start..].iter().take(91).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let range = start..start + length;
    if begins(text, start) && ends(hits.text, range.end) && is_bech32(&text[range.clone()]) {
        hits.push(Finding::strong(range, Entity::Crypto, 1.0, Strength::Checksum));
    }
}

/// A word that begins with `0x` at `start`: twenty bytes in hexadecimal digits. Without a checksum, in small or capital
/// letters alone, it has to be called an address.
pub(crate) fn scan_ethereum(hits: &mut Hits<'_>, start: usize) {
    let text = hits.text.as_bytes();
    let Some(digits) = text.get(start + 2..start + 42) else { return };
    if !digits.iter().all(u8::is_ascii_hexdigit) || !begins(text, start) || !ends(hits.text, start + 42) {
        return;
    }
    let mixed = digits.iter().any(u8::is_ascii_uppercase) && digits.iter().any(u8::is_ascii_lowercase);
    let range = start..start + 42;
    if mixed && is_eip_55(digits) {
        hits.push(Finding::strong(range, Entity::Crypto, 1.0, Strength::Checksum));
    } else if !mixed && hits.is_near(&Entity::Crypto, start) {
        hits.push(Finding::new(range, Entity::Crypto, 0.7));
    }
}

fn begins(text: &[u8], start: usize) -> bool {
    !start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|&byte| is_word(byte))
}

/// A letter is a capital where the hash of the address in small letters has a digit of eight or more.
fn is_eip_55(digits: &[u8]) -> bool {
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .iter()
        .zip(nibbles)
        .all(|(digit, nibble)| digit.is_ascii_digit() || digit.is_ascii_uppercase() == (nibble >= 8))
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
    // Bitcoin 0 and 5, Dogecoin 30, Litecoin 48 and 50.
    matches!(payload.first(), Some(0 | 5 | 30 | 48 | 50))
        && Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

fn is_bech32(word: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const BECH32: u32 = 1;
    const BECH32M: u32 = 0x2BC8_30A3;
    let mixed = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    if mixed || !(14..=90).contains(&word.len()) {
        return false;
    }
    let Some(one) = word.iter().position(|byte| *byte == b'1') else { return false };
    // The human-readable part, expanded: high bits, zero, low bits.
    let (prefix, data) = word.split_at(one);
    let high = prefix.iter().map(|byte| u32::from(byte.to_ascii_lowercase() >> 5));
    let low = prefix.iter().map(|byte| u32::from(byte & 31));
    let mut checksum = high.chain([0]).chain(low).fold(1, polymod);
    for symbol in data.iter().skip(1) {
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
        assert!(is_bech32(b"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"));
        // The same key for Litecoin, and addresses that its and Dogecoin's projects published.
        assert!(is_bech32(b"ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"));
        assert!(!is_bech32(b"ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(is_base58check(b"LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9"));
        assert!(is_base58check(b"DBXu2kgc3xtvCUWFcxFE3r9hEYgmuaaCyD"));
        assert!(is_base58check(b"1BoatSLRHtKNngkdXEeobR76b53LETtpyT"));
        assert!(!is_base58check(b"1BoatSLRHtKNngkdXEeobR76b53LETtpyU"));
    }

    #[test]
    fn capitals_check_an_address_of_ethereum() {
        // EIP-55's own test cases.
        for address in [
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "D1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert!(is_eip_55(address.as_bytes()), "{address}");
        }
        assert!(!is_eip_55(b"5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
    }

    #[test]
    fn an_address_without_a_checksum_has_to_be_called_one() {
        let redactor = crate::Redactor::builder().build().expect("builds");
        let found = |text: &str| redactor.find(text).iter().any(|finding| finding.entity == Entity::Crypto);
        assert!(found("pay 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed now"));
        assert!(found("my wallet is 0xde709f2102306220921060314715629080e2fb77"));
        assert!(!found("the hash is 0xde709f2102306220921060314715629080e2fb77"));
        assert!(!found("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(found("to LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9, please"));
    }
}
