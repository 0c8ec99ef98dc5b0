//! The way back: placeholders become what they stand for.

use attach_core::Exchange;

mod delta;
mod flush;
mod frame;
mod response;
mod shape;
mod stream;
mod text;
mod tools;
pub(crate) mod unary;

pub(crate) use self::delta::{Field, ItemText, Slot, pieces as deltas};
pub(crate) use self::frame::{replaced_data, replaced_line};
pub(crate) use self::response::response;
pub(crate) use self::stream::Stream;
pub(crate) use self::text::{Restorer, Tally, is_restored};
pub(crate) use self::tools::External;

/// Whether JSON may have a placeholder in one of its strings. The letters may be escaped, so an escape may hide one.
fn may_have_any(json: &[u8]) -> bool {
    let is_i = |at: usize| json.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'i'));
    memchr::memchr3_iter(b'P', b'p', b'\\', json).any(|at| {
        if json[at] == b'\\' { json.get(at + 1) == Some(&b'u') } else { is_i(at + 1) && is_i(at + 2) }
    })
}
pub(crate) use self::unary::restore as restore_json;

/// Adds to the exchange's counts.
fn note(exchange: &Exchange, tally: Tally) {
    if tally == Tally::default() {
        return;
    }
    exchange.facts(|facts| {
        let redaction = facts.redaction.get_or_insert_default();
        redaction.restored = redaction.restored.saturating_add(tally.restored);
        redaction.withheld = redaction.withheld.saturating_add(tally.withheld);
    });
}
