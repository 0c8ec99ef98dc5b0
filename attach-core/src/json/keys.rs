//! Keys: none twice in an object, none with a control character.

use std::collections::HashSet;

use super::string::decode;

/// A key of an object that is still open.
#[derive(Clone, Copy, Default)]
pub(super) struct Key {
    /// Where it is written, quotes included.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The member's node.
    pub(super) node: u32,
    pub(super) escaped: bool,
}

/// Whether a key has a control character: C0 (escaped; raw ones are refused in every string), DEL or C1.
pub(super) fn has_control(raw: &[u8], escaped: bool) -> bool {
    let plain = !escaped && raw.iter().all(|&byte| byte < 0x7F);
    !plain && decode(raw, escaped).chars().any(char::is_control)
}

/// Beyond this many keys, hashing is cheaper than looking.
const FEW_KEYS: usize = 16;

/// A key that an earlier one equals after unescaping.
pub(super) fn find_duplicate(bytes: &[u8], keys: &[Key]) -> Option<Key> {
    let raw = |key: &Key| bytes.get(key.start as usize + 1..key.end as usize - 1).unwrap_or_default();
    if keys.len() > FEW_KEYS || keys.iter().any(|key| key.escaped) {
        let mut seen = HashSet::with_capacity(keys.len());
        return keys.iter().find(|key| !seen.insert(decode(raw(key), key.escaped))).copied();
    }
    let mut marks = 0_u64;
    for (index, key) in keys.iter().enumerate() {
        let mark = mark(raw(key));
        // Equal keys have equal marks, so a new mark needs no comparison.
        if marks & mark != 0 && keys.iter().take(index).any(|other| raw(other) == raw(key)) {
            return Some(*key);
        }
        marks |= mark;
    }
    None
}

/// One of 64 bits, by length, first and last byte.
fn mark(key: &[u8]) -> u64 {
    let ends = key
        .first()
        .zip(key.last())
        .map_or(0, |(&first, &last)| usize::from(first) * 7 + usize::from(last) * 3);
    1 << ((key.len() * 5 + ends) % 64)
}
