//! The way back: placeholders become what they stand for.

use attach_core::Exchange;

mod delta;
mod flush;
mod response;
mod stream;
mod text;
mod unary;

pub(crate) use self::response::response;
pub(crate) use self::text::{Restorer, Tally, is_restored};

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
