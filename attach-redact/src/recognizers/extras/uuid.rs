//! Universally unique identifiers (RFC 9562).

use crate::engine::{Hits, is_word};
use crate::{Entity, Finding};

/// Looks at a hyphen, which is the first of a UUID's four or none.
pub(super) fn scan(hits: &mut Hits<'_>, at: usize) {
    let text = hits.text.as_bytes();
    let Some(start) = at.checked_sub(8) else { return };
    let Some(written) = text.get(start..start + 36) else { return };
    let outside =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|&byte| is_word(byte) || byte == b'-');
    if is_uuid(written) && !outside(start.checked_sub(1)) && !outside(Some(start + 36)) {
        hits.push(Finding::new(start..start + 36, Entity::Uuid, 0.9));
    }
}

/// §4: five groups of hexadecimal digits; a version from 1 to 8 (§4.2), and a variant (§4.1) of this standard or
/// Microsoft's. So neither the nil nor the max UUID, which identify nothing.
fn is_uuid(written: &[u8]) -> bool {
    let formed = written.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let version = written.get(14).is_some_and(|byte| (b'1'..=b'8').contains(byte));
    let variant = written.get(19).is_some_and(|byte| !byte.is_ascii_digit() || matches!(byte, b'8' | b'9'));
    formed
        && version
        && variant
        && written.get(19).is_some_and(|byte| !matches!(byte, b'e' | b'E' | b'f' | b'F'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_variants_are_those_of_the_standard() {
        // RFC 9562, appendix A: versions 1, 3, 4, 5, 6, 7; appendix B: 8.
        for example in [
            "C232AB00-9414-11EC-B3C8-9F6BDECED846",
            "5df41881-3aed-3515-88a7-2f4a814cf09e",
            "919108f7-52d1-4320-9bac-f847db4148a8",
            "2ed6657d-e927-568b-95e1-2665a8aea6a2",
            "1EC9414C-232A-6B00-B3C8-9F6BDECED846",
            "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
            "2489E9AD-2EE2-8E00-8EC9-32D5F69181C0",
        ] {
            assert!(is_uuid(example.as_bytes()), "{example}");
        }
        for other in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "919108f7-52d1-4320-7bac-f847db4148a8",
            "919108f7-52d1-9320-9bac-f847db4148a8",
            "919108g7-52d1-4320-9bac-f847db4148a8",
        ] {
            assert!(!is_uuid(other.as_bytes()), "{other}");
        }
    }
}
