//! Other people's text on a terminal.

/// The same text with nothing in it that a terminal would take for an order, or that would show it in another order: callers
/// choose the names of models, and what they ask. Lines stay lines.
pub(super) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(|c| if matches!(c, '\n' | '\t') { c } else { shown(c) }).collect()
}

/// The same JSON, in which what a terminal would take for an order is escaped as JSON can.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            _ if shown(c) == c => out.push(c),
            _ => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out
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
            let json = format!("{}\n", serde_json::Value::from(order));
            let escaped = escaped(&json);
            assert!(
                escaped.trim_end().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '),
                "{escaped}"
            );
            assert_eq!(serde_json::from_str::<String>(&escaped).expect("JSON"), order);
            assert!(!shown.contains(|c: char| order.contains(c) && !c.is_ascii_graphic()), "{shown:?}");
        }
    }
}
