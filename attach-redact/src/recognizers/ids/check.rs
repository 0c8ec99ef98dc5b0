//! Check digits, over the ASCII digits and letters of a text; whatever stands between them is passed over.

use std::ops::Range;

use super::Verdict;

/// For what has no check digit, or none that is public.
pub(super) fn none(_: &str) -> Verdict {
    Verdict::Form
}

/// The values of the ASCII digits in `text`.
pub(crate) fn digits(text: &str) -> Vec<u32> {
    text.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0')).collect()
}

/// The ASCII letters and digits in `text`, in capitals.
pub(crate) fn letters_and_digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect()
}

/// The sum of digits times weights. Further digits or weights do not count.
pub(crate) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The decimal number of the digits in `part`; 0 if there are fewer.
pub(crate) fn number(digits: &[u32], part: Range<usize>) -> u32 {
    digits.get(part).unwrap_or_default().iter().fold(0, |number, digit| number * 10 + digit)
}

/// The sum of digits times weights where a product of two digits counts as the sum of both.
pub(crate) fn weighted_crosswise(digits: &[u32], weights: &[u32]) -> u32 {
    let cross = |(digit, weight): (&u32, &u32)| digit * weight / 10 + digit * weight % 10;
    digits.iter().zip(weights).map(cross).sum()
}

/// Digits as they are, letters as two digits from A = 01.
pub(crate) fn spelled_from_one(written: &[u8]) -> Vec<u32> {
    let spell = |byte: &u8| match byte {
        b'A'..=b'Z' => vec![u32::from(byte - b'A' + 1) / 10, u32::from(byte - b'A' + 1) % 10],
        _ => vec![u32::from(byte.wrapping_sub(b'0'))],
    };
    written.iter().flat_map(spell).collect()
}

/// The check digit of machine-readable travel documents (ICAO Doc 9303-3, 4.9): weights 7, 3, 1; A is 10, Z is 35.
pub(crate) fn icao(written: &[u8]) -> u32 {
    let value = |byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        _ => 0,
    };
    written.iter().zip([7, 3, 1].into_iter().cycle()).map(|(byte, weight)| value(byte) * weight).sum::<u32>()
        % 10
}

/// Luhn's formula (ISO/IEC 7812-1 annex B); never for zeros alone.
pub(crate) fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| digit * 2 - if digit > 4 { 9 } else { 0 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, d)| if at % 2 == 0 { *d } else { doubled(*d) }).sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// Luhn's formula with capital letters and digits, modulus 36: the last character checks the fourteen or so before
/// (Goods and Services Tax Network, check digit of the GSTIN).
pub(crate) fn luhn_36(characters: &[u8]) -> bool {
    let value = |byte: &u8| char::from(*byte).to_digit(36).unwrap_or(0);
    let Some((last, head)) = characters.split_last() else { return false };
    let weighed = head.iter().enumerate().map(|(at, byte)| value(byte) * if at % 2 == 0 { 1 } else { 2 });
    let sum: u32 = weighed.map(|product| product / 36 + product % 36).sum();
    (36 - sum % 36) % 36 == value(last)
}

/// Verhoeff's scheme, by the dihedral group of order ten (J. Verhoeff, Error Detecting Decimal Codes, 1969).
pub(crate) fn verhoeff(digits: &[u32]) -> bool {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u32, times: usize| {
        (0..times % 8).fold(digit, |digit, _| PERMUTATION.get(digit as usize).copied().unwrap_or(digit))
    };
    let checksum =
        digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| product(sum, permuted(*digit, at)));
    checksum == 0 && digits.iter().any(|digit| *digit != 0)
}

/// In the dihedral group: rotations are 0–4, reflections 5–9.
fn product(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right - 5) % 5,
        (false, true) => 5 + (left - 5 + 5 - right) % 5,
        (false, false) => (5 + left - right) % 5,
    }
}

/// ISO/IEC 7064, MOD 11,10: the last digit checks the others.
pub(crate) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((last, head)) = digits.split_last() else { return false };
    let product = head.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *last
}

/// Whether all digits are the same, as in numbers somebody made up.
pub(crate) fn is_one_digit(digits: &[u32]) -> bool {
    digits.iter().all(|digit| Some(digit) == digits.first())
}

/// Whether `year`-`month`-`day` is in the Gregorian calendar.
pub(crate) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=last).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_and_verhoeff_know_right_from_wrong() {
        assert!(luhn(&digits("4111 1111 1111 1111")));
        assert!(!luhn(&digits("4111 1111 1111 1112")));
        // Wikipedia's example: 236 has the check digit 3.
        assert!(verhoeff(&digits("2363")));
        assert!((0..10).filter(|last| verhoeff(&digits(&format!("236{last}")))).count() == 1);
        assert!(!verhoeff(&digits("3263")));
    }

    #[test]
    fn iso_7064_mod_11_10_has_one_check_digit() {
        let valid = |last: u32| mod_11_10(&digits(&format!("8609574271{last}")));
        assert_eq!((0..10).filter(|last| valid(*last)).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn travel_documents_have_the_check_digit_of_icao() {
        // ICAO Doc 9303-4, the specimen of Utopia: L898902C3, 740812, 120415.
        assert_eq!([icao(b"L898902C3"), icao(b"740812"), icao(b"120415")], [6, 2, 9]);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert!(
            is_date(2000, 2, 29) && !is_date(1900, 2, 29) && !is_date(2001, 13, 1) && !is_date(2001, 4, 31)
        );
    }
}
