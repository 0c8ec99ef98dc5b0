//! Asterisks for what must not be shown.

use std::ops::Range;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// The arguments of a tool, which have to stay JSON: digits may be a number, and escapes stay.
    Json,
}

/// The part `piece` of `text`, with what is in one of `ranges` masked. Every character stays one character.
pub(super) fn masked(text: &str, piece: Range<usize>, ranges: &[Range<usize>], form: Form) -> String {
    let mut out = String::with_capacity(piece.len());
    let mut escaped = 0;
    for (at, character) in text.char_indices() {
        let part_of_escape = escaped > 0 && form == Form::Json;
        escaped = match (escaped, character) {
            (0, '\\') => 1,
            (1, 'u') => 4,
            (left, _) => usize::saturating_sub(left, 1),
        };
        if !piece.contains(&at) {
            continue;
        }
        let hide = !part_of_escape && ranges.iter().any(|range| range.contains(&at));
        out.push(match form {
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
    }
}
