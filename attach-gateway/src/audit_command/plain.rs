//! Other people's text on a terminal.

/// The same text with nothing in it that a terminal would take for an order, or that would show it in another order: callers
/// choose the names of models, and what they ask. Lines stay lines.
pub(super) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(|c| if matches!(c, '\n' | '\t') { c } else { shown(c) }).collect()
}

/// A character as it is shown within a line.
pub(super) fn shown(c: char) -> char {
    // What changes the direction of text: Unicode Standard Annex #9, section 2; and its own line ends.
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_an_order_is_shown_as_none() {
        assert_eq!(plain("a\tb\r\nc\n"), "a\tb\nc\n");
        for order in ["\u{1b}]0;x\u{7}", "\r", "\u{8}", "\u{7f}", "\u{9b}2J", "\u{202e}gpj.exe", "\u{2028}"] {
            let shown = plain(order);
            assert!(!shown.contains(|c: char| order.contains(c) && !c.is_ascii_graphic()), "{shown:?}");
        }
    }
}
