//! Asterisks for what must not be shown.

use std::ops::Range;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// The arguments of a tool, which have to stay JSON: digits may be a number, and escapes stay.
    Json,
}

/// The digits of its code.
const ASTERISK: [char; 4] = ['0', '0', '2', 'a'];

/// `ranges` in their order, without those that touch another.
fn merged(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut all: Vec<Range<usize>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match all.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => all.push(range),
        }
    }
    all
}

/// The part `piece` of `text`, with what is in one of `ranges` masked. Every character stays one character.
pub(super) fn masked(text: &str, piece: Range<usize>, ranges: &[Range<usize>], form: Form) -> String {
    let mut out = String::with_capacity(piece.len());
    let ranges = merged(ranges);
    let hidden = |at: usize| {
        let before = ranges.partition_point(|range| range.start <= at);
        before.checked_sub(1).and_then(|last| ranges.get(last)).is_some_and(|range| range.contains(&at))
    };
    let (mut escaped, mut code) = (0, false);
    for (at, character) in text.char_indices() {
        let part_of_escape = escaped > 0 && form == Form::Json;
        // The code of a character becomes that of an asterisk, digit by digit.
        let digit = (part_of_escape && code).then(|| ASTERISK.get(4_usize.wrapping_sub(escaped))).flatten();
        if (escaped, character) == (1, 'u') {
            code = hidden(at);
        } else if escaped <= 1 {
            code = false;
        }
        escaped = match (escaped, character) {
            (0, '\\') => 1,
            (1, 'u') => 4,
            (left, _) => usize::saturating_sub(left, 1),
        };
        if !piece.contains(&at) {
            continue;
        }
        let hide = !part_of_escape && hidden(at);
        out.push(match form {
            Form::Json if digit.is_some() => digit.copied().unwrap_or('0'),
            Form::Json if hide && character.is_numeric() => '1',
            _ if hide && character.is_alphanumeric() => '*',
            _ => character,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_are_masked_in_their_ranges_only() {
        let text = "call Zoë at 55-1";
        let ranges = [5..9, 13..17];
        assert_eq!(masked(text, 0..text.len(), &ranges, Form::Text), "call *** at **-*");
        assert_eq!(masked(text, 6..12, &ranges, Form::Text), "** at");
    }

    #[test]
    fn arguments_stay_json() {
        let text = r#"{"to":"Zo\u00eb\nX","card":4111}"#;
        let ranges = [7..text.len(), 0..0];
        let masked = masked(text, 0..text.len(), &ranges, Form::Json);
        let whole: serde_json::Value = serde_json::from_str(&masked).unwrap();
        assert_eq!(whole["****"], 1111, "{masked}");
        assert!(!masked.contains("411") && !masked.contains("Zo"), "{masked}");
        assert!(masked.contains(r"**\u002a\n*"), "{masked}");
        let text = r#"{"\u0062ob":"\ud83d\ude00"}"#;
        let masked = super::masked(text, 0..text.len(), &[2..11, 3..5, 14..26], Form::Json);
        assert_eq!(masked, r#"{"\u002a**":"\u002a\u002a"}"#);
    }
}
