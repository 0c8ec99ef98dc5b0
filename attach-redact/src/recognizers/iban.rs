//! International bank account numbers (ISO 13616), in any case, with or without separators.

use std::ops::Range;

use iban::Iban;

use crate::engine::Hits;
use crate::finding::Strength;
use crate::{Entity, Finding};

/// No country's are shorter.
const SHORTEST: usize = 15;
/// ISO 13616 has no longer ones.
const LONGEST: usize = 34;

/// Looks for a number that begins with `window`.
pub(crate) fn scan(hits: &mut Hits<'_>, window: &Range<usize>) {
    let text = hits.text.as_bytes();
    let (mut compact, mut cases) = (String::with_capacity(LONGEST), [false; 2]);
    let mut end = None;
    let mut at = window.start;
    while compact.len() < LONGEST {
        let Some(&byte) = text.get(at) else { break };
        if byte.is_ascii_alphanumeric() {
            compact.push(char::from(byte.to_ascii_uppercase()));
            cases[usize::from(byte.is_ascii_uppercase())] |= byte.is_ascii_alphabetic();
            if cases == [true; 2] {
                break;
            }
            let whole = !text.get(at + 1).is_some_and(|&next| crate::engine::is_word(next));
            if whole && compact.len() >= SHORTEST && is_iban(&compact) {
                end = Some(at + 1);
                break;
            }
        } else if !matches!(byte, b' ' | b'-') || matches!(text.get(at + 1), Some(b' ' | b'-')) {
            break;
        }
        at += 1;
    }
    if let Some(end) = end {
        hits.push(Finding::strong(window.start..end, Entity::Iban, 1.0, Strength::Checksum));
    }
}

/// The country's length and structure, and the check digits (mod 97).
fn is_iban(compact: &str) -> bool {
    compact.parse::<Iban>().is_ok()
}
