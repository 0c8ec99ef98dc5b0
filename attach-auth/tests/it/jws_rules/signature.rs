use serde_json::json;

use super::by;
use crate::support::{Signer, b64};

/// The order of the base point of P-256, P-384 and P-521 (FIPS 186-5), and of edwards25519, in hexadecimal.
const ORDERS: [(&str, &str); 3] = [
    ("ES256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (
        "ES384",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        "ES512",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b889\
         9c47aebb6fb71e91386409",
    ),
];
const ED25519: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

fn number(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// `a - b`, big-endian, of the same length.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let digit = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(digit < 0);
            digit.rem_euclid(256).try_into().expect("is a byte")
        })
        .collect();
    digits.reverse();
    digits
}

fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut digits: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let digit = u16::from(*a) + u16::from(*b) + carry;
            carry = digit / 256;
            (digit % 256).try_into().expect("is a byte")
        })
        .collect();
    assert_eq!(carry, 0);
    digits.reverse();
    digits
}

struct Signed {
    signer: Signer,
    message: String,
    signature: Vec<u8>,
}

impl Signed {
    fn by(signer: Signer) -> Self {
        let message =
            format!("{}.{}", b64(json!({"alg": signer.alg, "kid": "k"}).to_string()), b64("payload"));
        let signature = signer.sign(message.as_bytes());
        let signed = Self { signer, message, signature };
        assert_eq!(signed.with(&signed.signature), "ok");
        signed
    }

    fn with(&self, signature: &[u8]) -> &'static str {
        by(&self.signer.jwk(), &format!("{}.{}", self.message, b64(signature)))
    }

    fn refuses(&self, signatures: &[Vec<u8>]) {
        for signature in signatures {
            assert_eq!(self.with(signature), "signature", "{} {signature:?}", self.signer.alg);
        }
    }

    /// What every algorithm refuses: the right bytes and a few more or less.
    fn refuses_other_lengths(&self) {
        let good = self.signature.as_slice();
        self.refuses(&[
            vec![],
            vec![0],
            good[1..].to_vec(),
            good[..good.len() - 1].to_vec(),
            [&[0], good].concat(),
            [good, &[0]].concat(),
            [good, good].concat(),
            vec![0; good.len()],
            vec![0xff; good.len()],
        ]);
    }
}

#[test]
fn two_numbers_between_one_and_the_order_in_their_full_width() {
    for (signer, (alg, order)) in
        [Signer::es256("k"), Signer::es384("k"), Signer::es512("k")].into_iter().zip(ORDERS)
    {
        assert_eq!(signer.alg, alg);
        let signed = Signed::by(signer);
        signed.refuses_other_lengths();
        let order = number(order);
        let (r, s) = signed.signature.split_at(order.len());
        let mut one = vec![0; order.len()];
        let zero = one.clone();
        one[order.len() - 1] = 1;
        let pair = |r: &[u8], s: &[u8]| [r, s].concat();
        let last = minus(&order, &one);
        let mut all = vec![pair(s, r), pair(r, &[0xff].repeat(s.len()))];
        for number in [&zero, &order] {
            all.extend([pair(number, s), pair(r, number)]);
            all.extend([&zero, &one, &last, &order].map(|other| pair(number, other)));
        }
        all.extend([pair(&one, &one), pair(&last, &last), pair(&one, &last)]);
        // One number twice as wide, and the pair in the encoding of X9.62.
        all.push([&[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01][..]].concat());
        all.push([&[0, 0], r, &[0, 0], s].concat());
        signed.refuses(&all);
        // JWS has no rule for the smaller of the two: both sign.
        assert_eq!(signed.with(&pair(r, &minus(&order, s))), "ok");
    }
}

#[test]
fn a_signature_in_x962_encoding_is_none() {
    let signed = Signed::by(Signer::es256("k"));
    let (r, s) = signed.signature.split_at(32);
    let integer = |digits: &[u8]| [&[0x02, 33, 0], digits].concat();
    signed.refuses(&[[&[0x30, 70][..], &integer(r), &integer(s)].concat()]);
}

#[test]
fn an_ed25519_signature_has_one_spelling() {
    let signed = Signed::by(Signer::ed25519("k"));
    signed.refuses_other_lengths();
    let (r, s) = signed.signature.split_at(32);
    let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    // The same number plus the order: RFC 8032 §5.1.7 has it refused.
    let higher = reversed(&plus(&reversed(s), &number(ED25519)));
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut flipped = r.to_vec();
    flipped[31] ^= 0x80;
    signed.refuses(&[
        [r, &higher].concat(),
        [s, r].concat(),
        [flipped.as_slice(), s].concat(),
        [identity.as_slice(), &[0; 32]].concat(),
        [r, &[0; 32]].concat(),
        [identity.as_slice(), s].concat(),
    ]);
}

#[test]
fn an_rsa_signature_is_as_long_as_its_key_and_of_its_own_padding() {
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    for alg in algorithms {
        let signed = Signed::by(Signer::rsa("k", alg));
        signed.refuses_other_lengths();
        let mut one = vec![0; 256];
        one[255] = 1;
        let modulus = super::bytes(&signed.signer.jwk(), "n");
        signed.refuses(&[one.clone(), modulus.clone(), minus(&modulus, &one)]);
        for other in algorithms.into_iter().filter(|other| *other != alg) {
            let signature = signed.signer.as_alg(other).sign(signed.message.as_bytes());
            assert_eq!(signed.with(&signature), "signature", "{other} for {alg}");
        }
    }
}

#[test]
fn one_bit_of_anything_that_was_signed_counts() {
    for signer in [Signer::es256("k"), Signer::ed25519("k"), Signer::rsa("k", "PS256")] {
        let signed = Signed::by(signer);
        for bit in [0, 7] {
            for at in 0..signed.signature.len() {
                let mut other = signed.signature.clone();
                other[at] ^= 1 << bit;
                assert_eq!(signed.with(&other), "signature");
            }
        }
        let jwk = signed.signer.jwk();
        let other = format!("{}A.{}", signed.message, b64(&signed.signature));
        assert_ne!(by(&jwk, &other), "ok");
        let header = b64(json!({"alg": signed.signer.alg, "kid": "k", "typ": "x"}).to_string());
        assert_eq!(by(&jwk, &format!("{header}.{}.{}", b64("payload"), b64(&signed.signature))), "signature");
    }
}
