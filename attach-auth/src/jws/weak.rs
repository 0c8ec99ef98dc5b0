//! Public keys whose private half is public knowledge, or nearly so.

/// Without leading zero bytes, as some providers write a modulus.
pub(super) fn positive(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

/// Fewer than 2048 bits or more than 8192, an even modulus or exponent, an exponent below 3, or CVE-2017-15361.
pub(super) fn is_weak_rsa(n: &[u8], e: &[u8]) -> bool {
    let bits = n.first().map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    !(2048..=8192).contains(&bits) || !odd(n) || !odd(e) || *e == [1] || is_roca(n)
}

/// Moduli of the Infineon library (CVE-2017-15361): a power of 65537 modulo every small prime.
fn is_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|&prime| {
        let residue = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        std::iter::successors(Some(1), |power| Some(power * (65537 % prime) % prime))
            .take(prime as usize)
            .any(|power| power == residue)
    })
}

/// The encodings of the points of small order on Ed25519, whose signatures verify for almost any message.
pub(crate) fn is_small_order(point: &[u8]) -> bool {
    const ORDER_8_A: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const ORDER_8_B: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    let Ok(mut y) = <[u8; 32]>::try_from(point) else {
        return true;
    };
    // The sign of x does not change the order.
    y[31] &= 0x7f;
    let below_two = y[0] < 2 && y[1..].iter().all(|byte| *byte == 0);
    // p - 1, p and p + 1 with p = 2^255 - 19; the last two are other spellings of 0 and 1.
    let around_p = y[0] >= 0xec && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
    below_two || around_p || y == ORDER_8_A || y == ORDER_8_B
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_exponent_or_modulus_is_weak() {
        let strong = [[0xc3; 255].as_slice(), &[1]].concat();
        assert!(!is_weak_rsa(&strong, &[1, 0, 1]));
        assert!(!is_weak_rsa(&strong, &[3]));
        assert!(is_weak_rsa(&strong, &[1]));
        assert!(is_weak_rsa(&strong, &[2]));
        assert!(is_weak_rsa(&strong, &[]));
        assert!(is_weak_rsa(&strong[1..], &[1, 0, 1]));
        assert!(is_weak_rsa(&[], &[1, 0, 1]));
    }

    #[test]
    fn small_order_points_are_known_in_every_spelling() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(is_small_order(&identity));
        identity[31] = 0x80;
        assert!(is_small_order(&identity));
        assert!(is_small_order(&[0; 31]));
        assert!(!is_small_order(&[7; 32]));
    }
}
